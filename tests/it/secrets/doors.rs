//! The doors: what a model reads, and what is written of it, holds no secret; what the user reviews is the true text.

use claw::agent::Ask;
use claw::config::Environment;
use claw::context::Focus;
use claw::workspace::DocPath;
use serde_json::json;

use crate::agent::rig::Rig;
use crate::support::mock_model::{Answer, MockModel};

/// No real secrets.
const PASSWORD: &str = "correct-horse-battery";
const TOKEN: &str = "ghp_q8ZP1kQ9pLw3v7XyT2mN5bV6cR4dS0fGhJkL";
const KEY_LINE: &str = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz";
const REMOTE: &str = "hUnt3r-two-remote";
const CANARIES: [&str; 4] = [PASSWORD, TOKEN, KEY_LINE, REMOTE];

const PROJECT: &str = "\
//- /.ignore
!.env
//- /AGENTS.md
Push to https://me:hUnt3r-two-remote@example.org/x.git only.
//- /.env
# the database
DB_PASSWORD=correct-horse-battery
//- /.npmrc
//registry.example.org/:_authToken=correct-horse-battery
//- /keys/id_rsa
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz
-----END OPENSSH PRIVATE KEY-----
//- /src/lib.rs
pub const TOKEN: &str = \"ghp_q8ZP1kQ9pLw3v7XyT2mN5bV6cR4dS0fGhJkL\";
pub fn shown() -> u32 {
    1
}
//- /.env.local buffer
DB_PASSWORD=correct-horse-battery
$0
";

fn rig(server: &MockModel) -> Rig {
    Rig::bare(PROJECT, |builder| {
        let environment = [("OPENAI_API_KEY", "canary-key-abcdefghijklmnop")].into_iter().collect::<Environment>();
        builder.provider("openai").model("mock").base_url(&server.base_url()).environment(environment)
    })
}

/// A secret in the ways in which it gets written down.
fn forms(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = secret
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c.to_string()
            } else {
                format!("%{:02X}", u32::from(c))
            }
        })
        .collect();
    vec![secret.to_owned(), hex.to_uppercase(), hex, url, base64(secret)]
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let bits = bytes.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift & 63) as usize]))
    };
    text.as_bytes().chunks_exact(3).flat_map(group).collect()
}

#[track_caller]
fn holds_none(where_to: &str, text: &str) {
    for canary in CANARIES {
        for form in forms(canary) {
            assert!(!text.contains(&form), "{where_to} holds {form}: {text}");
        }
    }
}

/// Runs `answers` on the project and looks at everything that leaves or is kept. Gives the requests and the overlay's text at `path`.
async fn run(answers: Vec<Answer>, path: &str) -> (String, Option<String>) {
    let server = MockModel::start(answers);
    let rig = rig(&server);
    let (focus, range) = rig.fixture.cursor();
    let ask = Ask {
        instruction: "Do it".to_owned(),
        focus: Some(Focus { path: focus, range: 0..range.end }),
        diagnostics: vec![format!(".env.local:1: warning: `{PASSWORD}` is weak")],
        ..Ask::default()
    };
    holds_none("the preview", &claw::context::render(&rig.agent.preview(&ask)));
    let session = rig.agent.session();
    let result = session.start(ask).unwrap().finish().await;
    let requests: String =
        server.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    holds_none("a request", &requests);
    holds_none("the trace", &rig.trace(session.id()));
    holds_none("the events", &serde_json::to_string(&result.trace).unwrap());
    rig.check_session(session.id()).await;
    let doc: DocPath = rig.fixture.doc(path);
    let proposed = session.overlay().get(&doc).and_then(|file| file.current.as_ref().map(ToString::to_string));
    (requests, proposed)
}

#[tokio::test]
async fn x03_t08_names_are_shown_and_values_masked_by_every_tool() {
    let read = |path: &str| ("read_file", json!({"path": path}));
    let answers = vec![
        Answer::calls(&[read(".env"), read(".npmrc"), read("keys/id_rsa"), read("src/lib.rs"), read(".env.local")]),
        Answer::calls(&[
            ("search", json!({"pattern": "PASSWORD|TOKEN|b3Bl|https"})),
            ("search", json!({"pattern": "=correct"})),
            ("symbols", json!({})),
            ("list_files", json!({})),
            ("read_file", json!({"path": "keys/id_rsa", "offset": 3})),
        ]),
        Answer::text("Done."),
    ];
    let (requests, _) = run(answers, ".env").await;
    for shown in [
        "DB_PASSWORD=[secret: value]",
        "//registry.example.org/:_authToken=[secret: value]",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "[secret: GitHub token]",
        "https://me:[secret: password in a URL]@example.org/x.git",
        "holds secrets: names are shown, values are masked",
        "1 value that looks like a secret is masked",
        "# the database",
        // Who could search for a part of a value would learn it.
        "no line matches",
        ".env\\n",
    ] {
        assert!(requests.contains(shown), "{shown} is not in {requests}");
    }
}

#[tokio::test]
async fn x01_edits_near_a_secret_are_the_true_text() {
    let edit =
        |old: &str, new: &str| ("edit_file", json!({"path": "src/lib.rs", "old_string": old, "new_string": new}));
    let answers = vec![
        Answer::calls(&[("read_file", json!({"path": "src/lib.rs"}))]),
        Answer::calls(&[edit("\";\npub fn shown() -> u32 {\n    1", "\";\npub fn shown() -> u32 {\n    2")]),
        Answer::text("Done."),
    ];
    let (_, proposed) = run(answers, "src/lib.rs").await;
    let expected = format!("pub const TOKEN: &str = \"{TOKEN}\";\npub fn shown() -> u32 {{\n    2\n}}\n");
    assert_eq!(proposed, Some(expected));
}

#[tokio::test]
async fn x01_a_mask_is_not_taken_for_the_text() {
    let edit =
        |old: &str, new: &str| ("edit_file", json!({"path": "src/lib.rs", "old_string": old, "new_string": new}));
    let answers = vec![
        Answer::calls(&[("read_file", json!({"path": "src/lib.rs"}))]),
        Answer::calls(&[edit("TOKEN: &str = \"[secret: GitHub token]\"", "TOKEN: &str = \"x\"")]),
        Answer::calls(&[edit("    1", "    \"[secret: GitHub token]\"")]),
        Answer::calls(&[(
            "write_file",
            json!({"path": "src/lib.rs", "content": "const T: &str = \"[secret: GitHub token]\";\n"}),
        )]),
        // The start of a secret, guessed right, is answered like one guessed wrong.
        Answer::calls(&[edit("\"ghp_q8ZP", "\"x")]),
        Answer::calls(&[edit("\"ghp_q8ZQ", "\"x")]),
        Answer::calls(&[("move_file", json!({"from": ".env", "to": "notes.txt"}))]),
        Answer::text("Done."),
    ];
    let (requests, proposed) = run(answers, "src/lib.rs").await;
    assert_eq!(proposed, None);
    for told in [
        "the text you copied holds a masked value: use a shorter old_string without it",
        "would write the mask into the file",
        "is no name for such a file",
    ] {
        assert!(requests.contains(told), "{told} is not in {requests}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn x03_t08_a_link_and_a_proposed_file_are_no_way_around() {
    let server = MockModel::start([
        Answer::calls(&[
            ("read_file", json!({"path": "notes.txt"})),
            ("search", json!({"pattern": "PASS", "path": "notes.txt"})),
        ]),
        Answer::calls(&[("move_file", json!({"from": "notes.txt", "to": "other.txt"}))]),
        Answer::text("Done."),
    ]);
    let rig = rig(&server);
    std::os::unix::fs::symlink(".env", rig.fixture.root_path().join("notes.txt")).unwrap();
    let result = rig.run("Do it").await;
    let requests: String =
        server.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    holds_none("a request", &requests);
    holds_none("the trace", &rig.trace(result.session.id()));
    assert!(requests.contains("DB_PASSWORD=[secret: value]"), "{requests}");
    rig.check_session(result.session.id()).await;
}

/// What a model writes itself is written as it is, while history and trace hold the mark.
#[tokio::test]
async fn x01_a_key_that_the_model_writes_is_proposed_to_the_byte() {
    let text = format!("const KEY: &str = \"{TOKEN}\";\n");
    let answers = vec![
        Answer::calls(&[("write_file", json!({"path": "src/new.rs", "content": text}))]),
        Answer::calls(&[("read_file", json!({"path": "src/new.rs"}))]),
        Answer::text(&format!("I wrote {TOKEN}.")),
    ];
    let (_, proposed) = run(answers, "src/new.rs").await;
    assert_eq!(proposed, Some(text));
}

/// Keys are in the memory of the process: no other process of the user reads it, and no core holds it.
#[cfg(target_os = "linux")]
#[test]
fn x04_the_memory_of_the_server_is_its_own() {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("claw");
    fs::copy(env!("CARGO_BIN_EXE_claw"), &program).unwrap();
    let state = folder.path().join("state");
    fs::create_dir(&state).unwrap();
    for (path, mode) in [(folder.path(), 0o755), (&program, 0o755), (&state, 0o777)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut command = Command::new(&program);
    command.arg("lsp").env("CLAW_STATE_DIR", &state).env("CLAW_LOG", "trace").current_dir(folder.path());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Whatever of its own root looks at is root's: the server runs as somebody else.
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    let mut server = command.spawn().unwrap();
    // The files of a process that can not be dumped are root's, whoever runs it.
    let environment = format!("/proc/{}/environ", server.id());
    let owner = || fs::metadata(&environment).map(|environ| environ.uid());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while owner().is_ok_and(|owner| owner != 0) && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // That it is not over yet.
    std::thread::sleep(std::time::Duration::from_millis(200));
    let (owner, running) = (owner(), server.try_wait().unwrap().is_none());
    let _ = server.kill();
    let _ = server.wait();
    assert_eq!((owner.unwrap(), running), (0, true), "the server can be dumped");
}
