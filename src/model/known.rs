//! What models take and what they cost: Claw's own table (`known.toml`), with the user's above it.
//!
//! A price that is not known is `None` and never zero. What a provider tells of its models is asked elsewhere.

use std::sync::OnceLock;

use serde::Deserialize;

use super::Usage;
use crate::config::ModelFacts;

const TABLE: &str = include_str!("known.toml");

/// What a model costs, in US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    pub rate: Rate,
    /// What prompts cost that are longer than so many tokens, and the answers to them.
    pub long: Option<(u64, Rate)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub input: f64,
    pub cached: f64,
    pub cache_write: f64,
    pub output: f64,
}

/// What Claw's table says of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    pub window: Option<u64>,
    pub price: Option<Price>,
}

/// A vendor of the table, for `claw manifest` and `claw inspect providers`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    pub name: String,
    pub hosts: Vec<String>,
    /// Where the numbers are public.
    pub source: String,
    /// The day of the numbers.
    pub as_of: String,
    model: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    vendor: Vec<Vendor>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    window: Option<u64>,
    input: f64,
    cached: Option<f64>,
    cache_write: Option<f64>,
    output: f64,
    long: Option<Long>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    above: u64,
    input: f64,
    cached: Option<f64>,
    cache_write: Option<f64>,
    output: f64,
}

impl Price {
    /// What this use costs, in US dollars.
    pub fn of(&self, usage: Usage) -> f64 {
        let rate = match self.long {
            Some((above, long)) if usage.input > above => long,
            Some(_) | None => self.rate,
        };
        let plain = usage.input.saturating_sub(usage.cached).saturating_sub(usage.cache_write);
        let parts = [
            (plain, rate.input),
            (usage.cached, rate.cached),
            (usage.cache_write, rate.cache_write),
            (usage.output, rate.output),
        ];
        rounded(parts.into_iter().map(|(tokens, rate)| dollars(tokens, rate)).sum())
    }
}

/// Dollars with nine places: what is written so is read again as the same number.
pub fn rounded(dollars: f64) -> f64 {
    (dollars * 1e9).round() / 1e9
}

fn dollars(tokens: u64, rate: f64) -> f64 {
    // 32 bits hold more tokens than a count is believed to have.
    f64::from(u32::try_from(tokens).unwrap_or(u32::MAX)) * rate / 1e6
}

impl Rate {
    fn of(input: f64, cached: Option<f64>, cache_write: Option<f64>, output: f64) -> Rate {
        Rate { input, cached: cached.unwrap_or(input), cache_write: cache_write.unwrap_or(input), output }
    }
}

/// The price that the user gave, if whole.
pub fn price_of(facts: &ModelFacts) -> Option<Price> {
    let rate = Rate::of(facts.input?, facts.cached, facts.cache_write, facts.output?);
    Some(Price { rate, long: None })
}

/// What the table says of a model at a host.
pub fn known(host: &str, model: &str) -> Known {
    let is_there = |vendor: &&Vendor| vendor.hosts.iter().any(|known| known.eq_ignore_ascii_case(host));
    let rows = vendors().iter().filter(is_there).flat_map(|vendor| &vendor.model);
    let Some(row) = rows.into_iter().find(|row| means(model, &row.name)) else { return Known::default() };
    let long = row.long.as_ref();
    let price = Price {
        rate: Rate::of(row.input, row.cached, row.cache_write, row.output),
        long: long.map(|long| (long.above, Rate::of(long.input, long.cached, long.cache_write, long.output))),
    };
    Known { window: row.window, price: Some(price) }
}

/// The vendors whose prices are known.
pub fn vendors() -> &'static [Vendor] {
    static VENDORS: OnceLock<Vec<Vendor>> = OnceLock::new();
    VENDORS.get_or_init(|| match toml::from_str::<Table>(TABLE) {
        Ok(table) => table.vendor,
        Err(error) => {
            // A test reads the table, so this is never seen.
            tracing::error!(%error, "the table of models can not be read");
            Vec::new()
        }
    })
}

/// Whether `name`, or a dated one of it, is the name of a row.
fn means(name: &str, row: &str) -> bool {
    match name.strip_prefix(row) {
        Some("" | "-latest") => true,
        // `-20250929`, `-2025-08-07`
        Some(rest) => {
            let date: String = rest.chars().filter(|character| *character != '-').collect();
            rest.starts_with("-20") && date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_every_row_makes_sense() {
        let table: Table = toml::from_str(TABLE).unwrap();
        let mut rows = 0;
        for vendor in &table.vendor {
            assert!(vendor.source.starts_with("https://") && vendor.as_of.parse::<jiff::civil::Date>().is_ok());
            for row in &vendor.model {
                rows += 1;
                let Known { window, price } = known(&vendor.hosts[0], &row.name);
                let price = price.unwrap();
                assert!(window.unwrap() >= 100_000, "{}", row.name);
                for rate in [Some(price.rate), price.long.map(|(_, rate)| rate)].into_iter().flatten() {
                    assert!(0.0 < rate.cached && rate.cached <= rate.input && rate.input < rate.output, "{}", row.name);
                    assert!(rate.input <= rate.cache_write && rate.cache_write < rate.output, "{}", row.name);
                }
                assert!(price.long.is_none_or(|(above, long)| Some(above) < window && long.input > price.rate.input));
            }
        }
        assert!(rows > 20);
    }

    #[test]
    fn which_row_a_name_means() {
        let input = |host: &str, name: &str| known(host, name).price.map(|price| price.rate.input);
        let openai = |name: &str| input("api.openai.com", name);
        assert_eq!(openai("gpt-5.4"), Some(2.5));
        assert_eq!(openai("gpt-5.4-2026-03-05"), Some(2.5));
        assert_eq!(openai("gpt-5.4-pro"), None, "another model, at another price");
        assert_eq!(openai("gpt-5.4-mini"), Some(0.75));
        assert_eq!(openai("gpt-5.40"), None);
        assert_eq!(input("api.anthropic.com", "claude-haiku-4-5-20251001"), Some(1.0));
        assert_eq!(input("api.anthropic.com", "claude-sonnet-5-5"), Some(2.0));
        assert_eq!(input("openrouter.ai", "gpt-5.4"), None, "what others take for it is not known");
        assert_eq!(input("127.0.0.1", "gpt-5.4"), None);
    }

    #[test]
    fn what_a_use_costs() {
        let check = |host: &str, model: &str, usage: Usage, expected: f64| {
            let cost = known(host, model).price.unwrap().of(usage);
            assert!((cost - expected).abs() < 1e-9, "{model}: {cost}");
        };
        let usage = Usage { input: 100_000, output: 10_000, cached: 80_000, cache_write: 0 };
        check("api.openai.com", "gpt-5.4", usage, 0.02 * 2.5 + 0.08 * 0.25 + 0.01 * 15.0);
        let long = Usage { input: 300_000, cached: 0, ..usage };
        check("api.openai.com", "gpt-5.4", long, 0.3 * 5.0 + 0.01 * 22.5);
        let written = Usage { cache_write: 15_000, ..usage };
        check("api.anthropic.com", "claude-sonnet-4-6", written, 0.005 * 3.0 + 0.08 * 0.3 + 0.015 * 3.75 + 0.01 * 15.0);
        let own = ModelFacts { input: Some(1.0), output: Some(2.0), ..ModelFacts::default() };
        assert!((price_of(&own).unwrap().of(usage) - 0.12).abs() < 1e-9);
        assert_eq!(price_of(&ModelFacts { input: Some(1.0), ..ModelFacts::default() }), None);
        let free = ModelFacts { input: Some(0.0), output: Some(0.0), ..ModelFacts::default() };
        assert!(price_of(&free).unwrap().of(usage).abs() < 1e-12, "that it costs nothing is for the user to say");
    }
}
