//! Which addresses are public: one parsed URL, its host in whatever spelling, and each IP address it comes to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use super::Reach;
use super::error::{WebError, shown};

/// Longest address that is taken.
const MAX_LENGTH: usize = 4096;

/// Ports on which the web is; others belong to other services.
const PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// Endings of names that belong to a machine or a network of its own, whatever they resolve to.
const OWN_ENDINGS: &[&str] = &[
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "arpa",
    "onion",
    "invalid",
];

/// The one URL that `text` is, if it may be fetched as far as can be told without asking for its name. All that follows
/// looks at this value and never at the text again.
pub fn parse(text: &str, reach: &Reach) -> Result<Url, WebError> {
    let text = text.trim_matches(' ');
    if text.len() > MAX_LENGTH {
        return Err(WebError::Address(format!("it is longer than {MAX_LENGTH} bytes")));
    }
    // Parsers drop or turn these, so that another address is fetched than a reader sees.
    if let Some(c) = text.chars().find(|c| c.is_control() || c.is_whitespace() || *c == '\\') {
        return Err(WebError::Address(format!("it holds the character U+{:04X}", u32::from(c))));
    }
    let url = Url::parse(text)
        .map_err(|error| WebError::Address(format!("{error}. Write it whole, like https://docs.rs/tokio")))?;
    vet(url, reach)
}

/// A redirect's `location`, seen from `from`, vetted as if it had been asked for.
pub fn redirect(from: &Url, location: &str, reach: &Reach) -> Result<Url, WebError> {
    let mut next = from
        .join(location.trim())
        .map_err(|_| WebError::remote(host(from), format!("it redirects to {}, no address", shown(location))))?;
    if next.fragment().is_none() {
        next.set_fragment(from.fragment());
    }
    if next.as_str().len() > MAX_LENGTH {
        return Err(WebError::remote(host(from), format!("it redirects to more than {MAX_LENGTH} bytes of address")));
    }
    if from.scheme() == "https" && next.scheme() == "http" {
        let reason = format!("{} redirects to it, away from a secure connection", host(from));
        return Err(WebError::refused(&plain(&next), reason));
    }
    vet(next, reach)
}

/// Whether a redirect from `a` to `b` stays where it was allowed: the same host, with or without `www.`.
pub fn same_place(a: &Url, b: &Url) -> bool {
    let bare = |url: &Url| host(url).strip_prefix("www.").unwrap_or(host(url)).to_owned();
    bare(a) == bare(b)
}

pub(in crate::web) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// An address as messages and results show it: without a name and password.
pub(in crate::web) fn plain(url: &Url) -> String {
    let mut url = url.clone();
    // These fail for addresses that can not hold any.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn vet(mut url: Url, reach: &Reach) -> Result<Url, WebError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(WebError::Address(format!("it begins with {}:, only http: and https: are spoken", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(WebError::Address(
            "it holds a user name or password (what stands before an @), none are sent".into(),
        ));
    }
    match url.host() {
        None => return Err(WebError::Address("it names no host".into())),
        Some(Host::Ipv4(address)) => refuse_ip(&url, address.into(), reach)?,
        Some(Host::Ipv6(address)) => refuse_ip(&url, address.into(), reach)?,
        Some(Host::Domain(name)) => {
            // `good.com.` is `good.com`, for the name server and for the certificate.
            let bare = name.trim_end_matches('.').to_owned();
            if let Some(reason) = refused_name(&bare) {
                return Err(WebError::refused(name, reason));
            }
            if bare != name {
                url.set_host(Some(&bare)).map_err(|error| WebError::Address(error.to_string()))?;
            }
        }
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if !PORTS.contains(&port) && !reach.has_port(port) {
        return Err(WebError::Address(format!("port {port} is not one of the web (80, 443, 8080, 8443)")));
    }
    Ok(url)
}

fn refuse_ip(url: &Url, address: IpAddr, reach: &Reach) -> Result<(), WebError> {
    let port = url.port_or_known_default().unwrap_or_default();
    match reach.refusal_of_peer(SocketAddr::new(address, port)) {
        Some(reason) => Err(WebError::refused(host(url), reason)),
        None => Ok(()),
    }
}

/// Why a name is not looked up at all.
pub fn refused_name(name: &str) -> Option<String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() {
        return Some("it is no name".to_owned());
    }
    match name.rsplit_once('.') {
        None => Some("a name without a dot belongs to this machine or its own network".to_owned()),
        Some((_, ending)) if OWN_ENDINGS.contains(&ending) => {
            Some(format!("names in .{ending} belong to this machine or its own network"))
        }
        Some(_) => None,
    }
}

/// Why an address is not a public one of the web; `None` if it is.
pub fn refused_ip(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => refused_v6(address),
    }
}

fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    let reason = match address.octets() {
        [0, ..] => "it is an unspecified address",
        [10, ..] | [192, 168, ..] => "it is a private address",
        [172, second, ..] if second & 0xf0 == 16 => "it is a private address",
        [100, second, ..] if second & 0xc0 == 64 => "it is an address of a provider's own network",
        [127, ..] => "it is this machine",
        [169, 254, ..] => "it is a link-local address, where metadata services are",
        // Azure's, the one that is not among the link-local ones.
        [168, 63, 129, 16] => "it is a metadata service",
        [192, 0, 0, _] => "it is a reserved address",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "it is a documentation address",
        [192, 88, 99, _] => "it is a relay of a tunnel",
        [198, 18 | 19, ..] => "it is an address for benchmarks",
        [255, 255, 255, 255] => "it is a broadcast address",
        [224..=239, ..] => "it is a multicast address",
        [240..=255, ..] => "it is a reserved address",
        _ => return None,
    };
    Some(reason)
}

fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    let reason = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "it is an unspecified address",
        [0, 0, 0, 0, 0, 0, 0, 1] => "it is this machine",
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0, 0, 0, 0, 0, 0, ..] => {
            "it is an IPv4 address in the form of an IPv6 one: write it as what it is"
        }
        [0x64, 0xff9b, ..] => "it is an IPv4 address behind a translator (NAT64)",
        [0x2002, ..] => "it is an IPv4 address behind a tunnel (6to4)",
        [0x2001, 0, ..] => "it is an address behind a tunnel (Teredo)",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "it is a documentation address",
        [0x2001, 2, 0, ..] => "it is an address for benchmarks",
        [0x2001, 0..=0x1ff, ..] => "it is a reserved address",
        [0xfc00..=0xfdff, ..] => "it is a private address",
        [0xfe80..=0xfebf, ..] => "it is a link-local address",
        [0xfec0..=0xfeff, ..] => "it is a site-local address",
        [0xff00..=0xffff, ..] => "it is a multicast address",
        [0x2000..=0x3fff, ..] => return None,
        _ => "it is not a public address",
    };
    Some(reason)
}

#[cfg(test)]
mod tests;
