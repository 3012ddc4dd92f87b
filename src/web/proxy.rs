//! Which proxy a fetch goes through: what the usual variables say.
//!
//! Behind a proxy it is the proxy that looks names up and connects, out of sight. So a name must still come to public
//! addresses here wherever it can be looked up here, and only `https` goes through: there the other end must prove that it is
//! the host that was asked for, which no machine of the proxy's own network can.

use std::fmt;
use std::net::IpAddr;

use url::Url;

/// Proxies by scheme, and what goes around them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Url>,
    https: Option<Url>,
    around: Vec<String>,
}

impl Proxies {
    /// None at all.
    pub fn none() -> Proxies {
        Proxies::default()
    }

    /// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` of the process say, in capitals or not.
    pub fn of_environment() -> Proxies {
        Proxies::of_variables(|name| std::env::var(name).ok())
    }

    pub fn of_variables(variable: impl Fn(&str) -> Option<String>) -> Proxies {
        let either = |name: &str| {
            variable(&name.to_lowercase()).or_else(|| variable(name)).filter(|value| !value.trim().is_empty())
        };
        // Where a web server runs a program for each request, a visitor can set the one in capitals.
        let http = if variable("REQUEST_METHOD").is_some() { variable("http_proxy") } else { either("HTTP_PROXY") };
        let all = either("ALL_PROXY");
        let url = |value: Option<String>| value.or_else(|| all.clone()).and_then(|value| proxy_url(&value));
        let around = either("NO_PROXY").unwrap_or_default();
        Proxies {
            http: url(http),
            https: url(either("HTTPS_PROXY")),
            around: around.split(',').map(|rule| rule.trim().to_ascii_lowercase()).filter(|r| !r.is_empty()).collect(),
        }
    }

    /// The proxy for `url`; `None` where it is reached directly.
    pub fn for_url(&self, url: &Url) -> Option<&Url> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        if self.around.iter().any(|rule| covers(rule, &host)) {
            return None;
        }
        if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() }
    }
}

impl fmt::Debug for Proxies {
    /// Without the addresses: they may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Proxies")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .field("around", &self.around)
            .finish()
    }
}

fn proxy_url(value: &str) -> Option<Url> {
    let value = value.trim();
    let url = if value.contains("://") { Url::parse(value) } else { Url::parse(&format!("http://{value}")) };
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
}

/// Whether a rule of `NO_PROXY` covers `host`: `*`, an address, a network, a name with all below it.
fn covers(rule: &str, host: &str) -> bool {
    if rule == "*" {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return match rule.split_once('/') {
            None => rule.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|rule| rule == address),
            Some((network, bits)) => match (network.parse(), bits.parse()) {
                (Ok(network), Ok(bits)) => lies_in(address, network, bits),
                _ => false,
            },
        };
    }
    let name = rule.trim_start_matches("*.").trim_start_matches('.');
    host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.') && !name.is_empty())
}

fn lies_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let same = |a: u128, b: u128, width: u32| bits <= width && (bits == 0 || (a ^ b) >> (width - bits) == 0);
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], url: &str, expected: Option<&str>) {
        let proxies = Proxies::of_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(proxies.for_url(&Url::parse(url).unwrap()).map(Url::as_str), expected, "{variables:?} {url}");
    }

    #[test]
    fn variables() {
        check(&[], "https://a.example/", None);
        check(&[("HTTPS_PROXY", "http://p:3128")], "https://a.example/", Some("http://p:3128/"));
        check(&[("HTTPS_PROXY", "http://p:3128")], "http://a.example/", None);
        check(&[("https_proxy", "p:3128")], "https://a.example/", Some("http://p:3128/"));
        check(&[("ALL_PROXY", "http://p:1")], "http://a.example/", Some("http://p:1/"));
        check(&[("HTTPS_PROXY", ""), ("ALL_PROXY", "http://p:1")], "https://a.example/", Some("http://p:1/"));
        check(&[("HTTPS_PROXY", "socks5://p:1")], "https://a.example/", None);
        check(&[("HTTP_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")], "http://a.example/", None);
        for (around, url, direct) in [
            ("*", "https://a.example/", true),
            ("a.example", "https://a.example/", true),
            (".example", "https://a.example/", true),
            ("*.example, x.y", "https://a.example/", true),
            ("example", "https://an-example/", false),
            ("b.a.example", "https://a.example/", false),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("0.0.0.0/0", "https://11.1.2.3/", true),
            ("2001:db8::/32", "https://[2001:db8::1]/", true),
            ("[2001:db8::1]", "https://[2001:db8::1]/", true),
            ("10.0.0.0/99", "https://10.1.2.3/", false),
        ] {
            let variables = [("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", around)];
            check(&variables, url, if direct { None } else { Some("http://p:1/") });
        }
    }

    #[test]
    fn x01_a_proxys_password_does_not_print() {
        let proxies = Proxies::of_variables(|name| (name == "HTTPS_PROXY").then(|| "http://u:canary@p:1".to_owned()));
        assert!(!format!("{proxies:?}").contains("canary"));
    }
}
