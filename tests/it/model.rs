//! Providers against a mock server that validates every request.

mod caching;
mod chat;
mod connecting;
mod counting;
mod errors;
mod faults;
mod formats;
mod hostile;
mod printed;
mod process;
mod quirks;
mod retries;
mod validator;

use std::time::Duration;

use claw::model::http::{Endpoint, Key, Timing};
use claw::model::openai::OpenAi;
use claw::model::retry::Backoff;
use claw::model::{Collector, Delta, Message, Model, ModelError, Request, Response};
use futures::StreamExt;

use crate::support::mock_model::MockModel;

const KEY: &str = "sk-canary-0123456789abcdef";

/// A model named `mock` at `base_url`, with little patience.
fn model_at(base_url: &str) -> OpenAi {
    model_with(base_url, |_| {})
}

fn model_with(base_url: &str, adjust: impl FnOnce(&mut Endpoint)) -> OpenAi {
    let mut endpoint = Endpoint::new(base_url).unwrap();
    endpoint.key = Some(Key { value: KEY.into(), variable: "OPENAI_API_KEY".to_owned() });
    endpoint.timing = Timing {
        idle: Duration::from_secs(20),
        no_progress: Duration::from_secs(40),
        backoff: Backoff { attempts: 4, first: Duration::from_millis(1) },
    };
    adjust(&mut endpoint);
    OpenAi::new(endpoint, "mock")
}

fn hello() -> Request {
    Request {
        system: "Be brief.".to_owned(),
        messages: vec![Message::User { text: "Hello.".to_owned() }],
        ..Request::default()
    }
}

/// Every delta, and the error if there was one.
async fn deltas(model: &(impl Model + ?Sized)) -> (Vec<Delta>, Option<ModelError>) {
    let mut stream = model.send(model.body(&hello()));
    let mut deltas = Vec::new();
    while let Some(delta) = stream.next().await {
        match delta {
            Ok(delta) => deltas.push(delta),
            Err(error) => {
                assert!(stream.next().await.is_none(), "something follows an error");
                return (deltas, Some(error));
            }
        }
    }
    (deltas, None)
}

async fn ask(model: &(impl Model + ?Sized)) -> Result<Response, ModelError> {
    let (deltas, error) = deltas(model).await;
    let response = collect(&deltas);
    match error {
        Some(error) => {
            assert!(response.is_none(), "an error after the terminal event");
            Err(error)
        }
        None => Ok(response.expect("a stream without an error has its terminal event")),
    }
}

/// The response, if its terminal event came.
fn collect(deltas: &[Delta]) -> Option<Response> {
    let mut collector = Collector::default();
    deltas.iter().for_each(|delta| collector.push(delta));
    collector.finish().ok()
}

/// The error that asking the server comes to.
async fn failure(server: &MockModel) -> ModelError {
    let error = ask(&model_at(&server.base_url())).await.expect_err("an error");
    assert!(!format!("{error} {error:?}").contains("canary"), "the key stands in {error:?}");
    error
}
