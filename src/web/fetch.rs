//! One page: from its address over its redirects to its text.

use std::error::Error;

use reqwest::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION};
use url::{Host, Url};

use super::address::{self, host, plain};
use super::body::{self, Body};
use super::client::{Clients, Way};
use super::error::{WebError, shown};
use super::kind::{self, Kind};
use super::reach::LookUpError;
use super::{Page, WebSettings, charset, html};
use crate::text::hidden;

/// Servers that have a page as Markdown give that.
const WANTED: &str = "text/markdown, text/html;q=0.9, application/xhtml+xml;q=0.9, text/plain;q=0.8, \
                      application/json;q=0.8, */*;q=0.1";

/// Stack of the thread that takes a page apart. How deep elements may lie in each other is bounded, and small for this.
const STACK: usize = 32 * 1024 * 1024;

pub(in crate::web) async fn fetch(settings: &WebSettings, clients: &Clients, url: Url) -> Result<Page, WebError> {
    let host = host(&url).to_owned();
    let time = settings.limits.time;
    match tokio::time::timeout(time, load(settings, clients, url)).await {
        Ok(page) => page,
        Err(_) => {
            Err(WebError::remote(&host, format!("the page was not complete after {} s", time.as_secs_f32().round())))
        }
    }
}

async fn load(settings: &WebSettings, clients: &Clients, url: Url) -> Result<Page, WebError> {
    let mut hops: Vec<Url> = Vec::new();
    let mut current = url;
    loop {
        let response = send(settings, clients, &current).await?;
        let status = response.status().as_u16();
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return page(settings, &current, &hops, response).await;
        }
        let location = response.headers().get(LOCATION).map(|location| String::from_utf8_lossy(location.as_bytes()));
        let Some(location) = location else {
            return Err(WebError::remote(host(&current), format!("it answered {status} without an address to go to")));
        };
        let next = address::redirect(&current, &location, &settings.reach)?;
        if !address::same_place(&current, &next) {
            // Where it leads is vetted before it is told: a private address is not offered.
            vet_name(settings, &next).await?;
            return Err(WebError::Elsewhere { from: shown(&plain(&current)), to: plain(&next) });
        }
        if hops.len() >= settings.limits.redirects {
            let problem = format!("it redirects more than {} times", settings.limits.redirects);
            return Err(WebError::remote(host(&current), problem));
        }
        hops.push(current);
        if hops.contains(&next) {
            return Err(WebError::remote(host(&next), "it redirects in a circle"));
        }
        current = next;
    }
}

/// Asks for exactly this address. When an answer is here it came from a public one.
async fn send(settings: &WebSettings, clients: &Clients, url: &Url) -> Result<Response, WebError> {
    let proxy = settings.proxies.for_url(url);
    let way = match proxy {
        None => Way::Direct { secure: url.scheme() == "https" },
        Some(proxy) => {
            if url.scheme() == "http" && matches!(url.host(), Some(Host::Domain(_))) {
                let reason = "behind a proxy only https: shows that the answer is from the host that was asked";
                return Err(WebError::refused(&plain(url), reason));
            }
            vet_name(settings, url).await?;
            Way::Proxied { proxy: proxy.to_string() }
        }
    };
    let client = clients.get(&way).map_err(|problem| {
        WebError::Setup(format!("no page can be fetched, this machine's set-up is at fault: {problem}"))
    })?;
    let mut asked = url.clone();
    asked.set_fragment(None);
    let request = client.get(asked).header(ACCEPT, HeaderValue::from_static(WANTED));
    let response = request.send().await.map_err(|error| failure(url, &error))?;
    if proxy.is_none() {
        let refusal = match response.remote_addr() {
            Some(peer) => settings.reach.refusal_of_peer(peer),
            None => Some("it can not be told where the answer comes from"),
        };
        if let Some(reason) = refusal {
            return Err(WebError::refused(host(url), reason));
        }
    }
    Ok(response)
}

/// Refuses a name that comes to an address that is not public. One that is unknown here passes: nobody but a proxy will
/// look it up.
async fn vet_name(settings: &WebSettings, url: &Url) -> Result<(), WebError> {
    match url.host() {
        Some(Host::Domain(name)) => match settings.reach.look_up(name).await {
            Err(LookUpError::Refused { name, reason }) => Err(WebError::refused(&name, reason)),
            Ok(_) | Err(LookUpError::Unknown) => Ok(()),
        },
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => Ok(()),
    }
}

async fn page(settings: &WebSettings, url: &Url, hops: &[Url], response: Response) -> Result<Page, WebError> {
    let status = response.status();
    if !status.is_success() {
        return Err(WebError::status(host(url), status.as_u16()));
    }
    let declared = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let declared = declared.as_deref();
    let mut page = Page {
        url: plain(url),
        hops: hops.iter().map(plain).collect(),
        status: status.as_u16(),
        title: None,
        markdown: String::new(),
        truncated: false,
        hidden_characters: 0,
        content_type: kind::essence(declared).unwrap_or_else(|| "unknown".to_owned()),
        bytes: 0,
    };
    let length = response.content_length();
    if kind::of_declaration(declared) == Some(Kind::Other) {
        page.markdown = other(&page.content_type, length);
        return Ok(page);
    }
    let body = body::read(response, settings.limits.body).await.map_err(|error| failure(url, &error))?;
    page.bytes = body.bytes.len();
    match kind::of_body(declared, &body.bytes) {
        Kind::Other => {
            let seen = u64::try_from(body.bytes.len()).unwrap_or(u64::MAX);
            page.markdown = other(&page.content_type, if body.is_cut { length } else { Some(seen) });
        }
        Kind::Text => {
            let text = charset::decode(&body.bytes, declared, false).replace("\r\n", "\n");
            let (text, cut) = cap(&hidden::visible(&text), settings.limits.shown);
            page.markdown = text;
            page.truncated = cut || body.is_cut;
        }
        Kind::Html => {
            let readable = take_apart(body, declared, url, settings.limits.shown).await?;
            page.title = readable.title;
            page.markdown = readable.markdown;
            page.truncated = readable.is_cut;
            page.hidden_characters = readable.hidden_characters;
        }
    }
    Ok(page)
}

/// On a thread of its own: it takes time and stack, and a panic in there is one page lost.
async fn take_apart(body: Body, declared: Option<&str>, url: &Url, shown: usize) -> Result<html::Readable, WebError> {
    let declared = declared.map(str::to_owned);
    let base = url.clone();
    let (send, receive) = tokio::sync::oneshot::channel();
    let work = move || {
        let text = charset::decode(&body.bytes, declared.as_deref(), true);
        let mut readable = html::readable(&text, &base);
        let (markdown, cut) = cap(&readable.markdown, shown);
        readable.markdown = markdown;
        readable.is_cut |= cut || body.is_cut;
        // Nobody waits for it any more after a cancel.
        let _ = send.send(readable);
    };
    std::thread::Builder::new()
        .name("claw-page".to_owned())
        .stack_size(STACK)
        .spawn(work)
        .map_err(|error| WebError::Setup(format!("no page can be read, this machine's set-up is at fault: {error}")))?;
    receive.await.map_err(|_| WebError::remote(host(url), "its page could not be taken apart"))
}

/// What is told of anything that is no text. It is not unpacked.
fn other(content_type: &str, length: Option<u64>) -> String {
    let size = length.map_or_else(|| "of unknown size".to_owned(), |length| format!("{length} bytes"));
    format!("[{}, {size}: not text, so nothing of it is shown]", shown(content_type))
}

/// At most about `most` bytes of `text`, between lines where that loses little.
fn cap(text: &str, most: usize) -> (String, bool) {
    let text = text.trim_end();
    if text.len() <= most {
        return (text.to_owned(), false);
    }
    let kept = text.get(..crate::text::floor_char_boundary(text, most)).unwrap_or_default();
    let kept = match kept.rfind('\n') {
        Some(at) if at > most / 2 => kept.get(..at).unwrap_or(kept),
        Some(_) | None => kept,
    };
    (kept.trim_end().to_owned(), true)
}

fn failure(url: &Url, error: &reqwest::Error) -> WebError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(source) = cause {
        match source.downcast_ref::<LookUpError>() {
            Some(LookUpError::Refused { name, reason }) => return WebError::refused(name, reason.clone()),
            Some(LookUpError::Unknown) => return WebError::remote(host(url), "there is no such host, or no network"),
            None => cause = source.source(),
        }
    }
    let problem = if error.is_connect() {
        format!("no connection: {}", root_cause(error))
    } else {
        format!("the answer broke off or makes no sense: {}", root_cause(error))
    };
    WebError::remote(host(url), problem)
}

/// The innermost cause of an error: reqwest's own texts name the address with all that it holds, these do not.
pub(in crate::web) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.source().is_none() { "the request could not be made".to_owned() } else { shown(&cause.to_string()) }
}
