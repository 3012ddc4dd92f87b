//! An HTML page as Markdown: what a reader would see of it, and nothing else.
//!
//! The page is parsed within bounds, then cleaned in place (see [`clean`]), then written: its `main` part where it names one, else
//! the article that is found in it where that is most of it, else all.

mod clean;
mod hidden;
mod parse;
mod sheet;

use dom_query::{Document, NodeRef};
use dom_smoothie::{Config, Readability, TextMode};
use url::Url;

use super::error::shown;
use crate::text;

/// A page that can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Readable {
    pub title: Option<String>,
    pub markdown: String,
    /// Characters that nobody sees, left out.
    pub hidden_characters: usize,
    pub is_cut: bool,
}

/// Most nodes of a page in which an article is looked for: that takes longer than in proportion.
const MAX_ARTICLE_NODES: usize = 20_000;

/// Bytes of text that make a part of a page worth to be taken for it.
const MIN_MAIN: usize = 200;

pub(in crate::web) fn readable(html: &str, url: &Url) -> Readable {
    let parsed = parse::parse(html);
    let document = parsed.document;
    let title = title(&document);
    clean::clean(&document, url);
    let markdown = markdown(&document);
    let (markdown, hidden_characters) = without_hidden(&markdown);
    Readable { title, markdown: tidy(&markdown), hidden_characters, is_cut: parsed.is_cut }
}

/// A piece of HTML on one line, as search results hold it.
pub(in crate::web) fn line(html: &str) -> String {
    let words =
        if html.contains(['<', '&']) { parse::parse(html).document.text().to_string() } else { html.to_owned() };
    one_line(&words)
}

fn title(document: &Document) -> Option<String> {
    let of = |selector: &str| {
        let title = document.try_select(selector).map(|found| one_line(&first_text(&found)))?;
        (!title.is_empty()).then(|| shown(&title))
    };
    of("head title").or_else(|| of("h1"))
}

fn first_text(found: &dom_query::Selection<'_>) -> String {
    found.nodes().first().map(|node| node.text().to_string()).unwrap_or_default()
}

fn one_line(text: &str) -> String {
    let (text, _) = without_hidden(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn markdown(document: &Document) -> String {
    let Some(body) = document.body() else { return String::new() };
    let all = text_length(&body);
    let main = document.try_select("main, [role=main]").filter(|found| found.length() == 1);
    let main = main.and_then(|found| found.nodes().first().copied()).filter(|main| text_length(main) >= MIN_MAIN);
    if main.is_none()
        && let Some(article) = article(document, all)
    {
        return article;
    }
    clean::drop_surroundings(document);
    let part = main.unwrap_or(body);
    clean::lay_out(&part);
    part.md(None).to_string()
}

/// The article of a page, if it is there and not only a small part of it: a list of links or the members of a type are no
/// article, but what is asked for.
fn article(document: &Document, all: usize) -> Option<String> {
    if document.tree.len() > MAX_ARTICLE_NODES {
        return None;
    }
    let config = Config { text_mode: TextMode::Markdown, disable_json_ld: true, ..Config::default() };
    let copy = document.clone();
    clean::keep_blocks(&copy);
    let article = Readability::with_document(copy, None, Some(config)).ok()?.parse().ok()?;
    let found = article.text_content.split_whitespace().map(str::len).sum::<usize>();
    (found >= MIN_MAIN && found * 2 >= all).then(|| article.text_content.to_string())
}

/// Bytes of text in `node`, without the space around words.
fn text_length(node: &NodeRef<'_>) -> usize {
    node.text().split_whitespace().map(str::len).sum()
}

/// `text` without characters that nobody sees, and how many they were. In prose they are soft hyphens at best and hidden
/// words at worst; no reader misses them.
fn without_hidden(text: &str) -> (String, usize) {
    let mut kept = String::with_capacity(text.len());
    let mut left_out = 0;
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_space = matches!(c, '\n' | '\t' | '\r');
        if !is_space && text::hidden::is_hidden(c, before, characters.peek().copied()) {
            left_out += 1;
        } else {
            kept.push(c);
        }
        before = Some(c);
    }
    (kept, left_out)
}

/// No more than one empty line in a row, outside of code.
fn tidy(markdown: &str) -> String {
    let mut tidy = String::with_capacity(markdown.len());
    let mut fence: Option<&str> = None;
    let mut empty = 0;
    for line in markdown.lines() {
        let trimmed = line.trim();
        let ticks = trimmed.len() - trimmed.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = trimmed.get(..ticks),
            Some(open) if trimmed == open => fence = None,
            Some(_) | None => {}
        }
        empty = if trimmed.is_empty() && fence.is_none() { empty + 1 } else { 0 };
        if empty <= 1 {
            // Two spaces at the end of a line are a line break; an empty line has none.
            tidy.push_str(if trimmed.is_empty() && fence.is_none() { "" } else { line });
            tidy.push('\n');
        }
    }
    tidy.trim().to_owned()
}

#[cfg(test)]
mod tests;
