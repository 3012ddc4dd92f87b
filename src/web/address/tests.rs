//! Addresses in all their spellings.
#![cfg(test)]
#![allow(clippy::unwrap_used)]

use super::*;

/// The part of an error that says why; the parsed address where there is none.
fn outcome(text: &str) -> String {
    match parse(text, &Reach::public()) {
        Ok(url) => url.to_string(),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let outcome = outcome(text);
    assert!(outcome.contains(expected), "{text}\n gives {outcome}\n and not {expected}");
}

#[test]
fn addresses_of_the_web() {
    for (text, expected) in [
        ("https://docs.rs/tokio", "https://docs.rs/tokio"),
        (" https://docs.rs ", "https://docs.rs/"),
        ("HTTP://DOCS.RS:80/a?b=c#d", "http://docs.rs/a?b=c#d"),
        ("https://docs.rs:443/", "https://docs.rs/"),
        ("https://docs.rs:8443/", "https://docs.rs:8443/"),
        ("http://docs.rs:8080/", "http://docs.rs:8080/"),
        ("https://docs.rs./a", "https://docs.rs/a"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://0x01010101/", "https://1.1.1.1/"),
        ("https://a.example/..%2f..%2fetc", "https://a.example/..%2f..%2fetc"),
    ] {
        assert_eq!(outcome(text), expected, "{text}");
    }
}

#[test]
fn w02_addresses_that_are_not_public() {
    const THIS: &str = "it is this machine";
    const PRIVATE: &str = "it is a private address";
    const LINK: &str = "it is a link-local address";
    const OWN: &str = "it is an address of a provider's own network";
    const MULTI: &str = "it is a multicast address";
    const DOC: &str = "it is a documentation address";
    const V4: &str = "it is an IPv4 address in the form of an IPv6 one";
    for (host, expected) in [
        // This machine, in every spelling.
        ("127.0.0.1", THIS),
        ("127.0.0.1.", THIS),
        ("127.1", THIS),
        ("127.0.1", THIS),
        ("127.255.255.254", THIS),
        ("2130706433", THIS),
        ("0x7f000001", THIS),
        ("0x7F.0.0.1", THIS),
        ("0x7f.1", THIS),
        ("017700000001", THIS),
        ("0177.0.0.1", THIS),
        ("0177.0.0.01", THIS),
        ("%31%32%37.0.0.1", THIS),
        ("１２７.０.０.１", THIS),
        ("127。0。0。1", THIS),
        ("[::1]", THIS),
        ("[0:0:0:0:0:0:0:1]", THIS),
        ("[0000::0001]", THIS),
        ("0.0.0.0", "unspecified"),
        ("0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("[::]", "unspecified"),
        // IPv4 in IPv6.
        ("[::ffff:127.0.0.1]", V4),
        ("[::ffff:7f00:1]", V4),
        ("[::FFFF:169.254.169.254]", V4),
        ("[0:0:0:0:0:ffff:10.0.0.1]", V4),
        ("[::ffff:1.1.1.1]", V4),
        ("[::ffff:0:127.0.0.1]", V4),
        ("[::127.0.0.1]", V4),
        ("[::7f00:1]", V4),
        ("[64:ff9b::7f00:1]", "NAT64"),
        ("[64:ff9b::10.0.0.1]", "NAT64"),
        ("[64:ff9b:1::1]", "NAT64"),
        ("[2002:7f00:1::]", "6to4"),
        ("[2002:a00:1::1]", "6to4"),
        ("[2001:0:7f00:1::]", "Teredo"),
        ("[2001::1]", "Teredo"),
        // Private ones.
        ("10.0.0.1", PRIVATE),
        ("10.255.255.255", PRIVATE),
        ("167772161", PRIVATE),
        ("012.0.0.1", PRIVATE),
        ("0xa.0.0.1", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("172.31.255.255", PRIVATE),
        ("192.168.1.1", PRIVATE),
        ("0xc0a80101", PRIVATE),
        ("192.168.257", PRIVATE),
        ("[fc00::1]", PRIVATE),
        ("[fdff::1]", PRIVATE),
        ("[fd00:ec2::254]", PRIVATE),
        // Metadata.
        ("169.254.169.254", LINK),
        ("2852039166", LINK),
        ("0xa9fea9fe", LINK),
        ("0251.0376.0251.0376", LINK),
        ("169.254.1", LINK),
        ("168.63.129.16", "metadata service"),
        ("192.0.0.192", "reserved"),
        ("100.100.100.200", OWN),
        ("[fe80::1]", LINK),
        ("[febf::1]", LINK),
        ("[fec0::1]", "site-local"),
        // A provider's own, several receivers, nobody.
        ("100.64.0.1", OWN),
        ("100.127.255.255", OWN),
        ("224.0.0.1", MULTI),
        ("239.255.255.255", MULTI),
        ("[ff02::1]", MULTI),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("4294967295", "broadcast"),
        ("192.0.0.1", "reserved"),
        ("192.0.2.1", DOC),
        ("198.51.100.7", DOC),
        ("203.0.113.7", DOC),
        ("[2001:db8::1]", DOC),
        ("[3fff:fff::1]", DOC),
        ("192.88.99.1", "relay of a tunnel"),
        ("198.18.0.1", "benchmarks"),
        ("198.19.255.255", "benchmarks"),
        ("[2001:2::1]", "benchmarks"),
        ("[2001:20::1]", "reserved"),
        ("[100::1]", "not a public address"),
        ("[5f00::1]", "not a public address"),
        ("[4000::1]", "not a public address"),
    ] {
        for url in [format!("http://{host}/"), format!("https://{host}:8443/a")] {
            check(&url, expected);
        }
    }
}

#[test]
fn w02_their_neighbours_are_public() {
    for address in [
        "1.0.0.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "169.255.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "192.0.3.1",
        "192.167.1.1",
        "192.169.1.1",
        "198.17.255.255",
        "198.20.0.1",
        "203.0.112.1",
        "203.0.114.1",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700::1111",
        "3fff:1000::1",
        "2a00:1450::1",
    ] {
        assert_eq!(refused_ip(address.parse().unwrap()), None, "{address}");
    }
}

#[test]
fn w02_names_of_this_machine_and_its_network() {
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "ip6-localhost",
        "localhost.localdomain",
        "printer.local",
        "metadata",
        "metadata.google.internal",
        "METADATA.GOOGLE.INTERNAL.",
        "instance-data.ec2.internal",
        "kubernetes.default.svc.cluster.local",
        "host.docker.internal",
        "intranet",
        "wiki.corp",
        "nas.lan",
        "fritz.home",
        "router.home.arpa",
        "1.0.0.127.in-addr.arpa",
        "hidden.onion",
        "ⓛocalhost",
    ] {
        check(&format!("https://{host}/"), "belong");
    }
}

#[test]
fn w05_one_parsed_url_and_nothing_else() {
    for (text, expected) in [
        ("https://evil\0.good.com/", "U+0000"),
        ("https://evil%00.good.com/", "invalid"),
        ("https://good.com\\@evil.com/", "U+005C"),
        ("https://go\tod.com/", "U+0009"),
        ("https://good.com/\n.evil.com", "U+000A"),
        ("https://good.com/a b", "U+0020"),
        ("https://good.com\u{2028}/", "U+2028"),
        ("https://good.com@evil.com/", "user name"),
        ("https://user:secret@good.com/", "user name"),
        ("https://:secret@good.com/", "user name"),
        ("https://good.com:22/", "port 22"),
        ("http://good.com:25/", "port 25"),
        ("http://good.com:6379/", "port 6379"),
        ("http://good.com:0/", "port 0"),
        ("https://good.com:99999/", "port"),
        ("ftp://good.com/", "ftp:"),
        ("file:///etc/passwd", "file:"),
        ("data:text/html,hi", "data:"),
        ("javascript:alert(1)", "javascript:"),
        ("gopher://good.com/", "gopher:"),
        ("command:workbench.action", "command:"),
        ("view-source:https://good.com", "view-source:"),
        ("good.com/a", "Write it whole"),
        ("//good.com/a", "Write it whole"),
        ("", "Write it whole"),
        ("https://", "Write it whole"),
        ("https://../", "it is no name"),
        ("http://[::1%25eth0]/", "Write it whole"),
        ("http://1.2.3.4.5/", "Write it whole"),
        ("http://256.1.1.1/", "Write it whole"),
    ] {
        check(text, expected);
    }
    check(&format!("https://a.example/{}", "x".repeat(5000)), "longer than 4096 bytes");
    // Not the same host, whatever a reader takes it for.
    let parsed = |text: &str| parse(text, &Reach::public()).unwrap();
    for (other, same) in [
        ("https://good.com/a", true),
        ("http://good.com/a", true),
        ("https://good.com./a", true),
        ("https://GOOD.com/a", true),
        ("https://www.good.com/a", true),
        ("https://good.com.evil/", false),
        ("https://evilgood.com/", false),
        ("https://a.good.com/", false),
        ("https://gооd.com/", false),
        ("https://g00d.com/", false),
    ] {
        assert_eq!(same_place(&parsed("https://good.com/"), &parsed(other)), same, "{other}");
    }
}

#[test]
fn w04_redirects_are_vetted_like_addresses() {
    let from = parse("https://good.com/a/b?c#d", &Reach::public()).unwrap();
    for (location, expected) in [
        ("/x", "https://good.com/x#d"),
        ("x?y#z", "https://good.com/a/x?y#z"),
        ("https://other.com/", "https://other.com/#d"),
        ("//other.com/", "https://other.com/#d"),
        ("http://good.com/", "away from a secure connection"),
        ("https://127.0.0.1/", "it is this machine"),
        ("//0x7f.1/", "it is this machine"),
        ("https://[::ffff:10.0.0.1]/", "it is an IPv4 address"),
        ("https://localhost/", "belongs to this machine"),
        ("file:///etc/passwd", "file:"),
        ("data:text/html,hi", "data:"),
        ("ftp://good.com/", "ftp:"),
        ("javascript:alert(1)", "javascript:"),
        ("https://user@good.com/", "user name"),
        ("https://good.com:22/", "port 22"),
        ("https://[", "no address"),
    ] {
        let outcome = match redirect(&from, location, &Reach::public()) {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(outcome.contains(expected), "{location}\n gives {outcome}\n and not {expected}");
    }
}
