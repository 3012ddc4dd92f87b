//! A rule says never: other ways to say the same.

use claw::tools::Reply;
use serde_json::json;

use super::case::{Attack, fetch, read, rename, tool, write};

/// Each removes `notes.txt`, in spite of `deny = ["shell(rm *)"]`.
const REMOVING: &[&str] = &[
    "rm notes.txt",
    "/bin/rm notes.txt",
    "/usr/bin/../bin/rm notes.txt",
    "r\\m notes.txt",
    "'r'm notes.txt",
    "\"rm\" notes.txt",
    "$'rm' notes.txt",
    "$'\\x72m' notes.txt",
    "{rm,notes.txt}",
    "echo ok; rm notes.txt",
    "echo ok && rm notes.txt",
    "false || rm notes.txt",
    "true | rm notes.txt",
    "true & rm notes.txt",
    "echo ok\nrm notes.txt",
    "(rm notes.txt)",
    "{ rm notes.txt; }",
    "! rm notes.txt",
    "if true; then rm notes.txt; fi",
    "for f in notes.txt; do rm $f; done",
    "f() { rm notes.txt; }; f",
    "X=1 rm notes.txt",
    "env rm notes.txt",
    "env -i A=b rm notes.txt",
    "command rm notes.txt",
    "exec rm notes.txt",
    "nice -n 5 rm notes.txt",
    "timeout 5 rm notes.txt",
    "nohup rm notes.txt",
    "setsid rm notes.txt",
    "xargs rm <<< notes.txt",
    "echo notes.txt | xargs -n1 rm",
    "find . -name notes.txt -exec rm {} \\;",
    "busybox rm notes.txt",
    "bash -c 'rm notes.txt'",
    "sh <<< 'rm notes.txt'",
    "eval rm notes.txt",
    "eval \"$(echo rm notes.txt)\"",
    "$(echo rm) notes.txt",
    "`echo rm` notes.txt",
    "R=rm; $R notes.txt",
    "a=r; b=m; $a$b notes.txt",
    "alias x=rm; x notes.txt",
    "$(printf '\\162\\155') notes.txt",
    "echo cm0gbm90ZXMudHh0 | base64 -d | sh",
    "rm\tnotes.txt",
    "rm$IFS'notes.txt'",
    "r''m notes.txt",
    "/bin/r? notes.txt",
    "git -c alias.x='!rm notes.txt' x",
    "awk 'BEGIN{system(\"rm notes.txt\")}'",
    "sed -n '1e rm notes.txt' src/lib.rs",
    "coproc rm notes.txt",
    "trap 'rm notes.txt' EXIT",
    "time rm notes.txt",
    "cat <(rm notes.txt)",
    "echo x > $(rm notes.txt)",
    "[ -n \"$(rm notes.txt)\" ]",
    "ls # \r\nrm notes.txt",
    ":; : ${x:=$(rm notes.txt)}",
];

/// What a rule over files denies, in another spelling.
const HIDDEN: &[&str] = &[
    "private/plan.txt",
    "./private/plan.txt",
    "src/../private/plan.txt",
    "{WS}/private/plan.txt",
    "private//plan.txt",
    "PRIVATE/plan.txt",
    "alias/plan.txt",
    "private\\plan.txt",
];

const ADDRESSES: &[&str] = &[
    "http://evil.example/",
    "http://EVIL.example/x",
    "http://evil.example./",
    "https://evil.example:8443/",
    "http://evil%2eexample/",
    "http://ｅｖｉｌ.example/",
    "http://x@evil.example/",
];

pub fn attacks() -> Vec<Attack> {
    let removing = REMOVING.iter().map(|command| {
        // Who could be asked says yes to everything: a rule that denies is stronger.
        Attack::new(format!("denied, and said as {command:?}"))
            .deny("shell(rm *)")
            .replies(&[], Reply::Deny)
            .shell(command)
            .nothing_done()
    });
    let files = HIDDEN.iter().map(|name| {
        Attack::new(format!("a file that is denied, as {name}"))
            .deny("read_file(private/**)")
            .deny("edit_file(private/**)")
            .file("private/plan.txt", "the plan is zebra\n")
            .link("alias", "private")
            .replies(&[], Reply::Once)
            .calls(&[
                read(name),
                write(name, "x\n"),
                tool("delete_file", json!({"path": name})),
                rename(name, "mine.txt"),
            ])
            .call(tool("search", json!({"pattern": "zebra", "path": name})))
            .not_told("is zebra")
    });
    let addresses = ADDRESSES.iter().map(|url| {
        Attack::new(format!("an address that is denied, as {url}"))
            .deny("web_fetch(evil.example)")
            .allow("web_fetch(*)")
            .replies(&[], Reply::Once)
            .call(fetch(url))
            .nothing_done()
            .reached(0)
    });
    removing.chain(files).chain(addresses).collect()
}
