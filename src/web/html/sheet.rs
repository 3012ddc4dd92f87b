//! What a page's own style sheets hide, as far as plain rules for classes and ids tell. Sheets elsewhere are not fetched.

use std::collections::BTreeMap;

use dom_query::NodeRef;

use super::hidden::{Sight, sight};

/// Most rules of a page that are looked at.
const MAX_RULES: usize = 5_000;

/// The rules of a page that hide.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// By a class (`.x`) or id (`#x`) that each needs.
    rules: BTreeMap<String, Vec<Rule>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    tag: String,
    /// `.x` and `#x`.
    marks: Vec<String>,
}

impl Sheet {
    /// Reads the text of all `style` elements.
    pub fn read(css: &str) -> Sheet {
        let mut said: BTreeMap<Rule, bool> = BTreeMap::new();
        for (selectors, declarations) in rules(css) {
            let hides = match sight(declarations) {
                Sight::Hidden => true,
                Sight::Shown => false,
                Sight::Unsaid => continue,
            };
            for rule in selectors.split(',').filter_map(|selector| Rule::parse(selector.trim())) {
                if said.len() >= MAX_RULES {
                    break;
                }
                said.insert(rule, hides);
            }
        }
        let mut sheet = Sheet::default();
        for (rule, hides) in said {
            if let (true, Some(mark)) = (hides, rule.marks.first()) {
                sheet.rules.entry(mark.clone()).or_default().push(rule);
            }
        }
        sheet
    }

    pub fn hides(&self, node: &NodeRef<'_>, tag: &str) -> bool {
        if self.rules.is_empty() || matches!(tag, "html" | "body") {
            return false;
        }
        let mut marks: Vec<String> = Vec::new();
        if let Some(classes) = node.attr("class") {
            marks.extend(classes.split_whitespace().map(|class| format!(".{class}")));
        }
        if let Some(id) = node.attr("id") {
            marks.push(format!("#{id}"));
        }
        marks.iter().filter_map(|mark| self.rules.get(mark)).flatten().any(|rule| {
            (rule.tag.is_empty() || rule.tag == tag) && rule.marks.iter().all(|needed| marks.contains(needed))
        })
    }
}

impl Rule {
    /// `.x`, `#x`, `div.x.y`. Others depend on what a reader does or on where the element stands.
    fn parse(selector: &str) -> Option<Rule> {
        let start = selector.find(['.', '#'])?;
        let (tag, mut rest) = selector.split_at(start);
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
        if !tag.is_empty() && !is_word(tag) && tag != "*" {
            return None;
        }
        let mut marks = Vec::new();
        while !rest.is_empty() {
            let end =
                rest.char_indices().skip(1).find(|(_, c)| matches!(c, '.' | '#')).map_or(rest.len(), |(at, _)| at);
            let (mark, after) = rest.split_at(end);
            if !is_word(mark.get(1..)?) {
                return None;
            }
            marks.push(mark.to_owned());
            rest = after;
        }
        Some(Rule { tag: tag.trim_matches('*').to_ascii_lowercase(), marks })
    }
}

/// Selectors and declarations of the rules that hold whatever the medium.
fn rules(css: &str) -> Vec<(&str, &str)> {
    let mut rules = Vec::new();
    let mut rest = css;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        let after = after.get(1..).unwrap_or_default();
        // What stands before the selector: the end of a comment, of an `@import`.
        let selector = before.rsplit(['}', ';', '/']).next().unwrap_or_default().trim();
        let end = if selector.starts_with('@') {
            end_of_block(after)
        } else {
            let end = after.find('}').unwrap_or(after.len());
            rules.push((selector, after.get(..end).unwrap_or_default()));
            end
        };
        rest = after.get(end..).unwrap_or_default();
        rest = rest.strip_prefix('}').unwrap_or(rest);
    }
    rules
}

fn end_of_block(css: &str) -> usize {
    let mut depth = 1_usize;
    for (at, c) in css.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    css.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(css: &str, html: &str, expected: bool) {
        let document = dom_query::Document::from(html);
        let found = document.select("#it, .it");
        let node = found.nodes().first().unwrap();
        assert_eq!(Sheet::read(css).hides(node, &node.node_name().unwrap()), expected, "{css} {html}");
    }

    #[test]
    fn w08_plain_rules() {
        let div = "<div class='it x y'>";
        for (css, expected) in [
            (".x{display:none}", true),
            ("a { color: red } /* a comment */ .x , .z { visibility : hidden }", true),
            ("div.x.y{opacity:0}", true),
            ("*.x{font-size:0}", true),
            ("p.x{display:none}", false),
            (".x.z{display:none}", false),
            (".x:hover{display:none}", false),
            (".a .x{display:none}", false),
            ("@media print{.x{display:none}}", false),
            ("@media print{.a{b:c}.x{display:none}} .y{display:none}", true),
            ("@import 'a.css'; .x{display:none}", true),
            (".x{display:none} .x{display:block}", false),
            (".x{display:none} .x{color:red}", true),
            ("{}}{{{", false),
            (".x{display:none", true),
            ("", false),
        ] {
            check(css, div, expected);
        }
        check("#it{display:none}", "<p id=it>", true);
        check("body.it{display:none}", "<body class=it>", false);
    }
}
