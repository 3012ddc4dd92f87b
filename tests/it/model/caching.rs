//! What providers can keep of a conversation: each request goes on where the one before ended.

use claw::config::{Config, Effort, Environment};
use claw::event::{Event, EventKind, RequestPrefix, TurnStatus};
use claw::model::Connector;
use serde_json::json;

use super::formats::{FORMATS, Format, config};
use crate::agent::rig::{PROJECT, Rig, ask};
use crate::support::mock_model::MockModel;

const TURNS: usize = 50;

fn prefixes(events: &[Event]) -> Vec<Option<RequestPrefix>> {
    let of = |kind: &EventKind| match kind {
        EventKind::ModelRequest(request) => Some(request.prefix.clone()),
        _ => None,
    };
    events.iter().filter_map(|event| of(&event.kind)).collect()
}

fn rig(config: Config) -> Rig {
    Rig::bare(PROJECT, |builder| builder.config(config).environment(Environment::default()))
}

/// Answers for so many turns, every third of which reads a file first.
fn server(format: Format, turns: usize) -> MockModel {
    let answers = (0..turns).flat_map(|turn| {
        let read = (turn % 3 == 0).then(|| {
            (format.calls)(&[("read_file", json!({"path": "notes.txt", "offset": turn / 3 + 1, "limit": 20}))])
        });
        read.into_iter().chain([(format.text)(&format!("Turn {turn} is done."))])
    });
    MockModel::start(answers.collect::<Vec<_>>())
}

/// The measure of it: of all input of a long session, 95 % and more stood in the request before, also while the user types.
#[tokio::test]
async fn a_long_session_while_the_user_types_is_nearly_all_prefix() {
    for format in FORMATS {
        let server = server(format, TURNS);
        // In a small window the history is made shorter now and then, which is a break with a name of its own.
        let mut config = config(format, &server);
        config.context.window = Some(128_000);
        let rig = rig(config);
        let session = rig.agent.session();
        let mut notes: String = (0..60).map(|line| format!("line {line}\n")).collect();
        for turn in 0..TURNS {
            notes.push_str(&format!("typed in turn {turn}\n"));
            rig.fixture.open("notes.txt", &notes);
            let result = ask(&session, &format!("Look at what I typed, number {turn}.")).await;
            assert_eq!(result.status, TurnStatus::Done, "{:?}", format.provider);
        }
        let all = prefixes(&rig.store().events(session.id()).unwrap());
        assert!(all.len() > TURNS && all[0].is_none());
        let (mut same, mut of) = (0, all[1].as_ref().unwrap().bytes);
        for prefix in all.into_iter().skip(1) {
            let prefix = prefix.unwrap();
            assert_eq!(prefix.broken, None, "{:?}", format.provider);
            same += prefix.bytes;
            of += prefix.of;
        }
        assert!(same * 100 >= of * 95, "{:?}: {same} of {of} bytes", format.provider);
        rig.check_session(session.id()).await;
    }
}

#[tokio::test]
async fn a_prefix_outlives_the_process_and_every_break_is_named() {
    for format in FORMATS {
        let server = server(format, 4);
        let config = config(format, &server);
        let rig = rig(config.clone());
        let session = rig.agent.session();
        ask(&session, "One").await;
        let id = session.id().to_owned();
        drop(session);

        let session = rig.agent.resume(&id).unwrap();
        ask(&session, "Two").await;
        let louder = Config { effort: Some(Effort::High), ..config.clone() };
        session.set_model(Connector::new(louder, Environment::default()));
        ask(&session, "Three").await;
        session.set_model(Connector::new(Config { model: Some("other".to_owned()), ..config }, Environment::default()));
        ask(&session, "Four").await;

        let broken: Vec<Option<String>> = prefixes(&rig.store().events(&id).unwrap())
            .into_iter()
            .map(|prefix| prefix.and_then(|prefix| prefix.broken))
            .collect();
        let named = |word: &str| Some(word.to_owned());
        // The first turn and the last have two requests.
        assert_eq!(broken, [None, None, None, named("settings"), named("model"), None], "{:?}", format.provider);
        rig.check_session(&id).await;
    }
}
