//! A receipt for a reader in an editor: what an ask would hold, what was left out and why, as Markdown.

use super::render::{fenced, render};
use crate::event::{ContextReceipt, ContextSection};

/// The sections in a table, and below it what the model would read.
pub fn overview(receipt: &ContextReceipt) -> String {
    let rows: String = receipt.sections.iter().map(row).collect();
    let message = render(receipt);
    format!(
        "# What an ask would send\n\n{} of {} tokens, estimated by their bytes. Nothing was sent.\n\n\
        | | section | tokens | from | |\n|---|---|---:|---|---|\n{rows}\n## What the model would read\n\n{}\n",
        receipt.tokens,
        receipt.budget,
        fenced(&message)
    )
}

fn row(section: &ContextSection) -> String {
    let mark = if section.included { "✓" } else { "left out" };
    let reason = section.reason.as_deref().unwrap_or_default();
    let (name, source, reason) = (cell(&section.name), cell(&section.source), cell(reason));
    format!("| {mark} | {name} | {} | {source} | {reason} |\n", section.tokens)
}

/// A name or a reason in one cell, whatever it holds.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '\\' | '<' | '`' | '[' | '*' | '_' => cell.extend(['\\', letter]),
            letter if letter.is_control() => cell.push(' '),
            letter => cell.push(letter),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn a_table_of_sections_and_the_message() {
        let section = |name: &str, source: &str, reason: Option<&str>, text: Option<&str>| ContextSection {
            name: name.to_owned(),
            source: source.to_owned(),
            tokens: 4,
            included: text.is_some(),
            reason: reason.map(str::to_owned),
            text: text.map(str::to_owned),
        };
        let receipt = ContextReceipt {
            sections: vec![
                section("instruction", "user", None, Some("Why ```this```?")),
                section("rules", "a|b\n<i>.md", Some("there is no `AGENTS.md`"), None),
            ],
            tokens: 4,
            budget: 100,
        };
        expect![[r"
            # What an ask would send

            4 of 100 tokens, estimated by their bytes. Nothing was sent.

            | | section | tokens | from | |
            |---|---|---:|---|---|
            | ✓ | instruction | 4 | user |  |
            | left out | rules | 4 | a\|b \<i>.md | there is no \`AGENTS.md\` |

            ## What the model would read

            ````
            Why ```this```?
            ````
        "]]
        .assert_eq(&overview(&receipt));
    }
}
