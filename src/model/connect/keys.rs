//! Which key goes to which endpoint.

use secrecy::SecretString;

use crate::config::{Config, Environment};
use crate::model::http::{Endpoint, Key};
use crate::model::{ModelError, ModelErrorKind};

/// Who runs an API, and where its key usually is.
pub struct Vendor {
    name: &'static str,
    pub host: &'static str,
    pub variable: &'static str,
}

pub const OPENAI: Vendor = Vendor { name: "OpenAI", host: "api.openai.com", variable: "OPENAI_API_KEY" };
/// An Ollama asks for no key; where something before it does, the user names it.
pub const OLLAMA: Vendor = Vendor { name: "Ollama", host: "", variable: "" };
pub const ANTHROPIC: Vendor = Vendor { name: "Anthropic", host: "api.anthropic.com", variable: "ANTHROPIC_API_KEY" };

/// The key for `endpoint`. One that the user named goes where the user said. That of the vendor, which is there for other programs
/// too, goes to no other machine in the clear.
pub fn key(
    config: &Config,
    environment: &Environment,
    endpoint: &Endpoint,
    vendor: &Vendor,
) -> Result<Option<Key>, ModelError> {
    let from = |variable: &str| {
        environment
            .get(variable)
            .map(|value| Key { value: SecretString::from(value.trim()), variable: variable.to_owned() })
    };
    if let Some(key) = from("CLAW_API_KEY") {
        return Ok(Some(key));
    }
    if let Some(variable) = &config.api_key_env {
        // A local server needs no key, whatever a shared configuration says.
        return match from(variable) {
            Some(key) => Ok(Some(key)),
            None if endpoint.is_loopback() => Ok(None),
            None => Err(ModelError::new(
                ModelErrorKind::Auth,
                format!("api_key_env names {variable}, which is not set: put the key for {endpoint} there"),
            )),
        };
    }
    let key = from(vendor.variable).filter(|_| endpoint.is_secure() || endpoint.is_loopback());
    if key.is_none() && endpoint.host() == vendor.host {
        return Err(ModelError::new(
            ModelErrorKind::Auth,
            format!("no key for {}: put it into the environment variable {}", vendor.name, vendor.variable),
        ));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::connect::OPENAI_BASE_URL;

    #[test]
    fn x01_keys_go_where_they_are_meant_to() {
        let choose = |variables: &[(&str, &str)], api_key_env: Option<&str>, base_url: &str| {
            let config = Config { api_key_env: api_key_env.map(str::to_owned), ..Config::default() };
            let environment = variables.iter().copied().collect();
            let endpoint = Endpoint::new(base_url).unwrap();
            key(&config, &environment, &endpoint, &OPENAI)
                .map(|key| key.map(|key| key.variable))
                .map_err(|error| error.kind)
        };
        let openai = ("OPENAI_API_KEY", "sk-1");
        let named = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(choose(&[openai], None, OPENAI_BASE_URL), named("OPENAI_API_KEY"));
        assert_eq!(choose(&[openai], None, "http://127.0.0.1:1/v1"), named("OPENAI_API_KEY"));
        assert_eq!(choose(&[openai], None, "http://192.168.0.2/v1"), Ok(None));
        assert_eq!(choose(&[openai], Some("OPENAI_API_KEY"), "http://192.168.0.2/v1"), named("OPENAI_API_KEY"));
        assert_eq!(choose(&[openai, ("CLAW_API_KEY", "k")], None, OPENAI_BASE_URL), named("CLAW_API_KEY"));
        assert_eq!(choose(&[openai, ("MINE", "k")], Some("MINE"), "https://x.example"), named("MINE"));
        assert_eq!(choose(&[openai], Some("MINE"), "https://x.example"), Err(ModelErrorKind::Auth));
        assert_eq!(choose(&[openai], Some("MINE"), "http://localhost:1"), Ok(None));
        assert_eq!(choose(&[], None, OPENAI_BASE_URL), Err(ModelErrorKind::Auth));
        assert_eq!(choose(&[("OPENAI_API_KEY", "  ")], None, "https://x.example"), Ok(None));
    }
}
