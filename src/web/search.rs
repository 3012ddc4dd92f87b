//! Web searches, in the wire form of each provider. The key goes to the address that is configured and nowhere else, and
//! stands in no message and no result.

use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use super::client::{Clients, Way, is_loopback};
use super::error::{WebError, shown};
use super::{Hit, SearchProvider, SearchSettings, WebSettings, body, fetch, html};

/// Results that are given back.
const MOST: usize = 10;

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 2 * 1024 * 1024;

/// Longest query, in characters: what the strictest provider takes.
const MAX_QUERY: usize = 400;

/// Longest title and snippet, in characters.
const MAX_TITLE: usize = 200;
const MAX_SNIPPET: usize = 600;

/// Name of the header in which Brave takes its key.
const BRAVE_KEY: &str = "x-subscription-token";

impl SearchProvider {
    fn name(self) -> &'static str {
        match self {
            SearchProvider::Searxng => "SearXNG",
            SearchProvider::Brave => "Brave",
            SearchProvider::Tavily => "Tavily",
        }
    }

    fn own_address(self) -> Option<&'static str> {
        match self {
            SearchProvider::Searxng => None,
            SearchProvider::Brave => Some("https://api.search.brave.com"),
            SearchProvider::Tavily => Some("https://api.tavily.com"),
        }
    }

    fn path(self) -> &'static str {
        match self {
            SearchProvider::Searxng | SearchProvider::Tavily => "search",
            SearchProvider::Brave => "res/v1/web/search",
        }
    }

    fn needs_key(self) -> bool {
        match self {
            SearchProvider::Searxng => false,
            SearchProvider::Brave | SearchProvider::Tavily => true,
        }
    }
}

pub(in crate::web) async fn search(
    settings: &WebSettings,
    clients: &Clients,
    query: &str,
) -> Result<Vec<Hit>, WebError> {
    let Some(search) = &settings.search else {
        let advice = "no web search is configured: the user has to set [search] provider (searxng, brave or tavily) in the \
                      configuration, with url for searxng and api_key_env for the others";
        return Err(WebError::Setup(advice.to_owned()));
    };
    let query = query.trim();
    if query.is_empty() {
        return Err(WebError::Query("there is nothing in it".to_owned()));
    }
    if query.chars().count() > MAX_QUERY {
        return Err(WebError::Query(format!("it is longer than {MAX_QUERY} characters: ask with fewer words")));
    }
    let time = settings.limits.time;
    match tokio::time::timeout(time, ask(search, clients, query)).await {
        Ok(answer) => answer,
        Err(_) => {
            let problem = format!("no complete answer within {} s", time.as_secs_f32().round());
            Err(WebError::remote(search.provider.name(), problem))
        }
    }
}

/// Whether a search could be sent.
pub(in crate::web) fn check(search: &SearchSettings) -> Result<(), WebError> {
    address(search).map(drop)
}

async fn ask(search: &SearchSettings, clients: &Clients, query: &str) -> Result<Vec<Hit>, WebError> {
    let provider = search.provider;
    let url = address(search)?;
    let way = Way::Configured { secure: url.scheme() == "https", loopback: is_loopback(&url) };
    let client = clients.get(&way).map_err(|problem| {
        WebError::Setup(format!("no search can be made, this machine's set-up is at fault: {problem}"))
    })?;
    let request = match provider {
        SearchProvider::Searxng => client.get(with_query(url, &[("q", query), ("format", "json")])),
        SearchProvider::Brave => client.get(with_query(url, &[("q", query), ("count", &MOST.to_string())])),
        SearchProvider::Tavily => client
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(json!({ "query": query, "max_results": MOST }).to_string()),
    };
    let request = authorised(search, request.header(ACCEPT, HeaderValue::from_static("application/json")))?;
    let remote = |problem: String| WebError::remote(provider.name(), without_key(search, &problem));
    let response = request.send().await.map_err(|error| {
        let address = if search.url.is_some() { "check [search] url and the network" } else { "check the network" };
        remote(format!("no answer: {}; {address}", fetch::root_cause(&error)))
    })?;
    let status = response.status();
    if !status.is_success() {
        return Err(of_status(search, status.as_u16()));
    }
    let answer = body::read(response, MAX_ANSWER)
        .await
        .map_err(|error| remote(format!("the answer broke off: {}", fetch::root_cause(&error))))?;
    let answer: Value = serde_json::from_slice(&answer.bytes)
        .map_err(|_| remote("it answered with something that is no JSON: is [search] url right?".to_owned()))?;
    let rows = match provider {
        SearchProvider::Searxng | SearchProvider::Tavily => answer.get("results"),
        // Where Brave finds nothing it leaves the part out.
        SearchProvider::Brave if answer.get("web").is_none() && answer.get("query").is_some() => return Ok(Vec::new()),
        SearchProvider::Brave => answer.pointer("/web/results"),
    };
    let rows = rows
        .and_then(Value::as_array)
        .ok_or_else(|| remote("its answer holds no results: is [search] provider right?".to_owned()))?;
    let snippet = match provider {
        SearchProvider::Searxng | SearchProvider::Tavily => "content",
        SearchProvider::Brave => "description",
    };
    Ok(rows.iter().filter_map(|row| hit(search, row, snippet)).take(MOST).collect())
}

/// Where the provider is asked: `url` up to where its API begins, or the whole of it.
fn address(search: &SearchSettings) -> Result<Url, WebError> {
    let provider = search.provider;
    let wrong = |reason: String| {
        WebError::Setup(format!(
            "[search] url is not usable: {reason}. The user has to write it like http://127.0.0.1:8888"
        ))
    };
    let own = search.url.as_deref().map(str::trim).filter(|url| !url.is_empty());
    let text = own.or(provider.own_address()).ok_or_else(|| {
        WebError::Setup(format!("{} has no address of its own: the user has to set [search] url", provider.name()))
    })?;
    let mut url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("it is no http: or https: address".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "it holds a user name or password; keys come from the variable that api_key_env names".into(),
        ));
    }
    match &search.key {
        None if provider.needs_key() => {
            let name = provider.name();
            return Err(WebError::Setup(format!(
                "{name} wants a key: the user has to put it into an environment variable and name that in [search] api_key_env"
            )));
        }
        Some(_) if url.scheme() == "http" && !is_loopback(&url) => {
            return Err(wrong("the key would be sent unencrypted: it must begin with https://".to_owned()));
        }
        Some(_) | None => {}
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let whole = format!("/{}", provider.path());
    url.set_path(&if path.ends_with(&whole) { path } else { format!("{path}{whole}") });
    url.set_fragment(None);
    Ok(url)
}

fn with_query(mut url: Url, members: &[(&str, &str)]) -> Url {
    url.query_pairs_mut().extend_pairs(members);
    url
}

fn authorised(search: &SearchSettings, request: RequestBuilder) -> Result<RequestBuilder, WebError> {
    let Some(key) = &search.key else { return Ok(request) };
    let (name, value) = match search.provider {
        SearchProvider::Brave => (BRAVE_KEY, key.expose_secret().to_owned()),
        SearchProvider::Tavily | SearchProvider::Searxng => {
            (AUTHORIZATION.as_str(), format!("Bearer {}", key.expose_secret()))
        }
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| {
        WebError::Setup("the key for searches holds characters that no key has: the user has to set it anew".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(request.header(name, value))
}

fn of_status(search: &SearchSettings, status: u16) -> WebError {
    let name = search.provider.name();
    match (search.provider, status) {
        (SearchProvider::Searxng, 403) => WebError::Setup(
            "SearXNG refuses (403): the user has to allow JSON there, by `json` in search.formats of its settings.yml"
                .to_owned(),
        ),
        (_, 401 | 403) => WebError::Setup(format!(
            "{name} refuses the key ({status}): the user has to put a valid one into the variable that [search] api_key_env names"
        )),
        (_, 402 | 432 | 433) => WebError::Setup(format!(
            "{name} takes no more searches of this account ({status}): the user has to check its plan"
        )),
        (_, 300..=399 | 404 | 405) => WebError::Setup(format!(
            "there is no {name} at that address ({status}): the user has to check [search] url"
        )),
        (_, 429) => WebError::remote(name, "it takes no more searches for now (429): wait before the next one"),
        _ => WebError::remote(name, format!("it failed ({status}): its own fault, try again later")),
    }
}

/// A result with an address of the web; others are left out.
fn hit(search: &SearchSettings, row: &Value, snippet: &str) -> Option<Hit> {
    let text = |name: &str, most: usize| {
        let text = row.get(name).and_then(Value::as_str).unwrap_or_default();
        // What is cut away later needs no parsing; tags may take several times the place of the words.
        let start = text.get(..crate::text::floor_char_boundary(text, most * 16)).unwrap_or(text);
        without_key(search, &short(&html::line(start), most))
    };
    let url = Url::parse(row.get("url")?.as_str()?.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let url = without_key(search, url.as_str());
    let title = Some(text("title", MAX_TITLE)).filter(|title| !title.is_empty()).unwrap_or_else(|| shown(&url));
    Some(Hit { title, snippet: text(snippet, MAX_SNIPPET), url })
}

fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

/// `text` without the key, should a server repeat it.
fn without_key(search: &SearchSettings, text: &str) -> String {
    match &search.key {
        Some(key) if !key.expose_secret().is_empty() => text.replace(key.expose_secret(), "[REDACTED]"),
        Some(_) | None => text.to_owned(),
    }
}
