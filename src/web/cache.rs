//! Pages of one session, kept for a while: a model that asks twice is not a reason to ask a server twice.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use url::Url;

use super::{Limits, Page};

/// Bytes of text that are kept, whatever the number of pages.
const MAX_BYTES: usize = 4 * 1024 * 1024;

pub(in crate::web) struct Cache {
    /// The oldest first.
    pages: VecDeque<Kept>,
    kept_for: Duration,
    most: usize,
}

struct Kept {
    url: Url,
    page: Page,
    since: Instant,
}

impl Cache {
    pub fn new(limits: &Limits) -> Cache {
        Cache { pages: VecDeque::new(), kept_for: limits.kept_for, most: limits.kept }
    }

    pub fn get(&mut self, url: &Url) -> Option<Page> {
        self.forget_old();
        let key = key(url);
        self.pages.iter().find(|kept| kept.url == key).map(|kept| kept.page.clone())
    }

    pub fn put(&mut self, url: &Url, page: &Page) {
        let url = key(url);
        self.pages.retain(|kept| kept.url != url);
        self.pages.push_back(Kept { url, page: page.clone(), since: Instant::now() });
        self.forget_old();
    }

    fn forget_old(&mut self) {
        let mut bytes: usize = self.pages.iter().map(|kept| kept.page.markdown.len()).sum();
        while let Some(oldest) = self.pages.front() {
            if oldest.since.elapsed() <= self.kept_for && self.pages.len() <= self.most && bytes <= MAX_BYTES {
                return;
            }
            bytes = bytes.saturating_sub(oldest.page.markdown.len());
            self.pages.pop_front();
        }
    }
}

/// A page is the same one at each of its places.
fn key(url: &Url) -> Url {
    let mut key = url.clone();
    key.set_fragment(None);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page {
            url: "https://a.example/".to_owned(),
            hops: Vec::new(),
            status: 200,
            title: None,
            markdown: text.to_owned(),
            truncated: false,
            hidden_characters: 0,
            content_type: "text/plain".to_owned(),
            bytes: text.len(),
        }
    }

    fn url(number: usize) -> Url {
        Url::parse(&format!("https://a.example/{number}")).unwrap()
    }

    #[test]
    fn the_oldest_go_first() {
        let mut cache = Cache::new(&Limits { kept: 2, ..Limits::default() });
        for number in 0..3 {
            cache.put(&url(number), &page(&number.to_string()));
        }
        assert_eq!(cache.get(&url(0)), None);
        assert_eq!(cache.get(&url(1)), Some(page("1")));
        assert_eq!(cache.get(&url(2).join("#part").unwrap()), Some(page("2")));
        cache.put(&url(1), &page("new"));
        assert_eq!(cache.get(&url(1)), Some(page("new")));
        assert_eq!(cache.get(&url(2)), Some(page("2")));
    }

    #[test]
    fn large_ones_go_before_they_are_many() {
        let mut cache = Cache::new(&Limits::default());
        let large = "x".repeat(MAX_BYTES / 2);
        for number in 0..3 {
            cache.put(&url(number), &page(&large));
        }
        assert_eq!(cache.get(&url(0)), None);
        assert!(cache.get(&url(1)).is_some() && cache.get(&url(2)).is_some());
    }

    #[test]
    fn what_is_old_is_asked_again() {
        let mut cache = Cache::new(&Limits { kept_for: Duration::ZERO, ..Limits::default() });
        cache.put(&url(1), &page("1"));
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(cache.get(&url(1)), None);
    }
}
