//! What a value must be beyond its type.

use serde_json::Value;

/// The most that the workspace takes of a glob.
const MAX_GLOB: usize = 1_024;
const MAX_STARS: usize = 64;
/// Longest name of an MCP server: with its tools' names it must fit what providers take.
const MAX_SERVER: usize = 24;

/// Why `value` can not be the value of `key`. The message never repeats what might be a key.
pub fn check(key: &str, value: &Value) -> Result<(), String> {
    match key {
        "limits.max_steps"
        | "limits.turn_timeout_s"
        | "limits.model_idle_timeout_s"
        | "limits.prompt_timeout_s"
        | "limits.max_tokens"
        | "context.window"
        | "shell.timeout_s"
            if value.as_u64() == Some(0) =>
        {
            Err("it must be at least 1".to_owned())
        }
        "limits.max_cost" if value.as_f64().is_some_and(|cost| cost < 0.0) => Err("it must not be negative".to_owned()),
        key if key.starts_with("models.") => facts(value),
        key if key.starts_with("mcp.servers.") => server(key, value),
        "api_key_env" | "search.api_key_env" | "small_model.api_key_env"
            if value.as_str().is_some_and(|name| !is_variable_name(name)) =>
        {
            Err("it takes the name of an environment variable, and this is none. A key itself is never written here"
                .to_owned())
        }
        "base_url" | "small_model.base_url" | "search.url" | "trace.otlp_endpoint"
            if value.as_str().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) =>
        {
            Err("it must begin with http:// or https://".to_owned())
        }
        "trace.redact" => each(value, |pattern| match regex::Regex::new(pattern) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("`{pattern}` is not a regular expression: {}", last_line(&error.to_string()))),
        }),
        "context.exclude" => each(value, |pattern| {
            if pattern.len() > MAX_GLOB || pattern.matches('*').count() > MAX_STARS {
                return Err(format!(
                    "a glob is too long: at most {MAX_GLOB} bytes and {MAX_STARS} `*`; use a plainer one"
                ));
            }
            match globset::Glob::new(pattern) {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("`{pattern}` is not a glob: {}", error.kind())),
            }
        }),
        _ => Ok(()),
    }
}

/// A server, whose name stands before those of its tools.
fn server(key: &str, value: &Value) -> Result<(), String> {
    let name = key.strip_prefix("mcp.servers.").unwrap_or(key);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > MAX_SERVER || !name.bytes().all(plain) || name.contains("__") {
        return Err(format!(
            "the name of a server has at most {MAX_SERVER} of a-z, A-Z, 0-9, `-`, `.` and `_`, and no two `_` in a row"
        ));
    }
    // What is wrong with its fields is told where they are read.
    if serde_json::from_value::<super::McpServer>(value.clone()).is_err() {
        return Ok(());
    }
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    match (text("command"), text("url")) {
        (Some(_), Some(_)) => Err("give it a `command` or a `url`, not both".to_owned()),
        (None, None) => Err("give it a `command` that is started, or the `url` where it is".to_owned()),
        (Some(""), None) => Err("its `command` is empty".to_owned()),
        (None, Some(url)) if !url.starts_with("http://") && !url.starts_with("https://") => {
            Err("its `url` must begin with http:// or https://".to_owned())
        }
        (Some(_), None) | (None, Some(_)) if value.get("timeout_s").and_then(Value::as_u64) == Some(0) => {
            Err("its `timeout_s` must be at least 1".to_owned())
        }
        (Some(_), None) | (None, Some(_)) => Ok(()),
    }
}

/// What a model takes and costs.
fn facts(value: &Value) -> Result<(), String> {
    let fields = value.as_object().into_iter().flatten();
    for (name, value) in fields {
        match value.as_f64() {
            Some(price) if price < 0.0 => return Err(format!("{name} must not be negative")),
            Some(tokens) if name == "window" && tokens < 1.0 => return Err("window must be at least 1".to_owned()),
            Some(_) | None => {}
        }
    }
    if value.get("input").is_some() != value.get("output").is_some() {
        return Err(
            "what it costs is known by `input` and `output` together: give both, in dollars for a million tokens"
                .to_owned(),
        );
    }
    Ok(())
}

fn each(value: &Value, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).try_for_each(check)
}

/// Names that a shell can set, as keys hardly ever look: long ones with digits and both cases are taken for a key.
fn is_variable_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let begins = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    let has = |of: fn(&u8) -> bool| name.as_bytes().iter().any(of);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    plain && begins && !(mixed && name.len() >= 20)
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default().trim()
}
