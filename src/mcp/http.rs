//! A server that is reached over streamable HTTP.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use secrecy::{ExposeSecret, SecretString};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of one message.
const MOST: usize = 4 * 1024 * 1024;

/// The way to a server. The address is the user's own word, so it may lead anywhere, also to this machine; a redirect is the
/// server's word and is not followed. Where it wants to log somebody in, it is refused: keys come in `headers`.
pub(super) fn transport(
    url: &str,
    headers: &[(String, SecretString)],
) -> Result<StreamableHttpClientTransport<reqwest::Client>, String> {
    let parsed = reqwest::Url::parse(url).map_err(|error| format!("`{url}` is no address: {error}"))?;
    let mut sent = HashMap::new();
    for (name, value) in headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no name of a header"))?;
        let mut value = HeaderValue::from_str(value.expose_secret())
            .map_err(|_| format!("the header `{name}` holds characters that no header has"))?;
        value.set_sensitive(true);
        sent.insert(header, value);
    }
    let client = client(is_loopback(&parsed)).map_err(|error| format!("no connection can be made: {error}"))?;
    let config = StreamableHttpClientTransportConfig::with_uri(url)
        .custom_headers(sent)
        .max_sse_event_size(MOST)
        .max_json_response_size(MOST);
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

fn client(loopback: bool) -> reqwest::Result<reqwest::Client> {
    // reqwest is built without a cryptography provider of its own. An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(concat!("claw/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    if loopback { builder.no_proxy().build() } else { builder.build() }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
