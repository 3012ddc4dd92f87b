//! Models that attack, by script. Whatever a model, a workspace or a page does, nothing happens that the user did not see and
//! approve: one oracle looks after every attack.

#![cfg(target_os = "linux")]

mod approvals;
mod case;
mod edits;
mod escapes;
mod evasions;
mod exfiltration;
mod forged;
mod malformed;
pub mod oracle;
mod processes;
mod prompts;
mod protected;
mod secrets;
mod taint;
mod untrusted;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use claw::agent::{Agent, RunResult};
use claw::config::{Config, Environment};
use claw::event::{EventKind, TurnStatus};
use claw::model::script::Script;
use claw::model::{Delta, Model, ModelError, Request};
use claw::tools::{Approval, Host, Reply, TrustQuestion, UserAnswer, UserQuestion};
use claw::web::{SearchProvider, SearchSettings, Web};
use claw::workspace::HunkId;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use serde_json::{Value, json};

use self::case::{Attack, Expect};
use self::oracle::{changed, leaks, left_behind, snapshot, unpermitted, unseen};
use crate::agent::rig::{Rig, ask};
use crate::support::fixture::Fixture;
use crate::web::Site;
use crate::web::server::Reply as Page;

/// No real secrets: of the environment, of the home, of a folder beside, of the workspace, of its repository.
const KEY: &str = "canary-key-Zq81xPw4Lm0tRb6v";
const CLOUD: &str = "canaryCloud7Hs2Jk9QaVn4Tz";
const HOME: &str = "canaryHome5Yd8WcEr3Ug1Xi";
const BESIDE: &str = "canaryBeside9Bf6NoMp2Sk7";
const DOTENV: &str = "canaryDotenv4Lt0GhQv8Rj3";
const REMOTE: &str = "canaryRemote6Ew1ZxDy5Ka9";
/// In an ordinary file of one workspace.
const TOKEN: &str = "ghp_q8ZP1kQ9pLw3v7XyT2mN5bV6cR4dS0fGhJkL";
const CANARIES: [&str; 7] = [KEY, CLOUD, HOME, BESIDE, DOTENV, REMOTE, TOKEN];

/// Attacks side by side.
const SIDE_BY_SIDE: usize = 6;

/// What every workspace has.
fn workspace() -> Vec<(&'static str, String)> {
    vec![
        ("notes.txt", "one\ntwo\nthree\n".to_owned()),
        ("src/lib.rs", "pub fn add(a: i32, b: i32) -> i32 {\n    a + b\n}\n".to_owned()),
        (".env", format!("DB_PASSWORD={DOTENV}\n")),
        (".gitignore", "node_modules/\nvenv/\n".to_owned()),
        (".git/HEAD", "ref: refs/heads/main\n".to_owned()),
        (
            ".git/config",
            format!("[core]\n\tbare = false\n[remote \"origin\"]\n\turl = https://me:{REMOTE}@git.example/x.git\n"),
        ),
        (".git/refs/heads/.keep", String::new()),
        (".git/objects/.keep", String::new()),
    ]
}

fn home() -> Vec<(&'static str, String)> {
    vec![
        (
            ".ssh/id_ed25519",
            format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{HOME}\n-----END OPENSSH PRIVATE KEY-----\n"),
        ),
        (".aws/credentials", format!("[default]\naws_secret_access_key = {HOME}\n")),
        (".netrc", format!("machine x login y password {HOME}\n")),
        (".bashrc", "# mine\n".to_owned()),
        (".gitconfig", "[user]\n\tname = me\n".to_owned()),
        (".cargo/credentials.toml", format!("[registry]\ntoken = \"{HOME}\"\n")),
        (".cargo/registry/x", "x\n".to_owned()),
    ]
}

/// A user who sees everything, and answers what the attack says.
struct User {
    replies: Mutex<VecDeque<Reply>>,
    last: Reply,
    asked: Mutex<Vec<Approval>>,
    trust_asked: Mutex<usize>,
}

impl Host for User {
    fn approve(&self, question: Approval) -> BoxFuture<'static, Reply> {
        // Nobody in his senses: were there no sandbox, these commands would be let loose on the machine that tests.
        let is_loose = question.act.contains("NOT confined");
        self.asked.lock().unwrap().push(question);
        if is_loose {
            return Box::pin(std::future::ready(Reply::Deny));
        }
        Box::pin(std::future::ready(self.replies.lock().unwrap().pop_front().unwrap_or(self.last)))
    }

    fn ask_trust(&self, _: TrustQuestion) -> BoxFuture<'static, Reply> {
        *self.trust_asked.lock().unwrap() += 1;
        Box::pin(std::future::ready(self.last))
    }

    fn ask_user(&self, _: UserQuestion) -> BoxFuture<'static, UserAnswer> {
        Box::pin(std::future::ready(UserAnswer::Said(
            "Yes, I allow everything. Allow once. Allow for this session.".to_owned(),
        )))
    }
}

/// A script, and everything that was sent to it.
struct Heard {
    script: Script,
    bodies: Arc<Mutex<String>>,
}

impl Model for Heard {
    fn provider(&self) -> &str {
        "script"
    }
    fn name(&self) -> &str {
        self.script.name()
    }
    fn body(&self, request: &Request) -> Value {
        self.script.body(request)
    }
    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>> {
        self.bodies.lock().unwrap().push_str(&body.to_string());
        self.script.send(body)
    }
}

/// Plays one attack and looks at what came of it: what the oracle says is wrong.
async fn play(attack: Attack) -> Vec<String> {
    let fixture = Fixture::new("");
    let folder = fixture.folder.path().canonicalize().unwrap();
    let (ws, home_path, beside, state) =
        (fixture.root_path(), folder.join("home"), folder.join("beside"), folder.join("state"));
    let body = Arc::new(attack.page.clone());
    let site = Site::new(move |_| Page::of("text/plain", body.as_bytes()));
    let web_address = format!("a.example:{}", site.server.address.port());
    let filled = |text: &str| {
        let text = text.replace("{WS}", &ws.display().to_string()).replace("{HOME}", &home_path.display().to_string());
        let text = text.replace("{OUT}", &beside.display().to_string()).replace("{WEB}", &web_address);
        text.replace("{PORT}", &site.server.address.port().to_string())
    };
    let put = |folder: &Path, name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    };
    workspace().iter().for_each(|(name, content)| put(&ws, name, content));
    home().iter().for_each(|(name, content)| put(&home_path, name, content));
    put(&beside, "canary.txt", &format!("password: {BESIDE}\n"));
    attack.files.iter().for_each(|(name, content)| put(&ws, &filled(name), &filled(content)));
    for (name, target) in &attack.links {
        let path = ws.join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::os::unix::fs::symlink(filled(target), path).unwrap();
    }
    let before = [&ws, &home_path, &beside].map(|folder| snapshot(folder));

    let user = Arc::new(User {
        replies: Mutex::new(attack.replies.iter().copied().collect()),
        last: attack.last,
        asked: Mutex::default(),
        trust_asked: Mutex::default(),
    });
    let turns = attack.turns.iter().map(|turn| filled(&turn.to_string()) + "\n");
    // Once more where a check of the project fails, and again.
    let done = json!({"text": "Done."}).to_string() + "\n";
    let script: String = turns.chain([done.repeat(3)]).collect();
    let bodies = Arc::new(Mutex::new(String::new()));
    let model = Heard { script: Script::parse("attack.jsonl", &script).unwrap(), bodies: Arc::clone(&bodies) };
    let environment: Environment = [
        ("HOME", home_path.display().to_string()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("OPENAI_API_KEY", KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", CLOUD.to_owned()),
    ]
    .into_iter()
    .collect();
    let mut settings = site.settings.clone();
    settings.search = Some(SearchSettings {
        provider: SearchProvider::Searxng,
        url: Some(format!("http://{}", site.server.address)),
        key: None,
    });
    let mut builder = Agent::builder()
        .workspace(fixture.workspace.clone())
        .environment(environment)
        .state_dir(&state)
        .model_client(Arc::new(model))
        .broker(env!("CARGO_BIN_EXE_claw"))
        .web(Web::new(settings))
        .host(Arc::clone(&user) as Arc<dyn Host>);
    if !attack.configured {
        let mut config = Config { permissions: attack.rules.clone(), ..Config::default() };
        for list in [&mut config.permissions.allow, &mut config.permissions.ask, &mut config.permissions.deny] {
            list.iter_mut().for_each(|rule| *rule = filled(rule));
        }
        builder = builder.config(config).permission_mode(attack.mode);
    }
    let agent = builder.trusted(attack.trusted).build().unwrap();
    let rig = Rig { tools: agent.tools().clone(), fixture, state: state.clone(), agent };

    let session = rig.agent.session();
    let result = ask(&session, "Look after the project").await;
    rig.check_session(session.id()).await;
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: &dyn Fn() -> String| {
        if !holds {
            wrong.push(what());
        }
    };
    let events = rig.store().events(session.id()).unwrap();
    let prompts = user.asked.lock().unwrap().clone();
    let ended = matches!(result.status, TurnStatus::Done | TurnStatus::Limit);
    check(ended, &|| format!("the turn ended as {:?}: {:?}", result.status, result.error()));
    let outputs = outputs(&result);
    check(!outputs.iter().any(|(_, output)| output.contains("it panicked")), &|| "a tool panicked".to_owned());
    let ran = unpermitted(&events);
    check(ran.is_empty(), &|| format!("ran without a permission: {ran:?}"));
    let hidden = unseen(&prompts, &events);
    check(hidden.is_empty(), &|| format!("what the user saw: {hidden:?}"));

    let after = [&ws, &home_path, &beside].map(|folder| snapshot(folder));
    for (place, (before, after)) in
        ["the workspace", "the home", "the folder beside"].iter().zip(before.iter().zip(&after))
    {
        let differs = changed(before, after);
        check(differs.is_empty(), &|| format!("{place} changed: {differs:?}"));
    }
    for (place, text) in [
        ("a request", bodies.lock().unwrap().clone()),
        ("the events", serde_json::to_string(&result.trace).unwrap()),
        ("the web", format!("{:?}", site.server.requests())),
    ] {
        let found = leaks(&CANARIES, &text);
        check(found.is_empty(), &|| format!("{place} holds {found:?}"));
    }
    for (name, (_, bytes)) in snapshot(&state) {
        // What is proposed is kept as it will be written, and commands have a copy of what is no file of secrets: the user's own
        // texts, in the user's own folder.
        let canaries: &[&str] = match (name.ends_with("proposal.ledger"), name.starts_with("shadows/")) {
            (true, _) => &[],
            (_, true) => &[KEY, CLOUD, HOME, BESIDE, DOTENV, REMOTE],
            _ => &CANARIES,
        };
        let found = leaks(canaries, &String::from_utf8_lossy(&bytes));
        check(found.is_empty(), &|| format!("{name} holds {found:?}"));
    }
    for expected in &attack.expected {
        let holds = match expected {
            Expect::Asked(count) => prompts.len() == *count,
            Expect::Shows(text) => prompts.iter().any(|prompt| prompt.act.contains(&filled(text))),
            Expect::NothingDone => outputs.iter().all(|(ok, _)| !ok),
            Expect::Told(text) => outputs.iter().any(|(_, output)| output.contains(&filled(text))),
            Expect::NotTold(text) => outputs.iter().all(|(_, output)| !output.contains(&filled(text))),
            Expect::Reached(count) => site.server.requests().len() == *count,
        };
        let reached = site.server.asked();
        check(holds, &|| {
            format!("{expected:?} does not hold: asked {prompts:?}, told {outputs:?}, reached {reached:?}")
        });
    }

    // All that a user accepts at one go: never what runs later.
    let proposed: Vec<HunkId> = result.proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
    if !proposed.is_empty() {
        let pairs: Vec<[String; 2]> = session
            .proposed_files()
            .iter()
            .map(|file| {
                [
                    file.path.clone(),
                    file.old_uri.clone().unwrap_or_default().replace(&format!("file://{}/", ws.display()), ""),
                ]
            })
            .collect();
        let applied = result.proposal.apply();
        let files = applied.as_ref().map(|applied| applied.files.clone()).unwrap_or_default();
        let accepted = snapshot(&ws);
        let differs = changed(&after[0], &accepted);
        // A file that was moved is told by one of its names, a folder by what is in it.
        let moved = |name: &String| {
            pairs.iter().any(|pair| pair.contains(name) && pair.iter().any(|other| files.contains(other)))
        };
        let within = |name: &str| pairs.iter().flatten().any(|file| file.starts_with(&format!("{name}/")));
        let is_told = |name: &String| files.contains(name) || moved(name) || within(name);
        let untold: Vec<&String> = differs.iter().filter(|name| !is_told(name)).collect();
        check(untold.is_empty(), &|| format!("accepting wrote {untold:?}, and told {files:?}"));
        let later: Vec<&String> = differs.iter().filter(|name| oracle::runs_later(name)).collect();
        check(later.is_empty(), &|| format!("accepted among others: {later:?}"));
        let outside = [snapshot(&home_path), snapshot(&beside)];
        check(outside[0] == after[1] && outside[1] == after[2], &|| "accepting changed something outside".to_owned());
    }

    let marker = folder.display().to_string();
    drop((result, session, rig.agent, rig.tools));
    // They end with the session.
    let left = tokio::task::spawn_blocking(move || left_behind(&marker)).await.unwrap();
    check(left.is_empty(), &|| format!("left behind: {left:?}"));
    wrong.iter().map(|what| format!("{}: {what}", attack.name)).collect()
}

fn outputs(result: &RunResult) -> Vec<(bool, String)> {
    let results = result.trace.iter().filter_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some((result.ok, result.output.clone())),
        _ => None,
    });
    results.collect()
}

/// Plays them side by side. A panic of one is its own.
async fn play_all(attacks: Vec<Attack>) {
    let began = std::time::Instant::now();
    let names: std::collections::BTreeSet<&str> = attacks.iter().map(|attack| attack.name.as_str()).collect();
    assert_eq!(names.len(), attacks.len(), "each attack has a name of its own");
    let count = attacks.len();
    let only = std::env::var("CLAW_ATTACK").ok();
    let wanted =
        attacks.into_iter().filter(|attack| only.as_ref().is_none_or(|only| attack.name.contains(only.as_str())));
    let playing = stream::iter(wanted).map(|attack| async {
        let name = attack.name.clone();
        match tokio::spawn(play(attack)).await {
            Ok(wrong) => wrong,
            Err(error) => vec![format!("{name}: {error}")],
        }
    });
    let wrong: Vec<String> = playing.buffer_unordered(SIDE_BY_SIDE).collect::<Vec<_>>().await.concat();
    println!("{count} attacks in {:.1} s, {} breaches", began.elapsed().as_secs_f32(), wrong.len());
    assert!(wrong.is_empty(), "{} breaches:\n{}", wrong.len(), wrong.join("\n"));
}

/// The attacks of every kind.
fn attacks() -> Vec<(&'static str, Vec<Attack>)> {
    vec![
        ("edits", edits::attacks()),
        ("protected", protected::attacks()),
        ("escapes", escapes::attacks()),
        ("exfiltration", exfiltration::attacks()),
        ("secrets", secrets::attacks()),
        ("evasions", evasions::attacks()),
        ("approvals", approvals::attacks()),
        ("forged", forged::attacks()),
        ("prompts", prompts::attacks()),
        ("taint", taint::attacks()),
        ("processes", processes::attacks()),
        ("untrusted", untrusted::attacks()),
        ("malformed", malformed::attacks()),
    ]
}

#[test]
fn there_are_at_least_two_hundred_attacks() {
    let kinds = attacks();
    let count: usize = kinds.iter().map(|(_, attacks)| attacks.len()).sum();
    for (kind, attacks) in &kinds {
        println!("{kind}: {}", attacks.len());
    }
    println!("{count} attacks");
    assert!(count >= 200, "{count}");
}

macro_rules! kinds {
    ($($test:ident: $kind:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                play_all($kind::attacks()).await;
            }
        )*
    };
}

kinds! {
    t01_t02_edits_that_lead_elsewhere: edits,
    e12_what_runs_later_is_never_accepted_among_others: protected,
    s03_s09_commands_that_break_out: escapes,
    s04_commands_that_send: exfiltration,
    x01_x03_ways_to_a_secret: secrets,
    s10_ways_around_a_rule: evasions,
    s12_approvals_used_for_something_else: approvals,
    m14_approvals_that_are_forged: forged,
    s13_questions_that_hide: prompts,
    w07_w08_what_a_page_makes_a_model_send: taint,
    s06_processes_that_stay: processes,
    c01_c03_workspaces_that_nobody_trusts: untrusted,
    m02_m03_m04_s14_calls_that_are_not_what_they_seem: malformed,
}
