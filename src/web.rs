//! Pages of the web as text, and web searches, from public addresses only.
//!
//! This module must never know who asks: what may be asked for is decided before, in [`permission`](crate::permission); that an
//! address is public is checked here, at each name and each redirect. What comes back is data of strangers, made plain: no
//! scripts, nothing that a reader of the page would not see, no address that is not `http` or `https`.

pub mod address;
pub mod error;
pub mod proxy;
pub mod reach;

mod body;
mod cache;
mod charset;
mod client;
mod fetch;
mod html;
mod kind;
mod search;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

pub use error::{Fault, WebError};
pub use proxy::Proxies;
pub use reach::{Names, Reach};

/// The web as one session sees it. Cheap to clone; clones share what is kept of pages.
#[derive(Clone)]
pub struct Web {
    shared: Arc<Shared>,
    cache: Arc<Mutex<cache::Cache>>,
}

/// What all sessions of an agent have in common.
struct Shared {
    settings: WebSettings,
    clients: client::Clients,
}

/// How the web is reached.
#[derive(Clone)]
pub struct WebSettings {
    /// Who answers searches, if anybody.
    pub search: Option<SearchSettings>,
    pub user_agent: String,
    pub reach: Reach,
    pub proxies: Proxies,
    pub limits: Limits,
}

impl Default for WebSettings {
    /// Public addresses, no proxy, no searches.
    fn default() -> WebSettings {
        WebSettings {
            search: None,
            user_agent: concat!("claw/", env!("CARGO_PKG_VERSION")).to_owned(),
            reach: Reach::public(),
            proxies: Proxies::none(),
            limits: Limits::default(),
        }
    }
}

/// Who answers searches. Its address is the user's own configuration, so it may be a private one.
#[derive(Clone, Debug)]
pub struct SearchSettings {
    pub provider: SearchProvider,
    /// Where that is; each but SearXNG has an address of its own.
    pub url: Option<String>,
    pub key: Option<SecretString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchProvider {
    Searxng,
    Brave,
    Tavily,
}

/// How much of the web is taken at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body that are read, after decompression.
    pub body: usize,
    /// For a page with all its redirects, or for a search.
    pub time: Duration,
    pub redirects: usize,
    /// Bytes of a page's text that are given back.
    pub shown: usize,
    /// How long a page is kept, to be given again without asking.
    pub kept_for: Duration,
    /// Pages that are kept.
    pub kept: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body: 5 * 1024 * 1024,
            time: Duration::from_secs(20),
            redirects: 5,
            shown: 32 * 1024,
            kept_for: Duration::from_secs(15 * 60),
            kept: 64,
        }
    }
}

/// A page as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it was in the end.
    pub url: String,
    /// The addresses that redirected to it, in their order.
    pub hops: Vec<String>,
    pub status: u16,
    pub title: Option<String>,
    /// What is to be read: Markdown of an HTML page, the text of a text, one line about anything else.
    pub markdown: String,
    /// There was more.
    pub truncated: bool,
    /// Characters that nobody sees and that were left out of [`Page::markdown`].
    pub hidden_characters: usize,
    /// As the server says, without parameters; `unknown` if it does not.
    pub content_type: String,
    /// Bytes of the body that were read.
    pub bytes: usize,
}

/// One result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub title: String,
    pub url: String,
    pub snippet: String,
}

impl Web {
    pub fn new(settings: WebSettings) -> Web {
        let clients = client::Clients::new(&settings);
        let cache = cache::Cache::new(&settings.limits);
        Web { shared: Arc::new(Shared { settings, clients }), cache: Arc::new(Mutex::new(cache)) }
    }

    /// The same for another session: what this one has been given is not kept for that one.
    pub fn session(&self) -> Web {
        let cache = cache::Cache::new(&self.shared.settings.limits);
        Web { shared: Arc::clone(&self.shared), cache: Arc::new(Mutex::new(cache)) }
    }

    /// The page at `url`. Follows redirects on the same host; one that leads to another host is told
    /// ([`WebError::Elsewhere`]) and not followed, because what was allowed is this host.
    pub async fn fetch(&self, url: &str) -> Result<Page, WebError> {
        let url = address::parse(url, &self.shared.settings.reach)?;
        if let Some(page) = self.lock().get(&url) {
            return Ok(page);
        }
        let page = fetch::fetch(&self.shared.settings, &self.shared.clients, url.clone()).await?;
        self.lock().put(&url, &page);
        Ok(page)
    }

    /// What the configured provider finds for `query`.
    pub async fn search(&self, query: &str) -> Result<Vec<Hit>, WebError> {
        search::search(&self.shared.settings, &self.shared.clients, query).await
    }

    /// Who answers searches, by name.
    pub fn search_provider(&self) -> Option<&'static str> {
        let search = self.shared.settings.search.as_ref()?;
        Some(match search.provider {
            SearchProvider::Searxng => "searxng",
            SearchProvider::Brave => "brave",
            SearchProvider::Tavily => "tavily",
        })
    }

    /// Whether what is configured for searches is complete. Nobody is asked.
    pub fn check_search(&self) -> Result<(), WebError> {
        self.shared.settings.search.as_ref().map_or(Ok(()), search::check)
    }

    /// Whether somebody answers searches.
    pub fn can_search(&self) -> bool {
        self.shared.settings.search.is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, cache::Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
