//! What `context.exclude` keeps from the model.

use claw::agent::{Agent, Ask};
use claw::config::Config;
use claw::context::Focus;
use claw::event::EventKind;

use super::rig::Rig;

const PROJECT: &str = "\
//- /AGENTS.md
SECRET rules
//- /src/lib.rs
pub fn shown() {}
//- /src/hidden.rs
pub fn SECRET_outline() {}
//- /src/open_hidden.rs buffer
pub fn SECRET_buffer() { $0 }
//- /src/open.rs buffer
pub fn shown() {}
";

fn config(exclude: &[&str]) -> Config {
    let mut config = Config::default();
    config.context.exclude = exclude.iter().map(|glob| (*glob).to_owned()).collect();
    config
}

#[tokio::test]
async fn excluded_files_are_in_no_request() {
    let script = r#"
        {"tools": [{"name": "read_file", "input": {"path": "src/hidden.rs"}}, {"name": "search", "input": {"pattern": "pub fn"}}]}
        {"tools": [{"name": "symbols", "input": {}}, {"name": "list_files", "input": {}}]}
        {"text": "I can not see it."}
    "#;
    for (exclude, kept) in [(&["*hidden.rs", "AGENTS.md"][..], false), (&[], true)] {
        let rig = Rig::with(PROJECT, script, |builder| builder.config(config(exclude)));
        let (path, range) = rig.fixture.cursor();
        let ask = Ask {
            instruction: "Do it".to_owned(),
            focus: Some(Focus { path, range }),
            diagnostics: vec!["src/open_hidden.rs:1: warning: SECRET_buffer is never used".to_owned()],
            ..Ask::default()
        };
        let preview = claw::context::render(&rig.agent.preview(&ask));
        assert_eq!(preview.contains("SECRET"), kept, "{preview}");
        let session = rig.agent.session();
        let ran = session.start(ask).unwrap().finish().await;
        let bodies = ran.trace.iter().filter_map(|event| match &event.kind {
            EventKind::ModelRequest(request) => Some(request.body.as_ref().expect("a small body").to_string()),
            _ => None,
        });
        let bodies: String = bodies.collect();
        assert!(bodies.contains("pub fn shown()"), "{bodies}");
        assert_eq!(bodies.contains("SECRET"), kept, "{bodies}");
        assert_eq!(bodies.contains("`src/hidden.rs` is excluded by context.exclude"), !kept, "{bodies}");
        rig.check_session(session.id()).await;
    }
}

#[test]
fn the_reason_stands_in_the_receipt() {
    let rig = Rig::with(PROJECT, r#"{"text": "Done."}"#, |builder| builder.config(config(&["src/open_hidden.rs"])));
    let (path, range) = rig.fixture.cursor();
    let ask = Ask { focus: Some(Focus { path, range }), diagnostics: vec!["wrong".to_owned()], ..Ask::default() };
    let receipt = rig.agent.preview(&ask);
    for name in ["selection", "diagnostics"] {
        let section = receipt.sections.iter().find(|section| section.name == name).unwrap();
        assert_eq!(section.reason.as_deref(), Some("`src/open_hidden.rs` is excluded by context.exclude"));
        assert!(!section.included);
    }
}

#[test]
fn a_bad_glob_is_a_message() {
    let error = Agent::builder().config(config(&["["])).without_state().build().map(drop).unwrap_err();
    assert!(error.to_string().starts_with("context.exclude: `[` is no valid glob"), "{error}");
}
