//! Hover, on pending hunks only: what would change and why. Anything else is the language server's own.

use std::sync::Arc;

use tower_lsp::gen_lsp_types::{Contents, Hover, HoverParams, MarkupContent, MarkupKind};
use tower_lsp::jsonrpc::Result;

use super::convert;
use super::diagnostics::headline;
use super::needs;
use super::review::{PlacedFile, Review, small_diff};
use super::server::Server;
use crate::text::hidden::visible_line;
use crate::text::{PositionEncoding, Text};
use crate::workspace::DocPath;

/// Lines of diff in a hover.
const DIFF_LINES: usize = 40;

/// `textDocument/hover`.
pub async fn hover(server: &Server, params: HoverParams) -> Result<Option<Hover>> {
    let place = params.text_document_position_params;
    let owned = server.clone();
    let body = async move {
        let server = &owned;
        let seen = server.state.with(|state| {
            let path = state.doc_path(&place.text_document.uri.0);
            let buffer = Arc::clone(state.workspace.buffers().get(&path)?);
            Some((path, buffer, state.reviews.all(), state.client.clone()))
        });
        let Some((path, buffer, reviews, client)) = seen else { return Ok(None) };
        let offset = convert::offset(&buffer.text, place.position, client.encoding);
        Ok(at(&reviews, &path, &buffer.text, offset, client.encoding, client.hover_markdown))
    };
    server.request(body).await
}

/// What stands at byte `offset` of the text `now`; `None` off the hunks.
pub fn at(
    reviews: &[impl AsRef<Review>],
    path: &DocPath,
    now: &Text,
    offset: usize,
    encoding: PositionEncoding,
    markdown: bool,
) -> Option<Hover> {
    let line = now.line_of(offset);
    for review in reviews {
        let review = review.as_ref();
        let placed: Vec<PlacedFile<'_>> = review.files_at(path).map(|file| file.placed(now)).collect();
        let hunks = placed.iter().flat_map(|placed| placed.hunks().map(move |(hunk, range)| (placed, hunk, range)));
        for (placed, hunk, range) in hunks {
            let shown = placed.shown(hunk, range);
            if !(now.line_of(shown.start)..=now.line_of(shown.end)).contains(&line) {
                continue;
            }
            let (headline, diff) = (headline(placed.file(), hunk), small_diff(hunk, DIFF_LINES));
            let headline = needs::told(review, hunk, headline);
            let checks = checks(review);
            let (kind, value) = if markdown {
                let value = format!("**Claw:** {}\n\n{}{}", plain(&headline), fenced("diff", &diff), plain(&checks));
                (MarkupKind::Markdown, value)
            } else {
                (MarkupKind::PlainText, format!("Claw: {headline}\n\n{diff}{checks}"))
            };
            return Some(Hover {
                contents: Contents::MarkupContent(MarkupContent { kind, value }),
                range: Some(convert::range(now, shown, encoding)),
            });
        }
    }
    None
}

/// What the check commands said of the whole proposal; empty where none was run.
fn checks(review: &Review) -> String {
    let shown: Vec<String> = review.checks.iter().map(|check| visible_line(&check.shown()).into_owned()).collect();
    if shown.is_empty() { String::new() } else { format!("\n\nchecks: {}", shown.join(", ")) }
}

/// Text that a model wrote, with nothing left in it that Markdown would make a link, an image or markup.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '(' | ')' | '!' | '#' | '|' | '&') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A code block that its content can not end.
fn fenced(language: &str, content: &str) -> String {
    let longest = content.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{content}\n{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn model_text_stays_text() {
        assert_eq!(plain("![x](http://a) `b`"), "\\!\\[x\\]\\(http://a\\) \\`b\\`");
        assert_eq!(fenced("diff", "+```\n+x"), "````diff\n+```\n+x\n````");
    }
}
