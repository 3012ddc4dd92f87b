//! The HTTP clients of the process.

use std::sync::OnceLock;
use std::time::Duration;

use super::Endpoint;

/// How long a connection may take to stand.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The client for `endpoint`, built when it is first needed: reading the system's certificates takes longer than a server may
/// take to start, and plain HTTP does without them.
pub fn client_for(endpoint: &Endpoint) -> Result<&'static reqwest::Client, String> {
    static CLIENTS: [OnceLock<reqwest::Client>; 4] = [const { OnceLock::new() }; 4];
    let (secure, loopback) = (endpoint.is_secure(), endpoint.is_loopback());
    let [plain, plain_loopback, tls, tls_loopback] = &CLIENTS;
    let cell = match (secure, loopback) {
        (false, false) => plain,
        (false, true) => plain_loopback,
        (true, false) => tls,
        (true, true) => tls_loopback,
    };
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = build(secure, loopback).map_err(|error| super::failure::root_cause(&error))?;
    Ok(cell.get_or_init(|| client))
}

fn build(secure: bool, loopback: bool) -> reqwest::Result<reqwest::Client> {
    // reqwest is built without a cryptography provider of its own. An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("claw/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .pool_idle_timeout(Duration::from_secs(60));
    if loopback {
        builder = builder.no_proxy();
    }
    if !secure {
        builder = builder.tls_certs_only([]);
    }
    builder.build()
}
