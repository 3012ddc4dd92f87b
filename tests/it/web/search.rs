//! Searches, in the wire form of each provider, each request checked.

use std::time::Duration;

use claw::web::{Fault, Hit, Limits, Reach, SearchProvider, SearchSettings, Web, WebError, WebSettings};
use serde_json::{Value, json};

use super::server::{Reply, Request, Server, Step};

const KEY: &str = "tvly-canary-0123456789";

fn web(server: &Server, provider: SearchProvider, key: Option<&str>) -> Web {
    web_at(Some(&format!("http://{}", server.address)), provider, key)
}

/// Only public pages are reached; where searches are answered is the user's to say.
fn web_at(url: Option<&str>, provider: SearchProvider, key: Option<&str>) -> Web {
    Web::new(WebSettings {
        search: Some(SearchSettings { provider, url: url.map(str::to_owned), key: key.map(Into::into) }),
        reach: Reach::public(),
        limits: Limits { time: Duration::from_secs(10), ..Limits::default() },
        ..WebSettings::default()
    })
}

async fn failure(web: &Web) -> WebError {
    let error = web.search("rust").await.expect_err("an error");
    assert!(!format!("{error} {error:?}").contains("canary"), "the key stands in {error:?}");
    error
}

fn hit(title: &str, url: &str, snippet: &str) -> Hit {
    Hit { title: title.to_owned(), url: url.to_owned(), snippet: snippet.to_owned() }
}

fn names(request: &Request) -> Vec<&str> {
    let mut names = request.header_names();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn searxng() {
    let server = Server::new(|_| {
        Reply::json(&json!({
            "query": "a b", "number_of_results": 0, "answers": [], "infoboxes": [], "suggestions": [],
            "results": [
                {"url": "https://docs.rs/tokio", "title": "tokio - Rust", "content": "A runtime & more", "engine": "x", "score": 1.0},
                {"url": "http://a.example/x?y#z", "title": "Second", "content": null},
            ],
        }))
    });
    assert_eq!(
        web(&server, SearchProvider::Searxng, None).search(" a b&c=d #é ").await,
        Ok(vec![
            hit("tokio - Rust", "https://docs.rs/tokio", "A runtime & more"),
            hit("Second", "http://a.example/x?y#z", "")
        ])
    );
    let requests = server.requests();
    assert_eq!(server.asked(), ["GET /search?q=a+b%26c%3Dd+%23%C3%A9&format=json"]);
    assert_eq!(names(&requests[0]), ["accept", "accept-encoding", "host", "user-agent"]);
    assert_eq!(requests[0].header("accept"), Some("application/json"));
}

#[tokio::test]
async fn brave() {
    let server = Server::new(|_| {
        Reply::json(&json!({
            "type": "search", "query": {"original": "rust"},
            "web": {"type": "search", "results": [
                {"title": "The <strong>Rust</strong> &amp; you", "url": "https://rust-lang.org/",
                 "description": "A <strong>language</strong> for <em>all</em>.", "age": "x"},
            ]},
        }))
    });
    assert_eq!(
        web(&server, SearchProvider::Brave, Some(KEY)).search("rust").await,
        Ok(vec![hit("The Rust & you", "https://rust-lang.org/", "A language for all.")])
    );
    let requests = server.requests();
    assert_eq!(server.asked(), ["GET /res/v1/web/search?q=rust&count=10"]);
    assert_eq!(names(&requests[0]), ["accept", "accept-encoding", "host", "user-agent", "x-subscription-token"]);
    assert_eq!(requests[0].header("x-subscription-token"), Some(KEY));
    // Nothing was found.
    let server = Server::new(|_| Reply::json(&json!({"type": "search", "query": {"original": "rust"}})));
    assert_eq!(web(&server, SearchProvider::Brave, Some(KEY)).search("rust").await, Ok(vec![]));
}

#[tokio::test]
async fn tavily() {
    let server = Server::new(|_| {
        Reply::json(&json!({
            "query": "rust", "answer": null, "images": [], "response_time": 0.5,
            "results": [{"title": "Rust", "url": "https://rust-lang.org/", "content": "A language.", "score": 0.9, "raw_content": null}],
        }))
    });
    assert_eq!(
        web(&server, SearchProvider::Tavily, Some(KEY)).search("rust \"x\"").await,
        Ok(vec![hit("Rust", "https://rust-lang.org/", "A language.")])
    );
    let requests = server.requests();
    assert_eq!(server.asked(), ["POST /search"]);
    let expected =
        ["accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "user-agent"];
    assert_eq!(names(&requests[0]), expected);
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body, json!({"query": "rust \"x\"", "max_results": 10}));
}

#[tokio::test]
async fn where_a_search_is_asked() {
    for (path, expected) in [
        ("", "GET /search?q=x&format=json"),
        ("/", "GET /search?q=x&format=json"),
        ("/search", "GET /search?q=x&format=json"),
        ("/search/", "GET /search?q=x&format=json"),
        ("/searx/", "GET /searx/search?q=x&format=json"),
        ("/search?language=de", "GET /search?language=de&q=x&format=json"),
    ] {
        let server = Server::new(|_| Reply::json(&json!({"results": []})));
        let url = format!("http://localhost:{}{path}", server.address.port());
        assert_eq!(web_at(Some(&url), SearchProvider::Searxng, None).search("x").await, Ok(vec![]), "{path}");
        assert_eq!(server.asked(), [expected]);
    }
}

#[tokio::test]
async fn w09_results_are_plain_and_of_the_web() {
    let long = "x".repeat(10_000);
    let mut rows = vec![
        json!({"url": "javascript:alert(1)", "title": "a", "content": ""}),
        json!({"url": "data:text/html,x", "title": "a", "content": ""}),
        json!({"url": "command:x", "title": "a", "content": ""}),
        json!({"url": "https://user:pw@a.example/", "title": "a", "content": ""}),
        json!({"url": "no address", "title": "a", "content": ""}),
        json!({"url": 5, "title": "a", "content": ""}),
        json!({"title": "a", "content": ""}),
        json!("a string"),
        json!(null),
        json!({"url": "https://a.example/1", "title": "", "content": ["no", "text"]}),
        json!({"url": "https://a.example/2", "title": "one\ntwo\u{202e}\u{e0041}", "content": "<script>alert(1)</script>a\r\n\n3. b \u{1b}[2J"}),
        json!({"url": "https://a.example/3", "title": long, "content": long}),
    ];
    rows.extend((4..40).map(|n| json!({"url": format!("https://a.example/{n}"), "title": "t", "content": "c"})));
    let server = Server::new(move |_| Reply::json(&json!({"results": rows})));
    let hits = web(&server, SearchProvider::Searxng, None).search("x").await.unwrap();
    let mut expected = vec![
        hit("https://a.example/1", "https://a.example/1", ""),
        hit("one two", "https://a.example/2", "alert(1)a 3. b [2J"),
        hit(&format!("{}…", "x".repeat(200)), "https://a.example/3", &format!("{}…", "x".repeat(600))),
    ];
    expected.extend((4..11).map(|n| hit("t", &format!("https://a.example/{n}"), "c")));
    assert_eq!(hits, expected);
}

#[tokio::test]
async fn what_the_user_has_to_set_up() {
    use SearchProvider::{Brave, Searxng, Tavily};
    let unset = Web::new(WebSettings::default());
    assert!(!unset.can_search());
    let error = unset.search("x").await.unwrap_err();
    assert_eq!(error.fault(), Fault::User);
    assert!(error.to_string().contains("[search] provider"), "{error}");
    for (url, provider, key, expected) in [
        (None, Searxng, None, "SearXNG has no address of its own: the user has to set [search] url"),
        (Some(" "), Searxng, None, "SearXNG has no address of its own"),
        (None, Brave, None, "Brave wants a key"),
        (None, Tavily, None, "Tavily wants a key"),
        (Some("ftp://x.example"), Searxng, None, "it is no http: or https: address"),
        (Some("127.0.0.1:8888"), Searxng, None, "[search] url is not usable"),
        (Some("http://u:canary@x.example"), Searxng, None, "it holds a user name or password"),
        (Some("http://x.example"), Tavily, Some(KEY), "the key would be sent unencrypted"),
        (Some("http://192.168.0.1:8888"), Searxng, Some(KEY), "the key would be sent unencrypted"),
        (Some("http://127.0.0.1:9"), Tavily, Some("canary\nx"), "characters that no key has"),
    ] {
        let error = failure(&web_at(url, provider, key)).await;
        assert_eq!(error.fault(), Fault::User, "{error}");
        assert!(error.to_string().contains(expected), "{url:?}: {error}");
    }
}

#[tokio::test]
async fn queries_that_are_none() {
    let server = Server::new(|_| Reply::json(&json!({"results": []})));
    let web = web(&server, SearchProvider::Searxng, None);
    for query in ["", "  \n ", &"x".repeat(401)] {
        let error = web.search(query).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Asker, "{error}");
    }
    assert_eq!(web.search(&"ö".repeat(400)).await, Ok(vec![]));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn x01_answers_that_are_none_and_the_key_in_none_of_them() {
    use SearchProvider::{Brave, Searxng, Tavily};
    for (provider, reply, fault, expected) in [
        (Searxng, Reply::new(403, &[], "Forbidden"), Fault::User, "search.formats"),
        (Brave, Reply::new(401, &[], KEY), Fault::User, "Brave refuses the key (401)"),
        (Tavily, Reply::new(403, &[], KEY), Fault::User, "Tavily refuses the key (403)"),
        (Tavily, Reply::new(432, &[], "plan"), Fault::User, "check its plan"),
        (Brave, Reply::new(404, &[], ""), Fault::User, "there is no Brave at that address (404)"),
        (Searxng, Reply::new(429, &[], ""), Fault::Remote, "wait before the next one"),
        (Tavily, Reply::new(500, &[], KEY), Fault::Remote, "its own fault"),
        (Searxng, Reply::html("<html>a page"), Fault::Remote, "something that is no JSON"),
        (Searxng, Reply::json(&json!({"web": {"results": []}})), Fault::Remote, "holds no results"),
        (Brave, Reply::json(&json!({"results": []})), Fault::Remote, "holds no results"),
        (Tavily, Reply::json(&json!({"results": {}})), Fault::Remote, "holds no results"),
        (Tavily, Reply::json(&json!([])), Fault::Remote, "holds no results"),
        (Searxng, Reply::of("application/json", "[".repeat(100_000)), Fault::Remote, "no JSON"),
        (Brave, Reply::raw("SSH-2.0-canary\r\n"), Fault::Remote, "no answer"),
        (Brave, Reply(Vec::new()), Fault::Remote, "no answer"),
        (
            Brave,
            Reply::raw("HTTP/1.1 200 OK\r\n\r\n").then(Step::Endless(b"[1,".repeat(20_000), Duration::ZERO)),
            Fault::Remote,
            "no JSON",
        ),
    ] {
        let server = Server::new(move |_| reply.clone());
        let error = failure(&web(&server, provider, Some(KEY))).await;
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(expected), "{error}\n is not {expected}");
    }
    // Nobody is there.
    let gone = Server::new(|_| Reply(Vec::new()));
    let web = web(&gone, Brave, Some(KEY));
    drop(gone);
    assert!(failure(&web).await.to_string().contains("check [search] url"));
}

#[tokio::test]
async fn x01_a_key_goes_nowhere_else_and_comes_back_in_no_result() {
    for provider in [SearchProvider::Searxng, SearchProvider::Brave, SearchProvider::Tavily] {
        let other = Server::new(|_| Reply::json(&json!({"results": []})));
        let to = format!("http://{}/search", other.address);
        let server = Server::new(move |_| Reply::to(&to));
        let error = failure(&web(&server, provider, Some(KEY))).await;
        assert_eq!(error.fault(), Fault::User);
        assert_eq!(other.asked(), Vec::<String>::new());
    }
    let echo = json!([{"title": format!("t {KEY}"), "url": format!("https://a.example/{KEY}"), "content": KEY, "description": KEY}]);
    let echo = json!({"results": echo, "web": {"results": echo}});
    let server = Server::new(move |_| Reply::json(&echo));
    for provider in [SearchProvider::Searxng, SearchProvider::Brave, SearchProvider::Tavily] {
        let web = web(&server, provider, Some(KEY));
        let hits = web.search("x").await.unwrap();
        assert_eq!(hits, [hit("t [REDACTED]", "https://a.example/[REDACTED]", "[REDACTED]")]);
    }
    let settings = SearchSettings { provider: SearchProvider::Brave, url: None, key: Some(KEY.into()) };
    assert!(!format!("{settings:?}").contains("canary"));
}

#[tokio::test]
async fn w06_a_search_has_its_time() {
    let server = Server::new(|_| Reply(vec![Step::Hold]));
    let web = Web::new(WebSettings {
        search: Some(SearchSettings {
            provider: SearchProvider::Searxng,
            url: Some(format!("http://{}", server.address)),
            key: None,
        }),
        limits: Limits { time: Duration::from_secs(1), ..Limits::default() },
        ..WebSettings::default()
    });
    assert_eq!(failure(&web).await.to_string(), "SearXNG: no complete answer within 1 s");
}
