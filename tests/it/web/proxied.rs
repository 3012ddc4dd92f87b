//! Behind a proxy: what still may leave, and what is told.

use claw::web::{Fault, Proxies};

use super::server::{Reply, Server};
use super::{Book, Site};

/// A web behind a proxy, which is the server.
fn behind(reply: fn() -> Reply) -> Site {
    let proxy = Server::new(move |_| reply());
    let address = proxy.address;
    let mut site = Site::with(
        |_| Reply::html("not the proxy"),
        |settings| {
            settings.proxies = Proxies::of_variables(|name| match name {
                "ALL_PROXY" => Some(format!("http://me:canary-password@{address}")),
                "NO_PROXY" => Some("direct.example".to_owned()),
                _ => None,
            });
            let answers: &[(&str, &[&[&str]])] = &[
                ("public.example", &[&["1.1.1.1"]]),
                ("private.example", &[&["10.0.0.1"]]),
                ("direct.example", &[&["127.0.0.1"]]),
            ];
            settings.reach = settings.reach.clone().with_names_for_tests(Book::new(answers));
        },
    );
    site.server = proxy;
    site
}

#[tokio::test]
async fn w02_what_is_private_is_not_asked_of_a_proxy_either() {
    let site = behind(|| Reply::html("<p>from the proxy"));
    for (url, expected) in [
        ("https://private.example/", "it leads to 10.0.0.1, and it is a private address"),
        ("https://10.0.0.1/", "it is a private address"),
        ("http://169.254.169.254/latest/", "link-local"),
        ("https://localhost/", "belongs to this machine"),
        ("https://[::1]/", "it is this machine"),
        ("https://intranet/", "belongs to this machine"),
        // Who would answer can not be known.
        ("http://public.example/", "behind a proxy only https:"),
        ("http://unknown.example/", "behind a proxy only https:"),
    ] {
        let error = site.web.fetch(url).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Asker, "{url}: {error}");
        assert!(error.to_string().contains(expected), "{url}: {error}");
    }
    assert_eq!(site.server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_public_goes_through_it() {
    let site = behind(|| Reply::html("<p>from the proxy"));
    assert_eq!(site.web.fetch("http://1.1.1.1/a").await.unwrap().markdown, "from the proxy");
    let site = behind(|| Reply::new(403, &[], "no"));
    for url in ["https://public.example/a?secret", "https://only-the-proxy-knows.example/"] {
        let error = site.web.fetch(url).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Remote, "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    assert_eq!(site.server.asked(), ["CONNECT public.example:443", "CONNECT only-the-proxy-knows.example:443"]);
    let authorization = site.server.requests()[0].header("proxy-authorization").unwrap().to_owned();
    assert!(authorization.starts_with("Basic "), "{authorization}");
}
