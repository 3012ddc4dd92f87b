//! The HTTP clients of an agent's web: built when first needed, each for one way out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Proxy};
use url::Url;

use super::{Reach, WebSettings};

/// The way a request takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::web) enum Way {
    /// From here to a public address.
    Direct { secure: bool },
    /// Through a proxy, which connects.
    Proxied { proxy: String },
    /// To the address that the user configured for searches, wherever it is.
    Configured { secure: bool, loopback: bool },
}

pub(in crate::web) struct Clients {
    user_agent: String,
    reach: Reach,
    built: Mutex<BTreeMap<Way, Client>>,
}

impl Clients {
    pub fn new(settings: &WebSettings) -> Clients {
        Clients {
            user_agent: settings.user_agent.clone(),
            reach: settings.reach.clone(),
            built: Mutex::new(BTreeMap::new()),
        }
    }

    /// The client for `way`; the error is what is wrong with the user's set-up.
    pub fn get(&self, way: &Way) -> Result<Client, String> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = built.get(way) {
            return Ok(client.clone());
        }
        let client = self.build(way).map_err(|error| super::fetch::root_cause(&error))?;
        built.insert(way.clone(), client.clone());
        Ok(client)
    }

    fn build(&self, way: &Way) -> reqwest::Result<Client> {
        // reqwest is built without a cryptography provider of its own. An error means that one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(&self.user_agent)
            .redirect(Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .http2_max_header_list_size(64 * 1024);
        match way {
            // No connection is kept: each request looks the name up again, and its other end is its own.
            Way::Direct { secure } => certificates(builder, *secure)
                .no_proxy()
                .pool_max_idle_per_host(0)
                .dns_resolver(std::sync::Arc::new(self.reach.clone()))
                .build(),
            Way::Proxied { proxy } => builder.pool_max_idle_per_host(0).proxy(Proxy::all(proxy)?).build(),
            Way::Configured { secure, loopback } => {
                let builder = certificates(builder, *secure);
                if *loopback { builder.no_proxy().build() } else { builder.build() }
            }
        }
    }
}

/// Plain HTTP does without the system's certificates, which take a while to read.
fn certificates(builder: ClientBuilder, secure: bool) -> ClientBuilder {
    if secure { builder } else { builder.tls_certs_only([]) }
}

/// Whether `url` is this machine, by its own name or address.
pub(in crate::web) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
