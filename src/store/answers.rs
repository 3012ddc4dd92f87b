//! Answers that are kept as documents: `STATE/sessions/ID/answer-N.md`, numbered from 1.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use super::{Store, files};

/// More answers than these a session does not keep.
const MOST_ANSWERS: u32 = 10_000;

impl Store {
    /// Writes an answer of a session to a new file, and says where it is. An answer that was written stays as it is: an
    /// editor may have it open.
    pub fn keep_answer(&self, id: &str, markdown: &str) -> io::Result<PathBuf> {
        let folder = self.session_folder(id);
        files::make_folder(&folder)?;
        for number in 1..=MOST_ANSWERS {
            let path = folder.join(format!("answer-{number}.md"));
            match files::private(OpenOptions::new().write(true).create_new(true)).open(&path) {
                Ok(mut file) => {
                    file.write_all(markdown.as_bytes())?;
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("this session has too many answers"))
    }

    /// Writes the session's conversation as it is now, over what was written before; the path.
    pub fn keep_conversation(&self, id: &str, markdown: &str) -> io::Result<PathBuf> {
        let folder = self.session_folder(id);
        files::make_folder(&folder)?;
        let path = folder.join("conversation.md");
        // Named temporary files have mode 0600; the rename keeps it.
        let mut file = tempfile::NamedTempFile::new_in(&folder)?;
        file.write_all(markdown.as_bytes())?;
        file.persist(&path)?;
        Ok(path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_numbered_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let first = store.keep_answer("s", "one").unwrap();
        let second = store.keep_answer("s", "two").unwrap();
        assert_eq!(first, store.session_folder("s").join("answer-1.md"));
        assert_eq!(second, store.session_folder("s").join("answer-2.md"));
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
    }
}
