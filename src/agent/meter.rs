//! How many tokens a request has: by its bytes, as its provider has counted those before it.
//!
//! A tokenizer for each model would be exact, and megabytes of tables that most vendors do not publish. The counts that come with
//! answers teach nearly as much at no cost; where none has come yet and a history is near its window, the tokenizer of a model that has
//! a public one says what a token is. All of it is in whole numbers and follows from what is in the trace, so that a replay estimates
//! the same.

use serde_json::Value;

use super::session::Session;
use crate::event::{EventKind, Opaque};

/// Bytes that a thousand tokens have where nothing has been counted.
const FIRST: u32 = 4000;

/// What a count may say of a thousand tokens and be believed. More bytes of what was said than this are no text that was read
/// whole.
const LEAST: u64 = 1500;
const MOST: u64 = 7000;

/// Bytes of a thousand tokens that few texts have.
const SPARSE: u64 = 5000;

/// The most bytes of a whole request that a thousand tokens may have: some models' templates leave the tools out.
const MOST_OF_ALL: u64 = 40_000;

/// A prompt that was cut fills a window, and no server has one so small: fewer tokens than this are a count of something else, as
/// of what was not in a cache.
const SMALLEST_CUT: u64 = 256;

/// Tokens that every window holds in which Claw is of use.
const SHORT: u64 = 6000;

/// A provider that counts nothing: what it says is written in its file.
const UNCOUNTED: &str = "script";

/// Knows the model of the running turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::agent) struct Meter {
    provider: String,
    model: String,
    /// Bytes of a thousand tokens, once that was counted.
    counted: Option<u32>,
    /// The last request, until its answer is there.
    sent: Option<Size>,
    /// Tokens of the session's last request, as they were estimated.
    last: u64,
}

/// How large a request is, without what only its provider can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::agent) struct Size {
    /// Bytes of all of it.
    pub all: u64,
    /// Bytes of what is said in it: what no template leaves out.
    pub said: u64,
}

/// The prompt was not read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::agent) struct Cut {
    /// Tokens that were read, …
    pub read: u64,
    /// … and that were sent, about.
    pub sent: u64,
}

impl Size {
    /// That of a body which is `text` in all.
    pub fn of(body: &Value, text: &str) -> Size {
        let mut said = Said::default();
        for (name, value) in body.as_object().into_iter().flatten() {
            if matches!(name.as_str(), "messages" | "input" | "system" | "instructions") {
                said.add(name, value);
            }
        }
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        Size { all: length.saturating_sub(said.sealed), said: said.plain }
    }
}

#[derive(Default)]
struct Said {
    plain: u64,
    sealed: u64,
}

impl Said {
    fn add(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) if Opaque::SEALED.contains(&name) => self.sealed += text.len() as u64,
            Value::String(text) => self.plain += text.len() as u64,
            Value::Array(items) => items.iter().for_each(|item| self.add(name, item)),
            Value::Object(fields) => fields.iter().for_each(|(name, field)| self.add(name, field)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl Cut {
    /// What the user is told, and what there is to do.
    pub fn told(&self, model: &str, window: Option<u64>) -> String {
        let Cut { read, sent } = self;
        let known = window.map(|window| format!(" than {window} tokens")).unwrap_or_default();
        format!(
            "the prompt seems to have been cut: {model} has read {read} tokens of about {sent}, so it has not seen all of the \
             conversation, and its answer may be wrong. Start its server with a larger window{known} (llama.cpp: -c, vLLM: \
             --max-model-len; of an Ollama provider = \"ollama\" asks for one), set context.window to the one it has, or start a new \
             session"
        )
    }
}

impl Meter {
    /// Whose model it is, its name, and what was counted of it.
    pub fn counted(&self) -> Option<(String, String, u32)> {
        Some((self.provider.clone(), self.model.clone(), self.counted?))
    }

    /// What is known of a model of this name, for the turn that begins next.
    pub fn known(&self, provider: &str, model: &str) -> Option<u32> {
        self.counted.filter(|_| self.is_of(provider, model))
    }

    /// Whether the conversation is long enough that the size of a window matters.
    pub fn is_long(&self) -> bool {
        self.last > SHORT
    }

    /// Bytes that a thousand tokens have, for sums that must not come out too small: what a template leaves out of the tools is no
    /// measure of what is said.
    pub fn bytes_per_1000_tokens(&self) -> u64 {
        u64::from(self.counted.unwrap_or(FIRST)).min(SPARSE)
    }

    /// The same by a text whose tokens were counted exactly, where the provider has counted nothing yet.
    pub fn bytes_per_1000_of(&self, bytes: u64, tokens: u64) -> u64 {
        let exact = bytes.saturating_mul(1000).checked_div(tokens).map(|exact| exact.clamp(LEAST, SPARSE));
        exact.filter(|_| self.counted.is_none()).unwrap_or_else(|| self.bytes_per_1000_tokens())
    }

    /// Whether the provider has counted tokens of this model.
    pub fn has_counted(&self) -> bool {
        self.counted.is_some()
    }

    fn is_of(&self, provider: &str, model: &str) -> bool {
        self.provider == provider && self.model == model
    }

    /// The tokens that a request of this size has, about. It is sent next.
    pub fn send(&mut self, size: Size) -> u64 {
        self.sent = Some(size);
        self.estimate(size.all)
    }

    fn estimate(&self, bytes: u64) -> u64 {
        bytes.saturating_mul(1000).div_ceil(u64::from(self.counted.unwrap_or(FIRST)))
    }

    /// Takes in the next stored event.
    pub fn absorb(&mut self, event: &EventKind) {
        match event {
            EventKind::TurnStart(start) => {
                *self = Meter {
                    provider: start.provider.clone(),
                    model: start.model.clone(),
                    counted: start.bytes_per_1000_tokens,
                    sent: None,
                    last: self.last,
                };
            }
            EventKind::ModelRequest(request) => self.last = request.tokens_estimate,
            EventKind::ModelResponse(response) => {
                if let Some(size) = self.sent.take() {
                    self.learn(size, response.usage.input);
                }
            }
            _ => {}
        }
    }

    fn learn(&mut self, size: Size, tokens: u64) {
        if self.provider == UNCOUNTED || self.cut(size, tokens).is_some() {
            return;
        }
        let of = |bytes: u64| bytes.saturating_mul(1000).checked_div(tokens);
        let (Some(counted), Some(said)) = (of(size.all), of(size.said)) else { return };
        if (LEAST..=MOST_OF_ALL).contains(&counted) && said <= MOST {
            let counted = u32::try_from(counted).unwrap_or(FIRST);
            // What the last requests have in common counts, and no single one.
            self.counted = Some(self.counted.map_or(counted, |before| before.midpoint(counted)));
        }
    }

    /// Whether so few tokens can not be all of the request that was sent last.
    pub fn judge(&self, tokens: u64) -> Option<Cut> {
        if self.provider == UNCOUNTED { None } else { self.cut(self.sent?, tokens) }
    }

    fn cut(&self, size: Size, read: u64) -> Option<Cut> {
        let sent = self.estimate(size.all);
        let is_cut = match self.counted {
            // Texts of one model differ by less than this, where they are no sparser than nearly all text is.
            Some(_) => {
                read.saturating_mul(10) < sent.saturating_mul(6)
                    && read.saturating_mul(SPARSE) < size.said.saturating_mul(1000)
            }
            None => read.saturating_mul(MOST) < size.said.saturating_mul(1000),
        };
        (read >= SMALLEST_CUT && is_cut).then_some(Cut { read, sent })
    }
}

impl Session {
    /// What has been counted of a model, in this session or before it.
    pub(in crate::agent) async fn counted(&self, provider: &str, model: &str) -> Option<u32> {
        if provider == UNCOUNTED {
            return None;
        }
        if let Some(known) = self.recorder().with_meter(|meter| meter.known(provider, model)) {
            return Some(known);
        }
        let (store, provider, model) = (self.parts().store.clone()?, provider.to_owned(), model.to_owned());
        let kept = tokio::task::spawn_blocking(move || store.counted(&provider, &model)).await.ok().flatten();
        kept.filter(|kept| (LEAST..=MOST_OF_ALL).contains(&u64::from(*kept)))
    }

    /// Keeps what was counted, for other sessions. Blocks on the disk.
    pub(in crate::agent) fn keep_counted(&self) {
        let (Some(store), Some(counted)) = (&self.parts().store, self.recorder().with_meter(Meter::counted)) else {
            return;
        };
        let (provider, model, bytes) = counted;
        if let Err(error) = store.keep_counted(&provider, &model, bytes) {
            tracing::info!(%error, "what was counted is not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(counted: Option<u32>) -> Meter {
        Meter { provider: "openai".to_owned(), model: "m".to_owned(), counted, sent: None, last: 0 }
    }

    fn said(bytes: u64) -> Size {
        Size { all: bytes, said: bytes }
    }

    #[test]
    fn what_only_the_provider_can_read_and_tools_that_a_template_leaves_out_are_no_tokens() {
        let body = serde_json::json!({
            "system": "0123456789",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "12345", "signature": "x".repeat(1000)}]}],
            "tools": [{"name": "t".repeat(500)}],
        });
        let Size { all, said } = Size::of(&body, &body.to_string());
        assert!((500..1000).contains(&all), "{all}");
        assert_eq!(said, 10 + 4 + 4 + 5);
        // A small model whose template knows no tools: all that was said was read.
        let mut meter = meter(None);
        meter.send(Size { all: 13_332, said: 3_600 });
        assert_eq!(meter.judge(748), None);
        meter.learn(Size { all: 13_332, said: 3_600 }, 748);
        assert_eq!(meter.counted, Some(17_823));
    }

    #[test]
    fn estimates_follow_the_counts() {
        let mut meter = meter(None);
        assert_eq!(meter.send(said(40_001)), 10_001);
        meter.learn(said(40_000), 8_000);
        assert_eq!(meter.counted, Some(5000));
        meter.learn(said(30_000), 10_000);
        assert_eq!((meter.counted, meter.send(said(40_000))), (Some(4000), 10_000));
        // Nonsense teaches nothing: no count, a count of what was not cached, more tokens than bytes.
        for tokens in [0, 100, 5_000, 60_000, u64::MAX] {
            meter.learn(said(40_000), tokens);
        }
        assert_eq!(meter.counted, Some(4000));
        assert_eq!((meter.known("openai", "m"), meter.known("openai", "other")), (Some(4000), None));
    }

    #[test]
    fn a_cut_prompt_is_told_from_a_dense_one() {
        let check = |counted: Option<u32>, bytes: u64, read: u64, expected: bool| {
            let mut meter = meter(counted);
            meter.send(said(bytes));
            assert_eq!(meter.judge(read).is_some(), expected, "{counted:?} {bytes} {read}");
        };
        // Before anything was counted only what no text can be is one.
        check(None, 100_000, 4096, true);
        check(None, 100_000, 15_000, false);
        check(Some(4000), 100_000, 14_000, true);
        check(Some(4000), 100_000, 16_000, false);
        check(Some(4000), 20_000, 2048, true);
        // Plain words after dense ones.
        check(Some(2500), 100_000, 22_000, false);
        // No server has a window of 100 tokens.
        check(None, 100_000, 100, false);
        check(None, 100_000, 0, false);
        check(Some(4000), 100_000, 60_000, false);
        let mut script = Meter { provider: "script".to_owned(), ..meter(None) };
        script.send(said(1_000_000));
        assert_eq!(script.judge(300), None);
    }
}
