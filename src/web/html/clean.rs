//! Takes out of a page what its reader does not see, and what does not belong into a text: scripts, comments, hidden parts,
//! pictures, addresses that are not of the web.

use dom_query::{Document, NodeData, NodeRef};
use url::Url;

use super::hidden::{Sight, sight};
use super::sheet::Sheet;

/// Longest description of a picture that is kept, in characters.
const MAX_ALT: usize = 200;

/// Elements that hold no text for a reader.
const NO_TEXT: &[&str] = &[
    "script",
    "style",
    "template",
    "noscript",
    "iframe",
    "frame",
    "frameset",
    "noframes",
    "object",
    "embed",
    "applet",
    "canvas",
    "audio",
    "video",
    "noembed",
    "svg",
    "map",
    "input",
    "select",
    "textarea",
    "button",
    "datalist",
    "progress",
    "meter",
    "link",
    "meta",
    "base",
    "title",
    "plaintext",
];

/// Elements that begin a line of their own, which the writer of Markdown does not know for such.
const BLOCKS: &[&str] = &[
    "main",
    "header",
    "footer",
    "nav",
    "aside",
    "figure",
    "figcaption",
    "details",
    "summary",
    "address",
    "hgroup",
    "center",
    "fieldset",
    "legend",
    "form",
    "dialog",
    "dt",
    "dd",
    "caption",
    "search",
    "menu",
];

/// Makes a page plain, in place.
pub(super) fn clean(document: &Document, url: &Url) {
    let base = base(document, url);
    let sheet = Sheet::read(&style_text(document));
    let mut open = vec![document.root()];
    while let Some(node) = open.pop() {
        for child in node.children() {
            match keep(&child, &sheet) {
                Keep::Nothing => child.remove_from_parent(),
                Keep::Text => {}
                Keep::Element => {
                    let name = child.node_name().unwrap_or_default().to_string();
                    if name == "img" {
                        replace_picture(&child, document);
                    } else {
                        attributes(&child, &name, &base);
                        open.push(child);
                    }
                }
            }
        }
    }
}

/// Takes out what surrounds the text of a page: menus and what stands below everything.
pub(super) fn drop_surroundings(document: &Document) {
    let surroundings = "nav, footer, [role=navigation], [role=contentinfo], [role=search]";
    if let Some(found) = document.try_select(surroundings) {
        // A page that is nothing but its menu is that menu.
        let all = document.body().map(|body| super::text_length(&body)).unwrap_or_default();
        let around: usize = found.nodes().iter().map(super::text_length).sum();
        if around < all {
            found.remove();
        }
    }
}

/// Gives blocks that Markdown knows to what would run together.
pub(super) fn lay_out(part: &NodeRef<'_>) {
    for node in part.descendants() {
        let Some(name) = node.node_name().filter(|name| BLOCKS.contains(&name.as_ref())) else { continue };
        // A table of Markdown has none inside.
        if name.as_ref() == "caption"
            && let Some(table) = node.parent().filter(|parent| parent.has_name("table"))
        {
            table.insert_before(&node);
        }
        node.rename("div");
    }
}

/// The same for what the search for an article does not look at.
pub(super) fn keep_blocks(document: &Document) {
    if let Some(found) = document.try_select("dt, dd, summary, figcaption") {
        for node in found.nodes() {
            node.rename("div");
        }
    }
}

enum Keep {
    Nothing,
    Text,
    Element,
}

fn keep(node: &NodeRef<'_>, sheet: &Sheet) -> Keep {
    let kind = node.query(|node| match node.data {
        NodeData::Text { .. } => Keep::Text,
        NodeData::Element(_) => Keep::Element,
        _ => Keep::Nothing,
    });
    match kind {
        Some(Keep::Element) => {
            let name = node.node_name().unwrap_or_default();
            if NO_TEXT.contains(&name.as_ref()) || is_hidden(node, &name, sheet) {
                Keep::Nothing
            } else {
                Keep::Element
            }
        }
        Some(Keep::Text) => Keep::Text,
        Some(Keep::Nothing) | None => Keep::Nothing,
    }
}

fn is_hidden(node: &NodeRef<'_>, name: &str, sheet: &Sheet) -> bool {
    // A page that shows itself by script hides all of itself first.
    if matches!(name, "html" | "body") {
        return false;
    }
    node.has_attr("hidden")
        || node.attr("aria-hidden").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
        || name == "dialog" && !node.has_attr("open")
        || node.attr("style").is_some_and(|style| sight(&style) == Sight::Hidden)
        || sheet.hides(node, name)
}

/// A picture is the words that stand for it, marked as such.
fn replace_picture(node: &NodeRef<'_>, document: &Document) {
    let alt = node.attr("alt").unwrap_or_default();
    let alt = alt.split_whitespace().collect::<Vec<_>>().join(" ");
    if alt.is_empty() {
        node.remove_from_parent();
        return;
    }
    let short: String = alt.chars().take(MAX_ALT).collect();
    let dots = if short.len() < alt.len() { "…" } else { "" };
    node.replace_with(&document.tree.new_text(format!("(image: {short}{dots})")));
}

/// Leaves the few attributes that the text needs.
fn attributes(node: &NodeRef<'_>, name: &str, base: &Url) {
    let href = if name == "a" { node.attr("href").and_then(|href| web_address(&href, base)) } else { None };
    node.retain_attrs(&["class", "id", "role", "start", "value", "data-lang", "data-language", "colspan", "rowspan"]);
    if let Some(href) = href {
        node.set_attr("href", &href);
    }
}

/// Where a link leads, whole: only `http` and `https`, no name and password, and not to the page it stands on.
fn web_address(href: &str, base: &Url) -> Option<String> {
    let href = href.trim();
    if href.is_empty() || href.starts_with('#') {
        return None;
    }
    let url = base.join(href).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    is_web.then(|| url.to_string())
}

/// What relative addresses are relative to.
fn base(document: &Document, url: &Url) -> Url {
    let own = document.try_select("base[href]").and_then(|found| found.attr("href"));
    own.and_then(|own| url.join(own.trim()).ok())
        .filter(|own| matches!(own.scheme(), "http" | "https"))
        .unwrap_or_else(|| url.clone())
}

fn style_text(document: &Document) -> String {
    let Some(found) = document.try_select("style") else { return String::new() };
    found.nodes().iter().map(|node| node.text().to_string()).collect::<Vec<_>>().join("\n")
}
