//! How many bytes a model's tokens have, as its provider counts, kept from session to session. A cache: it may be deleted at any
//! time, and what can not be read counts as nothing.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::{Store, files};

/// Models that are remembered.
const MOST: usize = 1000;

/// More than this is some other file.
const MAX_BYTES: u64 = 1024 * 1024;

impl Store {
    /// Bytes that a thousand tokens of a model have. Blocks on the disk.
    pub fn counted(&self, provider: &str, model: &str) -> Option<u32> {
        self.all_counted().remove(&key(provider, model))
    }

    /// Keeps what was counted. Blocks on the disk.
    pub fn keep_counted(&self, provider: &str, model: &str, bytes_per_1000_tokens: u32) -> io::Result<()> {
        let mut all = self.all_counted();
        let key = key(provider, model);
        // The last digits change with every answer and tell nothing.
        let is_news = |known: &u32| known.abs_diff(bytes_per_1000_tokens) > bytes_per_1000_tokens / 50;
        if !all.get(&key).is_none_or(is_news) {
            return Ok(());
        }
        all.insert(key, bytes_per_1000_tokens);
        while all.len() > MOST {
            all.pop_first();
        }
        let path = self.counted_path();
        if let Some(folder) = path.parent() {
            files::make_folder(folder)?;
        }
        files::replace(&path, serde_json::to_string(&all)?.as_bytes())
    }

    fn all_counted(&self) -> BTreeMap<String, u32> {
        let path = self.counted_path();
        let is_small = std::fs::metadata(&path).is_ok_and(|status| status.len() <= MAX_BYTES);
        let text = is_small.then(|| std::fs::read(&path).ok()).flatten();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    fn counted_path(&self) -> PathBuf {
        self.root().join("cache").join("tokens.json")
    }
}

fn key(provider: &str, model: &str) -> String {
    format!("{provider} {model}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_kept_and_nonsense_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.counted("openai", "m"), None);
        store.keep_counted("openai", "m", 4200).unwrap();
        store.keep_counted("openai", "m", 4210).unwrap();
        store.keep_counted("ollama", "m", 3000).unwrap();
        assert_eq!((store.counted("openai", "m"), store.counted("ollama", "m")), (Some(4200), Some(3000)));
        std::fs::write(store.counted_path(), "nonsense").unwrap();
        assert_eq!(store.counted("openai", "m"), None);
    }
}
