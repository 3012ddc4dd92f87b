//! Addresses of pages, parsed once: what a rule compares, a prompt shows and a request goes to is the same value.

use std::fmt;

use url::{Host, Url};

use crate::text::hidden::is_hidden;

/// An `http` or `https` URL without tricks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Url);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("this is no URL ({0}): write it in full, as https://example.com/page")]
    Malformed(String),
    #[error("`{0}:` is not supported: only http and https")]
    Scheme(String),
    #[error("the URL holds a user name or a password: leave it out")]
    Credentials,
    #[error("the URL holds the character U+{0:04X}: encode it with %")]
    Character(u32),
    #[error("the URL names no host")]
    NoHost,
}

impl Address {
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        if let Some(c) =
            text.chars().find(|c| c.is_whitespace() || c.is_control() || *c == '\\' || is_hidden(*c, None, None))
        {
            return Err(AddressError::Character(u32::from(c)));
        }
        Address::from_url(Url::parse(text).map_err(|error| AddressError::Malformed(error.to_string()))?)
    }

    /// The same of a URL that was parsed already, as a redirect's.
    pub fn from_url(url: Url) -> Result<Address, AddressError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(AddressError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        match url.host_str() {
            None | Some("" | ".") => Err(AddressError::NoHost),
            Some(_) => Ok(Address(url)),
        }
    }

    /// Its one spelling, in ASCII: names in other scripts stand as `xn--…`.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The rule that would allow the whole host. None for numbers, odd ports and odd names.
    pub(super) fn pattern(&self) -> Option<String> {
        let host = self.host();
        let is_name = matches!(self.0.host(), Some(Host::Domain(_))) && host.contains('.') && !host.ends_with('.');
        (is_name && self.0.port().is_none()).then(|| format!("web_fetch({host})"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// `docs.rs`, `*.docs.rs`, `docs.rs/serde/*`, `localhost:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddressPattern {
    host: String,
    /// Only names below the host.
    below: bool,
    port: Option<u16>,
    path: PathPrefix,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPrefix {
    Any,
    Exact(String),
    /// Ends in a slash.
    Below(String),
}

impl AddressPattern {
    pub fn parse(text: &str) -> Result<AddressPattern, String> {
        if text.contains("://") {
            return Err("leave out `https://`: write the host, as in web_fetch(docs.rs)".to_owned());
        }
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, Some(format!("/{path}"))),
            None => (rest, None),
        };
        if authority.contains('*') {
            return Err("`*` may stand only before the first dot of the host, and at the end of the path".to_owned());
        }
        let address = Address::parse(&format!("http://{authority}{}", path.as_deref().unwrap_or("/")))
            .map_err(|error| error.to_string())?;
        // A port that is the scheme's own is dropped by the parser; as it was written, it is meant.
        let port = match authority.rsplit_once(':') {
            Some((_, port)) if !authority.ends_with(']') => {
                Some(port.parse::<u16>().map_err(|_| format!("`{port}` is no port"))?)
            }
            _ => None,
        };
        let host = address.host().to_owned();
        let written =
            authority.strip_suffix(&port.map(|port| format!(":{port}")).unwrap_or_default()).unwrap_or(authority);
        if host != written {
            return Err(format!("write the host as it is compared: `{host}`"));
        }
        let parsed = address.url().path().to_owned();
        let path = match path {
            None => PathPrefix::Any,
            Some(path) if path != parsed => return Err(format!("write the path as it is compared: `{parsed}`")),
            Some(path) => match path.strip_suffix('*') {
                Some("/") => PathPrefix::Any,
                Some(prefix) if prefix.ends_with('/') && !prefix.contains('*') => PathPrefix::Below(prefix.to_owned()),
                Some(_) => return Err("`*` in a path may only follow its last `/`".to_owned()),
                None if path.contains('*') => return Err("`*` in a path may only follow its last `/`".to_owned()),
                None => PathPrefix::Exact(path),
            },
        };
        Ok(AddressPattern { host, below, port, path })
    }

    /// Compared to the letter.
    pub fn allows(&self, address: &Address) -> bool {
        let is_port = match self.port {
            None => address.0.port().is_none(),
            Some(port) => address.0.port_or_known_default() == Some(port),
        };
        let path = address.0.path();
        let is_path = match &self.path {
            PathPrefix::Any => true,
            PathPrefix::Exact(exact) => path == exact && address.0.query().is_none(),
            // A server may read an encoded slash or dot as the thing itself.
            PathPrefix::Below(prefix) => path.starts_with(prefix) && !holds_encoded_step(path),
        };
        is_port && is_path && self.is_host(address.host())
    }

    /// Compared generously: any port, a dot behind the host, any spelling of the path.
    pub fn forbids(&self, address: &Address) -> bool {
        let path = plain_path(address.0.path());
        let is_path = match &self.path {
            PathPrefix::Any => true,
            PathPrefix::Exact(exact) => path == plain_path(exact),
            PathPrefix::Below(prefix) => {
                path.starts_with(&plain_path(prefix)) || format!("{path}/") == plain_path(prefix)
            }
        };
        is_path && self.is_host(address.host().trim_end_matches('.'))
    }

    fn is_host(&self, host: &str) -> bool {
        match self.below {
            false => host == self.host,
            true => host.strip_suffix(&self.host).is_some_and(|head| head.len() > 1 && head.ends_with('.')),
        }
    }
}

fn holds_encoded_step(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["%2f", "%5c", "%2e", "%25", "%00", "//"].iter().any(|step| path.contains(step))
}

fn plain_path(path: &str) -> String {
    let mut bytes = path.bytes();
    let mut plain = Vec::with_capacity(path.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let code = (byte == b'%').then(|| (hex(ahead.next()), hex(ahead.next())));
        let byte = match code {
            Some((Some(high), Some(low))) => {
                bytes = ahead;
                high.saturating_mul(16).saturating_add(low)
            }
            _ => byte,
        };
        if !(byte == b'/' && plain.last() == Some(&b'/')) {
            plain.push(byte.to_ascii_lowercase());
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn hex(byte: Option<u8>) -> Option<u8> {
    char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
