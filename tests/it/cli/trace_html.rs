//! `claw trace --html`: what stands on the page, and that nothing in it can act.

use std::fs;
use std::path::PathBuf;

use claw::text::hidden::{visible, visible_line};
use dom_query::Document;
use serde_json::{Value, json};

use super::place::{Place, calls, edit, says};

const SESSION: &str = "01a21e1d-0000-7000-8000-000000000001";
const CHILD: &str = "01a21e1d-0000-7000-8000-000000000002";

/// A place whose state holds a session with these events.
fn holding(events: &[Value]) -> Place {
    let place = Place::new(&[]);
    keep(&place, SESSION, events);
    place
}

/// Writes a session's trace: each event gets its envelope, a second after the one before.
fn keep(place: &Place, session: &str, events: &[Value]) {
    let lines = events.iter().enumerate().map(|(index, event)| {
        let time = format!("2026-11-03T10:{:02}:{:02}.000Z", index / 60 % 60, index % 60);
        let mut line = json!({"v": 1, "session": session, "turn": "t", "seq": index + 1, "time": time});
        line.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        format!("{line}\n")
    });
    let folder = folder(place, session);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("trace.jsonl"), lines.collect::<String>()).unwrap();
}

fn folder(place: &Place, session: &str) -> PathBuf {
    place.state().join("sessions").join(session)
}

fn page(place: &Place, session: &str) -> String {
    place.output(&["trace", session, "--html", "-"]).exits(0).stdout
}

fn turn_start(task: &str) -> Value {
    json!({"type": "turn_start", "task": task, "frontend": "cli", "provider": "script", "model": "script",
           "workspace": "/w", "mode": "edit", "permission_mode": "ask"})
}

fn turn_end(answer: &str) -> Value {
    json!({"type": "turn_end", "status": "done", "answer": answer, "steps": 1,
           "usage": {"input": 1200, "output": 30, "cached": 0}, "duration_ms": 4100})
}

fn request(number: u32, body: &Value) -> Value {
    json!({"type": "model_request", "request": number, "tokens_estimate": 1200, "body": body})
}

fn response(number: u32, text: &str) -> Value {
    json!({"type": "model_response", "request": number, "text": text, "tool_calls": [], "stop_reason": "end",
           "usage": {"input": 1200, "output": 30, "cached": 0}, "ttft_ms": 320, "latency_ms": 1900, "attempts": 1})
}

fn call(id: &str, tool: &str, input: &Value) -> Value {
    json!({"type": "tool_call", "call": id, "tool": tool, "input": input})
}

fn result(id: &str, tool: &str, ok: bool, output: &str) -> Value {
    json!({"type": "tool_result", "call": id, "tool": tool, "ok": ok, "output": output, "truncated": false,
           "duration_ms": 12})
}

/// Every kind of event, with `text` wherever a text can stand.
fn everything(text: &str) -> Vec<Value> {
    let hunk = json!({"hunk": text, "state": "pending", "start_line": 3, "old_text": text, "new_text": text,
                      "mine": text, "symbol": text, "summary": text, "needs": [text],
                      "flags": ["hidden_characters", "protected", "syntax"]});
    let file = json!({"uri": text, "path": text, "change": "rename", "old_uri": text, "hunks": [hunk]});
    let mut start = turn_start(text);
    for name in ["provider", "model", "workspace", "parent"] {
        start[name] = json!(text);
    }
    let mut answer = response(1, text);
    answer["reasoning"] = json!(text);
    answer["tool_calls"] = json!([{"id": "refused", "name": text, "arguments": text}]);
    let mut sent = request(1, &json!({ text: text, "messages": [{"role": text, "content": text}]}));
    sent["prefix"] = json!({"bytes": 1, "of": 2, "broken": text});
    let section = |included: bool| {
        let why = if included { "shortened" } else { "left out" };
        json!({"name": text, "source": text, "tokens": 3, "included": included, "reason": why, "text": text})
    };
    let mut ran = result("task", text, true, text);
    ran["subagent"] = json!({"session": text, "status": "done", "steps": 1,
                             "usage": {"input": 1, "output": 1, "cached": 0}, "tokens": 2});
    vec![
        start,
        json!({"type": "context", "sections": [section(true), section(false)], "tokens": 3, "budget": 9}),
        sent,
        answer,
        json!({"type": "plan", "items": [{"text": text, "status": "active"}]}),
        json!({"type": "permission", "tool": text, "input": {"command": text}, "decision": "allow", "by": "rule",
               "rule": text}),
        call("a", text, &json!({ text: text, "list": [text]})),
        result("a", text, true, text),
        call("b", "edit_file", &json!({"path": text, "old_string": text, "new_string": text})),
        result("b", "edit_file", false, text),
        result("refused", text, false, text),
        ran,
        call("never", "shell", &json!({"command": text})),
        json!({"type": "check", "command": text, "ok": false, "output": text, "before": true}),
        json!({"type": "proposal", "files": [file], "checks": [{"command": text, "ok": false, "before": true}]}),
        json!({"type": "review", "hunk": text, "decision": "rejected", "by": text, "verified": false, "reason": text}),
        json!({"type": "compaction", "tokens_before": 9, "tokens_after": 3, "kept": {"what": text}, "summary": text}),
        json!({"type": "steer", "message": text}),
        json!({"type": "error", "code": text, "message": text, "retryable": true}),
        turn_end(&format!("{text} at the end")),
    ]
}

/// What must hold of every page, whatever the trace: our style and our script, nothing else that acts, nothing from elsewhere.
#[track_caller]
fn check_inert(page: &str) -> Document {
    let document = Document::from(page);
    for element in ["script", "style", "title", "header", "main"] {
        assert_eq!(document.select(element).length(), 1, "{element}");
    }
    let style = document.select("style").text();
    assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
    const ELEMENTS: &[&str] = &[
        "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "h3", "h4", "h5", "bdi", "b", "p",
        "dl", "div", "dt", "dd", "span", "code", "search", "label", "input", "button", "nav", "details", "summary",
        "ol", "ul", "li", "main", "section", "svg", "rect", "table", "thead", "tbody", "tr", "th", "td", "pre", "del",
        "ins", "strong", "footer", "script",
    ];
    const ATTRIBUTES: &[&str] = &[
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "href",
        "id",
        "hidden",
        "type",
        "autocomplete",
        "role",
        "open",
        "aria-hidden",
        "aria-label",
        "scope",
        "viewBox",
        "preserveAspectRatio",
        "x",
        "width",
        "height",
    ];
    for node in document.root().descendants_it().filter(|node| node.is_element()) {
        let name = node.node_name().unwrap();
        assert!(ELEMENTS.contains(&&*name), "<{name}> on the page");
        for attribute in node.attrs() {
            let attribute_name = &*attribute.name.local;
            assert!(ATTRIBUTES.contains(&attribute_name), "<{name} {attribute_name}=…>");
            if attribute_name == "href" {
                assert!(attribute.value.starts_with("#turn"), "a link to {}", attribute.value);
            }
        }
    }
    let control = page.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t');
    assert_eq!(control, None, "a control character on the page");
    document
}

#[test]
fn a_session_is_one_page() {
    let place = Place::new(&[("a.py", "def area(r):\n    return 3 * r * r\n")]);
    let turns = [
        calls(&[("read_file", json!({"path": "a.py"})), ("read_file", json!({"path": "none.py"}))]),
        calls(&[edit("a.py", "3 * r", "3.14159 * r"), ("shell", json!({"command": "make -k"}))]),
        says("Closer to **pi**."),
    ];
    place.run(&turns, &["--apply", "Use a better pi"]).exits(0);
    let html = page(&place, "last");
    let document = check_inert(&html);
    assert_eq!(document.select("title").text().as_ref(), "Use a better pi");
    let text = document.text();
    for words in [
        place.session().as_str(),
        "Turn 1: Use a better pi",
        "script/script",
        "cost unknown",
        "1 turn · 3 requests",
        "instruction",
        "nothing is selected",
        "read_file a.py",
        "Request 3",
        "Closer to **pi**.",
        "-    return 3 * r * r\n+    return 3.14159 * r * r\n",
        "then accepted",
        "accepted by user",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let failed = document.select(".call.bad").iter().map(|call| call.text().to_string()).collect::<Vec<_>>();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[0].contains("read_file none.py") && failed[1].contains("shell make -k"), "{failed:?}");
    let denied = document.select(".step .pill.bad").text();
    assert_eq!(denied.as_ref(), "denied");
    assert_eq!(document.select(".pill.good").first().text().as_ref(), "done");
    assert_eq!(document.select("nav").length(), 0, "one turn needs no list of turns");
}

#[test]
fn w09_nothing_in_a_trace_acts_and_its_text_comes_back() {
    for text in [
        "<script>alert(1)</script>",
        "</pre></details></ol><img src=x onerror=alert(1)>",
        "</title></style></script><svg onload=alert(1)>",
        "\" onmouseover=alert(1) x='&#34;&lt;",
        "]]><![CDATA[<!-- --> <?php",
        "[a](javascript:alert(1)) https://evil.example/x.png ![b](https://evil.example) command:evil",
        "\nfirst\r\n\tsecond\rthird\n",
        "\u{1b}]8;;https://evil.example\u{7}link\u{1b}[2J\u{9b}31m",
        "access\u{202e}\u{2066}level\u{2069}\u{200b}\u{feff}\0\u{1}\u{7f}\u{85}\u{2028}",
        "<plaintext><noscript><template><base href=//evil.example>",
        "<meta http-equiv=refresh content=0> <link rel=stylesheet href=//evil.example>",
        "\u{fffe}\u{ffff}\u{10ffff}",
    ] {
        let place = holding(&everything(text));
        let document = check_inert(&page(&place, SESSION));
        let shown = document.text();
        assert!(shown.contains(visible(text).as_ref()), "{text:?} is not on the page");
        let inputs = document.select("dd pre, .step.call > details > pre, .compaction pre");
        let whole = inputs.iter().filter(|pre| pre.text().as_ref() == visible(text)).count();
        assert!(whole >= 5, "{text:?}: {whole} blocks hold it and nothing else");
        assert_eq!(
            document.select("dt").iter().filter(|name| name.text().as_ref() == visible_line(text)).count(),
            2,
            "{text:?}"
        );
        let prose = document.select(".prose").iter().map(|prose| prose.text().to_string()).collect::<Vec<_>>();
        assert!(prose.contains(&visible(text).into_owned()), "{text:?}: {prose:?}");
        assert_eq!(document.select(".turn").length(), 1, "{text:?} left its place");
        assert_eq!(document.select("ol.steps > li").length(), 18, "{text:?} left its place");
    }
}

#[test]
fn the_policy_lets_our_style_and_script_run_and_nothing_else() {
    let html = page(&holding(&[turn_start("x")]), SESSION);
    let document = check_inert(&html);
    let policy = document.select("meta[http-equiv]").attr("content").unwrap();
    let [style, script] = ["style", "script"].map(|element| {
        let (_, rest) = html.split_once(&format!("<{element}>")).unwrap();
        let (content, _) = rest.split_once(&format!("</{element}>")).unwrap();
        assert_eq!(document.select(element).text().as_ref(), content, "a parser reads it as it is");
        format!("{element}-src 'sha256-{}'", base64(&sha256(content.as_bytes())))
    });
    let expected = format!("default-src 'none'; {style}; {script}; base-uri 'none'; form-action 'none'");
    assert_eq!(policy.as_ref(), expected, "a changed style or script needs its hash in src/cli/trace_html.rs");
    let at = |what: &str| html.find(what).unwrap();
    assert!(at("Content-Security-Policy") < at("<style>") && at("<style>") < at("<script>"), "the policy comes first");
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    suite.common.hash_provider.hash(bytes).as_ref().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| {
        let number = (0..3).fold(0, |number, at| number << 8 | u32::from(group.get(at).copied().unwrap_or_default()));
        (0..4).map(move |at| match at <= group.len() {
            true => char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize]),
            false => '=',
        })
    });
    groups.flatten().collect()
}

/// Each request holds all that was said before it. The page names that and does not repeat it.
#[test]
fn r07_a_page_grows_as_what_was_said() {
    let of = |rounds: u32| {
        let mut events = vec![turn_start("Go on")];
        let mut messages = Vec::new();
        for round in 1..=rounds {
            messages.push(json!({"role": "user", "content": format!("message {round} {}", "x".repeat(200))}));
            events.push(request(round, &json!({"model": "m", "messages": messages})));
            events.push(response(round, "A word."));
            events.push(call("c", "read_file", &json!({"path": "a.py"})));
            events.push(result("c", "read_file", true, "1\tdef area(r):\n"));
        }
        events.push(turn_end("Done."));
        let place = holding(&events);
        let html = page(&place, SESSION);
        for round in [1, rounds / 2, rounds] {
            assert_eq!(html.matches(&format!("message {round} x")).count(), 1, "message {round}");
        }
        (html.len(), place.trace(SESSION).len())
    };
    let ((small, _), (large, trace)) = (of(250), of(500));
    assert!(large < small * 2 + 1000, "{small} bytes of 1,000 events, {large} of 2,000");
    assert!(large < trace / 10, "{large} bytes of a trace of {trace}");
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let long = "0123456789abcde\n".repeat(40_000);
    let events = [
        turn_start("x"),
        call("a", "shell", &json!({"command": "seq"})),
        result("a", "shell", true, &long),
        turn_end(""),
    ];
    let place = holding(&events);
    let html = page(&place, SESSION);
    check_inert(&html);
    assert!(html.contains("The first 262,144 of 640,000 bytes"), "{}", html.len());
    assert!(html.len() < 300_000, "{}", html.len());
}

#[test]
fn a_body_that_lies_in_a_blob_is_shown() {
    let (known, lost) = ("00ab", "00ac");
    let named = |number: u32, blob: &str| {
        let about = 1200;
        json!({"type": "model_request", "request": number, "tokens_estimate": about, "blob": blob})
    };
    let place = holding(&[turn_start("x"), named(1, known), response(1, "a"), named(2, lost), named(3, "../../x")]);
    let blobs = folder(&place, SESSION).join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::write(blobs.join(known), "{\"system\":\"You are <Claw>\"}").unwrap();
    let document = check_inert(&page(&place, SESSION));
    assert_eq!(document.select(".body .fields pre").text().as_ref(), "\"You are <Claw>\"");
    assert_eq!(document.select(".body .note").length(), 2, "what can not be read is told");
    assert!(document.text().contains("no answer") && document.text().contains("unfinished"));
}

#[test]
fn a_subagent_stands_in_the_call_that_asked_for_it_and_once() {
    let mut asked = result("a", "task", true, "Three callers.");
    asked["subagent"] = json!({"session": CHILD, "status": "done", "steps": 1,
                               "usage": {"input": 10, "output": 5, "cached": 0}, "tokens": 15});
    let mut itself = asked.clone();
    itself["subagent"]["session"] = json!(SESSION);
    let start = call("a", "task", &json!({"description": "find callers", "prompt": "Find all callers"}));
    let place = holding(&[turn_start("Rename it"), start, asked.clone(), asked.clone(), itself, turn_end("Done.")]);
    // One that names a subagent of its own does not go on for ever.
    keep(&place, CHILD, &[turn_start("Find all callers"), asked, turn_end("Three of them.")]);
    let html = page(&place, SESSION);
    let document = Document::from(html.as_str());
    assert_eq!(html.matches("Three of them.").count(), 1);
    let nested = document.select(".subagent .turn");
    assert_eq!(nested.length(), 1);
    assert!(nested.text().contains("Find all callers"), "{}", nested.text());
    assert_eq!(document.select("[id]").iter().filter(|node| node.attr("id").as_deref() == Some("turn-1")).count(), 1);
    assert_eq!(document.select("main > .turn").length(), 1);
}

#[test]
fn r02_a_trace_without_a_head_or_without_anything_is_still_a_page() {
    let place = holding(&[response(1, "Who asked?")]);
    let document = check_inert(&page(&place, SESSION));
    assert!(document.text().contains("Who asked?") && document.select("h1").text().as_ref() == SESSION);
    let place = holding(&[]);
    assert!(page(&place, SESSION).contains("No event of it can be read."));
}

#[test]
fn r10_a_page_of_an_edited_trace_says_so() {
    let place = Place::new(&[]);
    place.run(&[says("Hello.")], &["Say hello"]).exits(0);
    assert_eq!(Document::from(page(&place, "last")).select(".warning").length(), 0);
    let path = folder(&place, &place.session()).join("trace.jsonl");
    let edited = fs::read_to_string(&path).unwrap().replace("Hello.", "Good night.");
    fs::write(&path, edited).unwrap();
    let ran = place.output(&["trace", "last", "--html", "-"]).exits(0);
    let warning = Document::from(ran.stdout.as_str()).select(".warning").text().to_string();
    assert!(warning.starts_with("this trace was edited"), "{warning}");
    assert!(ran.stderr.contains(&warning), "{}", ran.stderr);
}

#[test]
fn a_file_is_replaced_whole_and_nothing_else_is() {
    let place = holding(&[turn_start("x"), turn_end("Done.")]);
    let home = place.home();
    let to = |name: &str| place.output(&["trace", "last", "--html", home.join(name).to_str().unwrap()]);
    let names = || {
        let mut names: Vec<_> = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let ran = to("page.html").exits(0);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr, format!("wrote {}\n", home.join("page.html").display()));
    let whole = fs::read_to_string(home.join("page.html")).unwrap();
    assert_eq!(whole, page(&place, "last"));
    fs::write(home.join("page.html"), "another").unwrap();
    to("page.html").exits(0);
    assert_eq!(fs::read_to_string(home.join("page.html")).unwrap(), whole);

    let before = {
        fs::create_dir(home.join("folder")).unwrap();
        fs::write(home.join("theirs"), "theirs").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.join("theirs"), home.join("link")).unwrap();
        names()
    };
    for name in ["folder", "link", "none/page.html", "theirs/page.html"] {
        let ran = to(name).exits(2);
        assert!(ran.stderr.contains("can not be written") && ran.stderr.contains("`-`"), "{name}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
    assert_eq!((names(), fs::read_to_string(home.join("theirs")).unwrap()), (before, "theirs".to_owned()));
    place.output(&["trace", "last", "--html", "x", "--json"]).exits(2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(home.join("page.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "a session may hold source code");
    }
}
