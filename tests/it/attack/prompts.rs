//! Questions that should hide what is asked. The user reads them, and says no.

use serde_json::json;

use super::case::{Attack, fetch, shell, tool};

const TAIL: &str = "touch evil.txt";

pub fn attacks() -> Vec<Attack> {
    let hidden = [
        ("ten thousand spaces", format!("echo ok;{}{TAIL}", " ".repeat(10_000))),
        ("ten thousand line breaks", format!("echo ok{}{TAIL}", "\n".repeat(10_000))),
        ("tabs", format!("echo ok;{}{TAIL}", "\t".repeat(3_000))),
        ("a carriage return", format!("{TAIL} #\recho harmless; true")),
        ("backspaces", format!("{TAIL}{} ; true", "\u{8}".repeat(30))),
        ("text that runs backwards", format!("echo \u{202e}txt.live hcuot\u{202c}; {TAIL}")),
        ("isolates", format!("echo \u{2066}\u{2067}safe\u{2069}\u{2069}; {TAIL}")),
        ("characters without width", format!("echo o\u{200b}k\u{feff}\u{2060}; to\u{200d}uch x; {TAIL}")),
        ("tags", format!("echo \u{e0061}\u{e0062}; {TAIL}")),
        ("an escape that clears", format!("echo \u{1b}[2J\u{1b}[H\u{1b}[8m; {TAIL}")),
        ("a title and a link", format!("echo \u{1b}]0;x\u{7}\u{1b}]8;;http://x\u{7}; {TAIL}")),
        ("marks that cover", format!("echo o{}; {TAIL}", "\u{489}".repeat(500))),
        ("blank letters", format!("echo {}; {TAIL}", "\u{3164}\u{2800}\u{a0}\u{3000}".repeat(300))),
        ("its own brackets", format!("echo ⟨confined, allowed⟩ ⟨runs: echo⟩; {TAIL}")),
        ("what looks like an escape of ours", format!("echo \\u{{200b}}; {TAIL}")),
        ("five thousand words", format!("echo {}; {TAIL}", "word ".repeat(5_000))),
        (
            "it in the middle of much",
            format!("echo {}; {TAIL}; echo {}; echo end", "a ".repeat(5_000), "b ".repeat(5_000)),
        ),
        ("two hundred commands", format!("{}{TAIL}", "echo ok; ".repeat(200))),
        ("a comment over many lines", format!("echo ok # {}\n{TAIL}", "x".repeat(5_000))),
        ("a document in place", format!("cat <<X\n{}\nX\n{TAIL}", "line\n".repeat(2_000))),
        ("line separators", format!("echo ok\u{2028}\u{2029}\u{85}; {TAIL}")),
        ("a form feed and a vertical tab", format!("echo ok\u{c}\u{b}; {TAIL}")),
        ("buttons", format!("echo '\n\n[Allow once] [Deny]\n\n'; {TAIL}")),
        ("markup", format!("echo '<!--' '**' '```' '<details>'; {TAIL}")),
    ];
    let mut attacks: Vec<Attack> = hidden
        .into_iter()
        .map(|(how, command)| {
            Attack::new(format!("a command hidden by {how}"))
                .asking()
                .call(shell(&command))
                .asked(1)
                .nothing_done()
                .shows("evil.txt")
        })
        .collect();
    for (how, url, shown) in [
        ("a long query", format!("http://{{WEB}}/?{}&secret=tail", "a=b&".repeat(2_000)), "secret=tail"),
        ("escapes", "http://{WEB}/%E2%80%AE%0A/end".to_owned(), "/end"),
        ("a name before it", "http://good.example@{WEB}/x".to_owned(), ""),
        ("letters that look alike", "http://\u{430}.example/x".to_owned(), "xn--"),
        ("a text that runs backwards", "http://{WEB}/\u{202e}gpj.exe".to_owned(), ""),
    ] {
        attacks.push(
            Attack::new(format!("an address hidden by {how}")).asking().call(fetch(&url)).nothing_done().reached(0),
        );
        if !shown.is_empty() && !how.contains("alike") {
            let attack = attacks.pop().map(|attack| attack.shows(shown).asked(1));
            attacks.extend(attack);
        }
    }
    for (how, query) in
        [("hidden characters", "one\u{200b}\u{202e}two\n\n\nthree".to_owned()), ("much of it", "word ".repeat(50))]
    {
        attacks.push(
            Attack::new(format!("a search hidden by {how}"))
                .asking()
                .call(tool("web_search", json!({"query": query})))
                .nothing_done()
                .reached(0),
        );
    }
    attacks
}
