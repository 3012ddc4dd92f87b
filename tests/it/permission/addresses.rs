//! Addresses, and the rules over them.

use claw::event::PermissionMode;
use claw::permission::{Act, Address};

use super::{decided, rules, word};

fn check(rule: &str, url: &str, allowed: &str, denied: &str) {
    let act = Act::Fetch { url: Address::parse(url).expect("an address") };
    assert_eq!(word(&decided(PermissionMode::Auto, &rules(&[rule], &[], &[]), &act)), allowed, "allow {rule}: {url}");
    assert_eq!(word(&decided(PermissionMode::Auto, &rules(&[rule], &[], &[rule]), &act)), denied, "deny {rule}: {url}");
}

#[test]
fn w05_hosts_match_by_their_labels_on_the_one_parsed_url() {
    let rule = "web_fetch(good.com)";
    for url in [
        "https://good.com",
        "http://good.com/a?b#c",
        "https://GOOD.com/",
        "https://good.com:443/",
        "https://ｇｏｏｄ.com/",
    ] {
        check(rule, url, "allow", "deny");
    }
    // As near as it gets: never allowed, and denied where it is the same host.
    for url in ["https://good.com./", "https://good.com:22/", "http://good.com:443/"] {
        check(rule, url, "ask", "deny");
    }
    for url in [
        "https://good.com.evil/",
        "https://evil.com/good.com",
        "https://evilgood.com/",
        "https://www.good.com/",
        "https://gооd.com/",
        "https://good.com%2eevil.com/",
        "https://good-com.evil/",
        "https://evil.com/?good.com",
        "https://evil.com/#@good.com",
        "https://xn--bcher-kva.com/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://0x7f.1/",
    ] {
        check(rule, url, "ask", "ask");
    }
    for url in [
        "https://good.com@evil.com/",
        "https://good.com:x@evil.com/",
        "https://evil\0.good.com/",
        "https://evil%00.good.com/",
        "https://evil.com\\@good.com/",
        "https://good.com\\.evil.com/",
        "https://good.com\n.evil.com",
        " https://good.com",
        "good.com",
        "ftp://good.com/",
        "file:///etc/passwd",
        "javascript:good.com",
        "https://",
        "https://go\u{200b}od.com/",
        "https://good.com/\u{202e}x",
        "https:good.com\t/",
        "https://good .com",
        "data:text/plain,x",
        "https://%/",
        "https://good.com:99999/",
    ] {
        assert!(Address::parse(url).is_err(), "{url:?}");
    }
}

#[test]
fn names_below_a_host_ports_and_paths() {
    check("web_fetch(*.docs.rs)", "https://a.docs.rs/", "allow", "deny");
    check("web_fetch(*.docs.rs)", "https://a.b.docs.rs/", "allow", "deny");
    check("web_fetch(*.docs.rs)", "https://docs.rs/", "ask", "ask");
    check("web_fetch(*.docs.rs)", "https://evildocs.rs/", "ask", "ask");
    check("web_fetch(localhost:8080)", "http://localhost:8080/x", "allow", "deny");
    check("web_fetch(localhost:8080)", "http://localhost/x", "ask", "deny");
    check("web_fetch(docs.rs/serde/*)", "https://docs.rs/serde/latest?x", "allow", "deny");
    check("web_fetch(docs.rs/serde/*)", "https://docs.rs/serde_json", "ask", "ask");
    check("web_fetch(docs.rs/serde/*)", "https://docs.rs/serde/../tokio", "ask", "ask");
    check("web_fetch(docs.rs/serde/*)", "https://docs.rs/serde/%2e%2e/tokio", "ask", "ask");
    check("web_fetch(docs.rs/serde/*)", "https://docs.rs/serde/..%2ftokio", "ask", "deny");
    check("web_fetch(docs.rs/serde/*)", "https://docs.rs//SERDE/%6catest", "ask", "deny");
    check("web_fetch(docs.rs/serde)", "https://docs.rs/serde", "allow", "deny");
    check("web_fetch(docs.rs/serde)", "https://docs.rs/serde?x=secret", "ask", "deny");
    check("web_fetch", "https://docs.rs/", "allow", "deny");
}
