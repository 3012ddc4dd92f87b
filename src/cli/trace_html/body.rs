//! The body of a request as JSON. A request goes on where the one before ended, so what it has in common with that is named and not
//! written again: a page grows with what was said, not with how often it was sent.

use std::io::{self, Write};
use std::sync::Arc;

use serde_json::Value;

use super::markup::{self, MOST, line};
use crate::cli::describe;

/// Bytes of JSON that are written again rather than named.
const SMALL: usize = 160;

/// The bodies of a session, each shown by what it has more than the one before.
#[derive(Debug, Default)]
pub struct Bodies {
    before: Option<Arc<Value>>,
}

impl Bodies {
    pub fn write(&mut self, out: &mut dyn Write, body: Arc<Value>) -> io::Result<()> {
        let before = self.before.replace(Arc::clone(&body));
        let mut left = MOST;
        let Value::Object(fields) = &*body else {
            return json(out, &body, &mut left);
        };
        writeln!(out, "<dl class=\"fields\">")?;
        for (name, value) in fields {
            writeln!(out, "<dt>{}</dt><dd>", line(name))?;
            let earlier = before.as_ref().and_then(|body| body.get(name));
            write_field(out, value, earlier, &mut left)?;
            writeln!(out, "</dd>")?;
        }
        writeln!(out, "</dl>")
    }
}

fn write_field(out: &mut dyn Write, value: &Value, earlier: Option<&Value>, left: &mut usize) -> io::Result<()> {
    if earlier == Some(value) && value.to_string().len() > SMALL {
        return writeln!(out, "<p class=\"note\">as in the request before</p>");
    }
    if let (Value::Array(items), Some(Value::Array(earlier))) = (value, earlier) {
        let same = items.iter().zip(earlier).take_while(|(item, earlier)| item == earlier).count();
        if same > 0 {
            let all = describe::amount(items.len() as u64, "item");
            let words = format!("the first {} of {all} as in the request before", describe::count(same as u64));
            writeln!(out, "<p class=\"note\">{words}</p>")?;
            return json(out, &items.get(same..).unwrap_or_default(), left);
        }
    }
    json(out, value, left)
}

/// Pretty JSON, as far as `left` goes.
fn json(out: &mut dyn Write, value: &impl serde::Serialize, left: &mut usize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    let most = *left;
    *left = left.saturating_sub(text.len());
    markup::pre(out, &text, most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(bodies: &mut Bodies, body: Value) -> String {
        let mut out = Vec::new();
        bodies.write(&mut out, Arc::new(body)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_was_sent_before_is_named() {
        let mut bodies = Bodies::default();
        let system = "s".repeat(2 * SMALL);
        let first = written(&mut bodies, json!({"model": "m", "system": system, "messages": ["one"]}));
        assert!(first.contains(&system) && first.contains("one"), "{first}");
        let second = written(&mut bodies, json!({"model": "m", "system": system, "messages": ["one", "<two>"]}));
        assert!(!second.contains(&system) && second.contains("as in the request before"), "{second}");
        assert!(second.contains("&quot;m&quot;"), "what is small stays: {second}");
        assert!(second.contains("the first 1 of 2 items") && second.contains("&lt;two&gt;"), "{second}");
        assert!(!second.contains("one"), "{second}");
    }

    #[test]
    fn a_body_takes_so_much_and_no_more() {
        let long = "x".repeat(MOST);
        let body = written(&mut Bodies::default(), json!({"a": long, "b": long, "c": 1}));
        assert!(
            body.len() < MOST + 2048 && body.matches("claw sessions export SESSION").count() >= 2,
            "{}",
            body.len()
        );
    }
}
