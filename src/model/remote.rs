//! A model behind an HTTP endpoint, in whatever wire format it is spoken to.
//!
//! What the formats have in common stands here: who is asked, how a body is sent, how a list of models is had, what is done with
//! an answer that is a complaint. What a body holds and what an event means is its [`Format`]'s to know.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::http::failure::{self, Complaint};
use super::http::{Decode, Endpoint};
use super::told::{self, Told};
use super::{Delta, Effort, Listing, Model, ModelError, ModelErrorKind, Price, Request, json};

/// How long an endpoint may take to list its models when a user waits for the answer.
const LIST_PATIENCE: Duration = Duration::from_secs(10);

/// How long an endpoint may take to tell the window of its model.
const WINDOW_PATIENCE: Duration = Duration::from_millis(1500);

/// Pieces (blocks, items) that one response may hold: a limit to what a hostile stream can fill.
const MAX_PIECES: usize = 4096;

/// A wire format.
pub trait Format: Sized + Send + Sync + 'static {
    /// The name that traces and configurations have for it.
    const PROVIDER: &'static str;
    /// Where requests go, below the endpoint's address.
    const PATH: &'static str;
    /// Where the list of models is.
    const LISTING: &'static str;
    type Decoder: Decode + 'static;

    /// The body for `request`. A pure function: the same request gives the same bytes.
    fn body(model: &Remote<Self>, request: &Request) -> Value;

    /// Decodes the answer to what was asked.
    fn decoder(asked: Asked) -> Self::Decoder;

    /// Bytes of what a model has to read of a body, where the format wants to know afterwards.
    fn size(_body: &Value) -> usize {
        0
    }

    /// Why a body is not sent.
    fn refuses(_model: &Remote<Self>, _size: usize) -> Option<ModelError> {
        None
    }
}

/// A model behind an endpoint.
#[derive(Debug)]
pub struct Remote<F> {
    pub(super) endpoint: Endpoint,
    pub(super) model: String,
    pub(super) facts: Facts,
    /// What the provider told, if it was asked.
    told: Arc<OnceCell<Told>>,
    format: PhantomData<F>,
}

/// What is known of a model besides its name, and what is asked of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Tokens of its window.
    pub window: Option<u64>,
    /// How much it is to think; the provider's default if not set.
    pub effort: Option<Effort>,
    /// What it costs, where that is known.
    pub price: Option<Price>,
}

/// What a decoder knows of the request that is answered.
#[derive(Clone, Debug)]
pub struct Asked {
    pub endpoint: Endpoint,
    pub model: String,
    /// Goes into the ids of calls that come without.
    pub seed: String,
    /// What [`Format::size`] said of the body.
    pub size: usize,
    pub window: Option<u64>,
}

impl<F> Remote<F> {
    pub(super) fn at(endpoint: Endpoint, model: impl Into<String>) -> Remote<F> {
        Remote { endpoint, model: model.into(), facts: Facts::default(), told: Arc::default(), format: PhantomData }
    }

    /// The same with these facts.
    pub fn with(mut self, facts: Facts) -> Remote<F> {
        self.facts = facts;
        self
    }
}

impl<F> Clone for Remote<F> {
    fn clone(&self) -> Remote<F> {
        Remote {
            endpoint: self.endpoint.clone(),
            model: self.model.clone(),
            facts: self.facts,
            told: Arc::clone(&self.told),
            format: PhantomData,
        }
    }
}

impl<F: Format> Remote<F> {
    /// What the provider tells of the model, asked once.
    pub async fn told(&self) -> Told {
        let ask = || told::ask::<F>(&self.endpoint, &self.model);
        let told = || async { tokio::time::timeout(WINDOW_PATIENCE, ask()).await.unwrap_or_default() };
        *self.told.get_or_init(told).await
    }
}

impl<F: Format> Model for Remote<F> {
    fn provider(&self) -> &str {
        F::PROVIDER
    }

    fn name(&self) -> &str {
        &self.model
    }

    fn window(&self) -> Option<u64> {
        self.facts.window.or_else(|| self.told.get()?.window)
    }

    fn told_window(&self) -> BoxFuture<'static, Option<u64>> {
        let model = self.clone();
        async move {
            match model.facts.window {
                Some(window) => Some(window),
                None => model.told().await.window,
            }
        }
        .boxed()
    }

    fn price(&self) -> Option<Price> {
        self.facts.price.or_else(|| self.told.get()?.price)
    }

    fn effort(&self) -> Option<Effort> {
        self.facts.effort
    }

    fn body(&self, request: &Request) -> Value {
        F::body(self, request)
    }

    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>> {
        let size = F::size(&body);
        if let Some(error) = F::refuses(self, size) {
            return stream::iter([Err(error)]).boxed();
        }
        let asked = Asked {
            endpoint: self.endpoint.clone(),
            model: self.model.clone(),
            seed: json::seed(&body),
            size,
            window: self.facts.window,
        };
        self.endpoint.clone().stream(F::PATH, self.model.clone(), &body, move || F::decoder(asked.clone()))
    }

    fn listing(&self) -> BoxFuture<'static, Result<Option<Listing>, ModelError>> {
        let model = self.clone();
        async move {
            let endpoint = &model.endpoint;
            let listed = list::<F>(endpoint, LIST_PATIENCE).await?;
            let window = match model.facts.window {
                Some(window) => Some(window),
                None => told::of_listing(endpoint, &listed, &model.model).await.window,
            };
            let models = listed.iter().filter_map(name_of).collect();
            Ok(Some(Listing { endpoint: endpoint.shown(), models, window }))
        }
        .boxed()
    }
}

/// The names of the models that `endpoint` lists.
pub async fn list_models<F: Format>(endpoint: &Endpoint, patience: Duration) -> Result<Vec<String>, ModelError> {
    Ok(list::<F>(endpoint, patience).await?.iter().filter_map(name_of).collect())
}

/// What `endpoint` says of its models, in any of the forms that lists of models have.
pub(super) async fn list<F: Format>(endpoint: &Endpoint, patience: Duration) -> Result<Vec<Value>, ModelError> {
    let listed = endpoint.get_json(F::LISTING, patience).await?;
    let models = listed.get("data").or_else(|| listed.get("models")).and_then(Value::as_array);
    Ok(models.cloned().unwrap_or_default())
}

pub(super) fn name_of(model: &Value) -> Option<String> {
    model.get("id").or_else(|| model.get("name")).and_then(Value::as_str).map(str::to_owned)
}

impl Asked {
    pub fn new(endpoint: Endpoint, model: &str, seed: &str) -> Asked {
        Asked { endpoint, model: model.to_owned(), seed: seed.to_owned(), size: 0, window: None }
    }

    /// The id of the call that is the `number`th: the provider's, if it gave one.
    pub fn call_id(&self, id: &str, number: usize) -> String {
        if id.is_empty() { format!("call_{}_{number}", self.seed) } else { id.to_owned() }
    }

    /// What a provider's error object means.
    pub fn complaint(&self, error: &Value) -> ModelError {
        let complaint = Complaint::of_json(error);
        failure::classify(&self.endpoint, &self.model, complaint.status(), &complaint)
    }

    pub fn not_the_api(&self) -> ModelError {
        failure::not_the_api(&self.endpoint)
    }

    /// Fails once a response holds `pieces`, which are called `name`.
    pub fn admit(&self, pieces: usize, name: &str) -> Result<(), ModelError> {
        if pieces < MAX_PIECES {
            return Ok(());
        }
        let message = format!("the answer holds more than {MAX_PIECES} {name}: it was not taken");
        Err(ModelError::new(ModelErrorKind::TooLarge, message))
    }

    /// The whole of an answer that does not stream.
    pub fn whole(&self, body: &[u8]) -> Result<Value, ModelError> {
        let body = String::from_utf8_lossy(body);
        json::parse(body.trim_start_matches('\u{feff}').trim()).ok_or_else(|| self.not_the_api())
    }

    /// Why a whole answer holds nothing: its complaint, or it is something else altogether.
    pub fn refusal(&self, answer: &Value) -> ModelError {
        let is_error = |value: &Value| value.get("error").is_some_and(|error| !error.is_null());
        let says_why = ["message", "detail", "msg"].iter().any(|name| answer.get(name).is_some());
        let in_list = answer.as_array().is_some_and(|list| list.iter().any(is_error));
        if is_error(answer) || says_why || in_list { self.complaint(answer) } else { self.not_the_api() }
    }
}
