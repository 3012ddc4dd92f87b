//! One source of values, and how it is laid over those below it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::{Config, rules};

/// The tables whose keys the user chooses, with a dot behind them.
const NAMED: [&str; 2] = ["mcp.servers.", "models."];

/// The entries of a table by key, in the order of the keys.
pub type Table = BTreeMap<String, Entry>;

/// A value, or a table of more, with the line of its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub line: Option<usize>,
    /// `Err` holds a table.
    pub value: Result<Value, Table>,
}

/// A key with its tables, `limits.max_steps`, and what one source says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    pub key: String,
    pub line: Option<usize>,
    pub value: Value,
}

/// A key that no configuration has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub key: String,
    pub line: Option<usize>,
    pub nearest: String,
}

/// The entries of a JSON object, as editors write them: keys in camel case, tables nested or with a dot, `"limits.maxSteps"`. What
/// is null is not set.
pub fn from_json(object: &Map<String, Value>) -> Table {
    table_at("", object)
}

/// The entries of the object at `path`. Names that the user chooses may hold dots.
fn table_at(path: &str, object: &Map<String, Value>) -> Table {
    let mut table = Table::new();
    for (key, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let value = match value {
            Value::Object(object) => Err(table_at(&format!("{path}{key}."), object)),
            value => Ok(value.clone()),
        };
        let entry = Entry { line: None, value };
        if NAMED.contains(&path) {
            table.insert(key.clone(), entry);
        } else {
            insert(&mut table, key, entry);
        }
    }
    table
}

/// Puts `entry` under `key`; tables of the same name are joined.
fn insert(table: &mut Table, key: &str, entry: Entry) {
    let (key, entry) = match key.split_once('.') {
        Some((outer, inner)) => {
            let mut nested = Table::new();
            insert(&mut nested, inner, entry);
            (outer, Entry { line: None, value: Err(nested) })
        }
        None => (key, entry),
    };
    match (table.get_mut(key).map(|known| &mut known.value), entry) {
        (Some(Err(known)), Entry { value: Err(more), .. }) => {
            for (name, entry) in more {
                insert(known, &name, entry);
            }
        }
        (Some(Ok(_)) | None, entry) | (Some(Err(_)), entry @ Entry { value: Ok(_), .. }) => {
            table.insert(key.to_owned(), entry);
        }
    }
}

/// The assignments in `table`, and the keys that do not exist.
pub fn assignments(table: &Table) -> (Vec<Assignment>, Vec<Unknown>) {
    let mut found = (Vec::new(), Vec::new());
    collect(table, schema(), "", &mut found);
    found
}

fn collect(table: &Table, schema: &Value, prefix: &str, found: &mut (Vec<Assignment>, Vec<Unknown>)) {
    for (name, entry) in table {
        let properties = schema.get("properties").and_then(Value::as_object);
        let known = properties.and_then(|properties| {
            let snake = snake_case(name);
            properties.get_key_value(name.as_str()).or_else(|| properties.get_key_value(&snake))
        });
        let Some((name, schema)) = known else {
            let key = format!("{prefix}{name}");
            let nearest = nearest(&key);
            found.1.push(Unknown { key, line: entry.line, nearest });
            continue;
        };
        let key = format!("{prefix}{name}");
        match &entry.value {
            Ok(value) => found.0.push(Assignment { key, line: entry.line, value: value.clone() }),
            Err(table) if schema.get("properties").is_some() => collect(table, schema, &format!("{key}."), found),
            Err(_) if !schema.get("additionalProperties").is_some_and(Value::is_object) => {
                found.0.push(Assignment { key, line: entry.line, value: to_json(entry, false) });
            }
            // A table whose keys the user chooses. Each of its entries is set as a whole.
            Err(table) => {
                for (name, entry) in table {
                    let key = format!("{key}.{name}");
                    found.0.push(Assignment { key, line: entry.line, value: to_json(entry, true) });
                }
            }
        }
    }
}

/// An entry as plain JSON. In a table of known keys, camel case becomes snake case.
fn to_json(entry: &Entry, keys_are_known: bool) -> Value {
    match &entry.value {
        Ok(value) => value.clone(),
        Err(table) => {
            let entries = table.iter().map(|(name, entry)| {
                let name = if keys_are_known { snake_case(name) } else { name.clone() };
                (name, to_json(entry, false))
            });
            Value::Object(entries.collect())
        }
    }
}

/// What each source can only make stricter: a project does not undo what its user denies.
const ADDING_UP: &[&str] = &["permissions.ask", "permissions.deny", "context.exclude"];

/// The values so far, as JSON, and the configuration that they are.
#[derive(Clone, Debug)]
pub struct Stack {
    values: Value,
    config: Config,
}

impl Default for Stack {
    fn default() -> Stack {
        let config = Config::default();
        // A configuration is numbers, strings and lists: it always serialises.
        Stack { values: serde_json::to_value(&config).unwrap_or_default(), config }
    }
}

impl Stack {
    pub fn config(self) -> Config {
        self.config
    }

    /// Sets one value. One that the key does not take changes nothing, and the error says why.
    pub fn set(&mut self, assignment: &Assignment) -> Result<(), String> {
        rules::check(&assignment.key, &assignment.value)?;
        let mut values = self.values.clone();
        let mut place = &mut values;
        for name in split(&assignment.key) {
            let table = place.as_object_mut().ok_or("a table is expected above it")?;
            place = table.entry(name).or_insert(Value::Null);
        }
        match (ADDING_UP.contains(&assignment.key.as_str()), &mut *place, &assignment.value) {
            (true, Value::Array(rules), Value::Array(more)) => {
                let more: Vec<Value> = more.iter().filter(|rule| !rules.contains(rule)).cloned().collect();
                rules.extend(more);
            }
            (_, place, value) => place.clone_from(value),
        }
        self.config = serde_json::from_value(values.clone()).map_err(|error| error.to_string())?;
        self.values = values;
        Ok(())
    }
}

/// The names in a key. The last name of a table whose keys the user chooses may hold dots of its own.
fn split(key: &str) -> Vec<&str> {
    match NAMED.iter().find_map(|table| Some((*table, key.strip_prefix(table)?))) {
        Some((table, name)) => table.split_terminator('.').chain([name]).collect(),
        None => key.split('.').collect(),
    }
}

/// The schema of a configuration, without references.
fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let settings =
            schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<Config>().to_value()
    })
}

/// Every key there is.
fn all_keys() -> Vec<String> {
    fn walk(schema: &Value, prefix: &str, keys: &mut Vec<String>) {
        for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let key = format!("{prefix}{name}");
            match schema.get("properties") {
                Some(_) => walk(schema, &format!("{key}."), keys),
                None => keys.push(key),
            }
        }
    }
    let mut keys = Vec::new();
    walk(schema(), "", &mut keys);
    keys
}

/// The key that is most like `wrong`: the same name in another table counts as very like.
fn nearest(wrong: &str) -> String {
    let wrong = snake_case(wrong);
    let name = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let distance_to = |key: &String| {
        let whole = distance(key, &wrong);
        whole.min(distance(&name(key), &name(&wrong)) + 1)
    };
    all_keys().into_iter().min_by_key(distance_to).unwrap_or_default()
}

/// Levenshtein's distance: insertions, deletions and replacements of characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (deleted, left) in left.chars().enumerate() {
        let mut diagonal = deleted;
        let mut previous = deleted + 1;
        let mut next = vec![previous];
        for (right, above) in right.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(left != *right);
            previous = replaced.min(above + 1).min(previous + 1);
            diagonal = *above;
            next.push(previous);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key() {
        for (wrong, expected) in [
            ("modle", "model"),
            ("baseurl", "base_url"),
            ("api_key", "api_key_env"),
            ("max_steps", "limits.max_steps"),
            ("limits.max_step", "limits.max_steps"),
            ("limit.max_tokens", "limits.max_tokens"),
            ("limits.turnTimeoutS", "limits.turn_timeout_s"),
            ("permisions.alow", "permissions.allow"),
        ] {
            assert_eq!(nearest(wrong), expected, "{wrong}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
