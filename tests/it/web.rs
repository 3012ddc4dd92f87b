//! Pages and searches against a small server that stands for the web.

mod fetch;
mod hostile;
mod proxied;
mod search;
pub mod server;
mod tools;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use claw::web::{Limits, Names, Page, Proxies, Reach, Web, WebError, WebSettings};
use futures::future::BoxFuture;

use self::server::{Reply, Server};

/// What names come to: each answer once, the last one for ever. Names that are not listed are unknown.
#[derive(Default)]
pub struct Book(Mutex<BTreeMap<String, Vec<Vec<IpAddr>>>>);

impl Book {
    pub fn new(entries: &[(&str, &[&[&str]])]) -> Arc<Book> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect::<Vec<IpAddr>>();
        let entries = entries.iter().map(|(name, answers)| ((*name).to_owned(), answers.iter().map(parse).collect()));
        Arc::new(Book(Mutex::new(entries.collect())))
    }

    /// `a.example`, `www.a.example` and `b.example` are the server.
    pub fn usual() -> Arc<Book> {
        let here: &[&[&str]] = &[&["127.0.0.1"]];
        Book::new(&[("a.example", here), ("www.a.example", here), ("b.example", here)])
    }
}

impl Names for Book {
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut book = self.0.lock().unwrap();
        let answer = match book.get_mut(&name) {
            None => Err(io::Error::new(io::ErrorKind::NotFound, "no such name")),
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
        };
        Box::pin(std::future::ready(answer))
    }
}

/// A server and the web that it is.
pub struct Site {
    pub server: Server,
    pub settings: WebSettings,
    pub web: Web,
}

impl Site {
    pub fn new(reply: impl Fn(&server::Request) -> Reply + Send + Sync + 'static) -> Site {
        Site::with(reply, |_| {})
    }

    pub fn with(
        reply: impl Fn(&server::Request) -> Reply + Send + Sync + 'static,
        adjust: impl FnOnce(&mut WebSettings),
    ) -> Site {
        let server = Server::new(reply);
        let mut settings = WebSettings {
            reach: Reach::public().and_for_tests(server.address).with_names_for_tests(Book::usual()),
            proxies: Proxies::none(),
            limits: Limits { time: Duration::from_secs(15), ..Limits::default() },
            ..WebSettings::default()
        };
        adjust(&mut settings);
        let web = Web::new(settings.clone());
        Site { server, settings, web }
    }

    /// The address of `path` at `a.example`.
    pub fn at(&self, path: &str) -> String {
        self.on("a.example", path)
    }

    pub fn on(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.server.address.port())
    }

    pub async fn get(&self, path: &str) -> Result<Page, WebError> {
        self.web.fetch(&self.at(path)).await
    }

    /// The error of a fetch, with the port of this run as `PORT`.
    pub async fn refusal(&self, url: &str) -> String {
        let url = url.replace("PORT", &self.server.address.port().to_string());
        let error = self.web.fetch(&url).await.expect_err(&url);
        error.to_string().replace(&self.server.address.port().to_string(), "PORT")
    }
}
