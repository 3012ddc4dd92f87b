//! The part of `claw doctor` that asks the model.

use std::time::Duration;

use super::{Check, Verdict};
use crate::cli::describe;
use crate::cli::setup::Setup;
use crate::config::Provider;
use crate::model::probe::round_trip;
use crate::model::{Connector, Model, ModelError, ModelErrorKind};

/// Finds the model as a turn would, and asks its provider whether it is there.
pub async fn model(setup: &Setup) -> Vec<Check> {
    let connector = Connector::new(setup.config().clone(), setup.environment.clone());
    let model = match connector.model().await {
        Ok(model) => model,
        Err(error) => return vec![failed("provider", &error)],
    };
    let mut checks = listed(&*model).await;
    let works = checks.iter().all(|check| check.status != Verdict::Failed);
    // What a script plays is no model's.
    if works && setup.config().provider != Some(Provider::Script) && model.provider() != Provider::Script.name() {
        checks.push(window(&*model).await);
        checks.push(price(&*model));
        checks.push(trip(&*model).await);
    }
    if let Some(small) = connector.small() {
        checks.push(match small.model().await {
            Ok(small) => ok("small model", format!("{}/{}", small.provider(), small.name())),
            Err(error) => failed("small model", &error),
        });
    }
    checks
}

/// Whether the provider answers, and lists the model.
async fn listed(model: &dyn Model) -> Vec<Check> {
    let name = model.name().to_owned();
    let listing = match model.listing().await {
        Ok(Some(listing)) => listing,
        Ok(None) => return vec![ok("provider", model.provider().to_owned()), ok("model", name)],
        Err(error) => match error.kind {
            ModelErrorKind::Refused | ModelErrorKind::ModelNotFound | ModelErrorKind::Protocol => {
                let message = format!("{}: it answers, but does not list its models", model.provider());
                let asked = format!("{name}, and whether it is there shows at the first request");
                return vec![
                    ok("provider", message),
                    Check { name: "model", status: Verdict::Note, message: asked, mend: None },
                ];
            }
            _ => return vec![failed("provider", &error)],
        },
    };
    let there = ok("provider", format!("{} at {}", model.provider(), listing.endpoint));
    // Ollama leaves `:latest` out of what it is asked for.
    if listing.models.iter().any(|listed| *listed == name || *listed == format!("{name}:latest")) {
        return vec![there, ok("model", name)];
    }
    let some: Vec<&str> = listing.models.iter().take(8).map(String::as_str).collect();
    let more = listing.models.len().saturating_sub(some.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let missing = Check {
        name: "model",
        status: Verdict::Failed,
        message: format!("{name} is not among the models of {}", listing.endpoint),
        mend: Some(match some.as_slice() {
            [] => "it lists none: install one there first".to_owned(),
            some => format!("set `model` to one that is: {}{rest}", some.join(", ")),
        }),
    };
    vec![there, missing]
}

async fn window(model: &dyn Model) -> Check {
    match model.told_window().await {
        Some(window) => ok("context", format!("{} tokens", describe::count(window))),
        None => Check {
            name: "context",
            status: Verdict::Note,
            message: "how many tokens it takes is not known".to_owned(),
            mend: Some("set context.window to it, so that no prompt is too long".to_owned()),
        },
    }
}

fn price(model: &dyn Model) -> Check {
    match model.price() {
        Some(price) => {
            ok("price", format!("${} in, ${} out for a million tokens", price.rate.input, price.rate.output))
        }
        None => Check {
            name: "price",
            status: Verdict::Note,
            message: "what it costs is not known, so limits.max_cost would not hold".to_owned(),
            mend: Some(format!("set `input` and `output` under [models.\"{}\"]", model.name())),
        },
    }
}

/// A call, its result, and an answer: what every turn is made of.
async fn trip(model: &dyn Model) -> Check {
    let trip = match round_trip(model).await {
        Ok(trip) => trip,
        Err(error) => return failed("round trip", &error),
    };
    let seconds = |duration: Duration| format!("{:.1} s", duration.as_secs_f32());
    let times = format!("{} in all, {} to the first word", seconds(trip.whole), seconds(trip.first));
    match (trip.called, trip.answered) {
        (true, true) => ok("round trip", format!("a tool call, its result and a streamed answer: {times}")),
        (true, false) => Check {
            name: "round trip",
            status: Verdict::Note,
            message: format!("it called a tool, and said nothing about what came of it: {times}"),
            mend: None,
        },
        (false, _) => Check {
            name: "round trip",
            status: Verdict::Note,
            message: format!("it answers, but did not call the tool that it was told to call: {times}"),
            mend: Some(
                "tasks that edit may not work with it: a larger model, or one made for tools, does better".to_owned(),
            ),
        },
    }
}

fn ok(name: &'static str, message: String) -> Check {
    Check { name, status: Verdict::Ok, message, mend: None }
}

fn failed(name: &'static str, error: &ModelError) -> Check {
    Check { name, status: Verdict::Failed, message: error.message.clone(), mend: None }
}
