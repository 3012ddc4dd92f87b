//! Commands in a turn: on the proposed state, confined, their changes proposed.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use claw::agent::{Ask, RunResult};
use claw::config::PermissionMode;
use claw::event::{EventKind, TurnStatus};
use claw::tools::Reply;
use serde_json::{Value, json};

use super::permission::Answers;
use super::rig::{Rig, ask};

const PROJECT: &str = "\
//- /notes.txt
one
two
//- /src/lib.rs
pub fn one() -> u32 { 1 }
//- /.gitignore
out/
";

/// Where the broker is for whom this was started as.
const BROKER: &str = "CLAW_TEST_BROKER";

fn broker() -> PathBuf {
    std::env::var_os(BROKER).map_or_else(|| env!("CARGO_BIN_EXE_claw").into(), PathBuf::from)
}

/// A rig whose model makes these calls, one a step, and then says that it is done. Commands may run in it.
fn rig(mode: PermissionMode, user: Answers, calls: &[(&str, Value)]) -> Rig {
    let turns = calls.iter().enumerate().map(|(at, (tool, input))| {
        json!({"tools": [{"id": format!("c{at}"), "name": tool, "input": input}]}).to_string()
    });
    let script = [turns.collect::<Vec<_>>().join("\n"), json!({"text": "Done."}).to_string()].join("\n");
    Rig::with(PROJECT, &script, |builder| {
        builder.broker(broker()).trusted(true).permission_mode(mode).host(Arc::new(user))
    })
}

fn results(result: &RunResult) -> Vec<(bool, String)> {
    let results = result.trace.iter().filter_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some((result.ok, result.output.clone())),
        _ => None,
    });
    results.collect()
}

/// Runs calls in `auto`, where nobody needs to be asked, and gives their results.
async fn run(calls: &[(&str, Value)]) -> (Rig, RunResult, Vec<(bool, String)>) {
    let user = Answers::default();
    let rig = rig(PermissionMode::Auto, user.clone(), calls);
    let result = rig.run("Go").await;
    assert_eq!(*user.asked.lock().unwrap(), []);
    assert_eq!(result.status, TurnStatus::Done);
    rig.check_session(result.session.id()).await;
    let results = results(&result);
    (rig, result, results)
}

fn shell(command: &str) -> (&'static str, Value) {
    ("shell", json!({"command": command}))
}

#[tokio::test]
async fn t11_a_command_sees_what_is_proposed_and_the_workspace_stays_as_it_is() {
    let edit = ("edit_file", json!({"path": "notes.txt", "old_string": "two", "new_string": "2"}));
    let (rig, _, results) = run(&[edit, shell("cat notes.txt; pwd; touch made.txt")]).await;
    let root = rig.fixture.workspace.roots().iter().next().unwrap().path.clone();
    let (ok, output) = &results[1];
    assert!(ok);
    assert_eq!(*output, format!("one\n2\n{}\ncreated: `made.txt`", root.display()));
    assert_eq!(std::fs::read_to_string(root.join("notes.txt")).unwrap(), "one\ntwo\n");
    assert!(!root.join("made.txt").exists());
}

#[tokio::test]
async fn what_a_command_changes_is_proposed() {
    let (_rig, result, results) =
        run(&[shell("sed -i s/one/ONE/ notes.txt; rm src/lib.rs; mkdir -p out; echo x > out/log")]).await;
    assert_eq!(results, [(true, "(no output)\nchanged: `notes.txt`\ndeleted: `src/lib.rs`".to_owned())]);
    let diff = result.diff();
    assert!(diff.contains("-one\n+ONE\n") && diff.contains("src/lib.rs") && !diff.contains("out/log"), "{diff}");
}

#[tokio::test]
async fn how_a_command_ended_is_told() {
    let (_, _, results) = run(&[
        shell("echo to stdout; echo to stderr >&2; exit 3"),
        ("shell", json!({"command": "sleep 30", "timeout_s": 1})),
        shell("cat; cat /dev/tty"),
    ])
    .await;
    assert_eq!(results[0], (true, "to stdout\nto stderr\nexit code 3".to_owned()));
    assert!(results[1].1.contains("stopped after 1 s"), "{results:?}");
    assert!(results[2].1.contains("/dev/tty"), "s08: there is no terminal: {results:?}");
}

#[tokio::test]
async fn builds_stay_between_commands() {
    let (_, _, results) = run(&[shell("mkdir out; echo built > out/log"), shell("cat out/log")]).await;
    assert_eq!(results[1], (true, "built".to_owned()));
}

#[tokio::test]
async fn a_job_in_the_background_is_read_and_stopped() {
    let job = |input: Value| ("shell_job", input);
    let (_, _, results) = run(&[
        ("shell", json!({"command": "echo up; sleep 60", "background": true})),
        job(json!({"job": 1, "wait_s": 1})),
        job(json!({"job": 1, "stop": true})),
        job(json!({"job": 7})),
        ("shell", json!({"command": "echo short; echo made > made.txt", "background": true})),
        job(json!({"job": 2, "wait_s": 20})),
    ])
    .await;
    assert!(results[0].1.starts_with("started as job 1"), "{results:?}");
    assert_eq!(results[1].1, "up\nit is running");
    assert_eq!(results[2].1, "(nothing new)\nit was stopped");
    assert!(!results[3].0 && results[3].1.contains("there is no job 7"), "{results:?}");
    assert_eq!(results[5].1, "short\nit has ended, with success\ncreated: `made.txt`");
}

#[tokio::test]
async fn a_cancelled_turn_ends_its_command() {
    let rig = rig(PermissionMode::Auto, Answers::default(), &[shell("echo begun; sleep 60; echo late > late.txt")]);
    let session = rig.agent.session();
    let mut turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    while let Some(event) = turn.next().await {
        if matches!(&event.kind, EventKind::ToolOutput(part) if part.delta.contains("begun")) {
            break;
        }
    }
    let began = Instant::now();
    assert!(session.cancel());
    assert_eq!(turn.finish().await.status, TurnStatus::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(ask(&session, "And now?").await.status, TurnStatus::Done);
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn in_ask_mode_each_command_is_asked_and_shown() {
    let user = Answers::new(&[Reply::Once, Reply::Deny]);
    let rig = rig(PermissionMode::Ask, user.clone(), &[shell("cat notes.txt"), shell("rm notes.txt")]);
    let result = rig.run("Go").await;
    let results = results(&result);
    assert_eq!(results[0], (true, "one\ntwo".to_owned()));
    assert!(!results[1].0 && results[1].1.starts_with("not run: the user said no"), "{results:?}");
    let asked = user.asked.lock().unwrap().clone();
    assert!(asked[0].act.contains("cat notes.txt") && asked[1].act.contains("rm notes.txt"), "{asked:?}");
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn in_a_workspace_that_is_not_trusted_no_command_runs() {
    let calls = [shell("echo ran")];
    let turns = json!({"tools": [{"id": "a", "name": "shell", "input": calls[0].1}]}).to_string();
    let script = [turns, json!({"text": "Done."}).to_string()].join("\n");
    let rig = Rig::with(PROJECT, &script, |builder| builder.broker(broker()).permission_mode(PermissionMode::Auto));
    let result = rig.run("Go").await;
    let results = results(&result);
    assert!(!results[0].0 && results[0].1.contains("not trusted"), "{results:?}");
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn s01_without_a_sandbox_each_command_is_asked_whatever_the_mode() {
    let user = Answers::new(&[Reply::Deny]);
    let turns = json!({"tools": [{"id": "a", "name": "shell", "input": {"command": "echo ran"}}]}).to_string();
    let script = [turns, json!({"text": "Done."}).to_string()].join("\n");
    let rig = Rig::with(PROJECT, &script, |builder| {
        builder.broker("/nowhere/claw").trusted(true).permission_mode(PermissionMode::Auto).host(Arc::new(user.clone()))
    });
    let result = rig.run("Go").await;
    assert!(!results(&result)[0].0);
    let asked = user.asked.lock().unwrap();
    assert!(asked.len() == 1 && asked[0].why.contains("nothing confines"), "{asked:?}");
}

/// Years pass, forth and back, between any two looks at the clock.
#[tokio::test]
async fn s16_a_clock_that_jumps_ends_nothing() {
    #[derive(Default)]
    struct Jumping(claw::agent::clock::SystemClock, std::sync::atomic::AtomicU32);
    impl claw::agent::clock::Clock for Jumping {
        fn now(&self) -> String {
            let number = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            format!("{}-01-01T00:00:00.000Z", if number.is_multiple_of(2) { 2099 } else { 1971 })
        }
        fn monotonic(&self) -> Duration {
            self.0.monotonic()
        }
        fn new_id(&self) -> String {
            self.0.new_id()
        }
    }
    let call = json!({"command": "sleep 0.3; echo whole", "timeout_s": 5});
    let turns = json!({"tools": [{"id": "a", "name": "shell", "input": call}]}).to_string();
    let script = [turns, json!({"text": "Done."}).to_string()].join("\n");
    let rig = Rig::with(PROJECT, &script, |builder| {
        let builder = builder.broker(env!("CARGO_BIN_EXE_claw")).trusted(true).permission_mode(PermissionMode::Auto);
        builder.clock(Arc::new(Jumping::default()))
    });
    let began = Instant::now();
    let result = rig.run("Go").await;
    assert_eq!((result.status, results(&result)), (TurnStatus::Done, vec![(true, "whole".to_owned())]));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn c07_each_folder_must_be_trusted_and_still_be_the_one() {
    let turns = json!({"tools": [{"id": "a", "name": "shell", "input": {"command": "echo ran"}}]}).to_string();
    let script = [turns, json!({"text": "Done."}).to_string()].join("\n");
    let rig = Rig::with(PROJECT, &script, |builder| {
        builder.broker(env!("CARGO_BIN_EXE_claw")).permission_mode(PermissionMode::Auto)
    });
    let trust = claw::store::Trust::new(&rig.state);
    let (root, other) = (rig.fixture.root_path(), rig.fixture.root_path().with_file_name("other"));
    std::fs::create_dir(&other).unwrap();
    let add = |folder: &std::path::Path| {
        rig.fixture.workspace.with_roots(|roots| {
            roots.add(folder).unwrap();
        })
    };
    let runs = async || {
        let (ok, output) = results(&rig.run("Go").await)[0].clone();
        assert!(ok || output.contains("not trusted"), "{output}");
        ok
    };
    assert!(!runs().await, "nobody trusts it");
    trust.trust(&root).unwrap();
    assert!(runs().await);
    add(&other);
    assert!(!runs().await, "the other folder is not trusted");
    trust.trust(&other).unwrap();
    assert!(runs().await);
    std::fs::rename(&other, other.with_file_name("away")).unwrap();
    std::fs::create_dir(&other).unwrap();
    assert!(!runs().await, "another folder has its name");
    std::fs::remove_dir(&other).unwrap();
    std::fs::rename(other.with_file_name("away"), &other).unwrap();
    assert!(runs().await);
    add(&root.join("src"));
    assert!(!runs().await, "a folder within a trusted one is one of its own");
}

#[tokio::test]
async fn what_commands_do_not_see_is_told_once_when_one_fails() {
    let fixture = format!("{PROJECT}//- /id_ed25519\na key\n");
    let calls = ["true", "cat id_ed25519", "cat id_ed25519"].map(shell);
    let turns = calls.iter().map(|(tool, input)| json!({"tools": [{"name": tool, "input": input}]}).to_string());
    let script = [turns.collect::<Vec<_>>().join("\n"), json!({"text": "Done."}).to_string()].join("\n");
    let rig = Rig::with(&fixture, &script, |builder| {
        builder.broker(env!("CARGO_BIN_EXE_claw")).trusted(true).permission_mode(PermissionMode::Auto)
    });
    let result = rig.run("Go").await;
    let told: Vec<bool> =
        results(&result).iter().map(|(_, output)| output.contains("left out of the copy: id_ed25519 (")).collect();
    assert_eq!(told, [false, true, false], "{:?}", results(&result));
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn in_a_worktree_the_repository_that_it_belongs_to_is_read() {
    let rig = rig(PermissionMode::Auto, Answers::default(), &[shell("git log --format=%s")]);
    let (root, main) = (rig.fixture.root_path(), rig.fixture.folder.path().canonicalize().unwrap().join("main"));
    let git = |arguments: &[&str]| {
        let settings = ["-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=main"];
        assert!(Command::new("git").args(settings).args(arguments).status().unwrap().success(), "{arguments:?}");
    };
    let name = main.to_str().unwrap();
    git(&["init", "-q", name]);
    git(&["-C", name, "commit", "-q", "--allow-empty", "-m", "the first"]);
    let own = main.join(".git/worktrees/tree");
    std::fs::create_dir_all(&own).unwrap();
    for (path, text) in [
        (root.join(".git"), format!("gitdir: {}\n", own.display())),
        (own.join("gitdir"), format!("{}\n", root.join(".git").display())),
        (own.join("commondir"), "../..\n".to_owned()),
        (own.join("HEAD"), "ref: refs/heads/main\n".to_owned()),
    ] {
        std::fs::write(path, text).unwrap();
    }
    let result = rig.run("Go").await;
    assert_eq!(results(&result), [(true, "the first".to_owned())]);
}

/// Root may do what others may not: all of the above once more as nobody. Where the tests are not root's they have been that.
#[test]
fn all_of_it_goes_as_nobody_too() {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    // The folders that these were built in may be closed to others.
    let copy = |from: &Path, name: &str| {
        let to = top.join(name);
        if std::fs::hard_link(from, &to).is_err() {
            std::fs::copy(from, &to).unwrap();
        }
        to
    };
    let tests = copy(&std::env::current_exe().unwrap(), "tests");
    let broker = copy(Path::new(env!("CARGO_BIN_EXE_claw")), "claw");
    let temporary = top.join("tmp");
    std::fs::create_dir(&temporary).unwrap();
    chown(&temporary, Some(NOBODY), Some(NOBODY)).unwrap();
    std::fs::set_permissions(top, PermissionsExt::from_mode(0o755)).unwrap();
    let id = NOBODY.to_string();
    let ran = Command::new("setpriv")
        .args(["--reuid", &id, "--regid", &id, "--clear-groups"])
        .arg(tests)
        .args(["agent::shell::", "--test-threads", "2"])
        .current_dir("/")
        .env(BROKER, broker)
        .env("TMPDIR", &temporary)
        .env("HOME", &temporary)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let passed = said.rsplit("test result: ok. ").next().and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(
        ran.status.success() && passed.is_some_and(|passed| passed >= 10),
        "{said}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
