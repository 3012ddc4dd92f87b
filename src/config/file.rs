//! Configuration files: read with care, parsed with the line of every key.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layer::{Entry, Table};

/// More than this is no configuration.
const MAX_BYTES: u64 = 1024 * 1024;

/// Whose file it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The user's own: nobody else may be able to write it.
    User,
    /// Part of a workspace that the user trusts as a whole.
    Workspace,
}

/// Why a file is not used: the line, where one is at fault, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: Option<usize>,
    pub message: String,
}

/// The entries of the file at `path`; `None` if there is no such file.
pub fn read(path: &Path, owner: Owner) -> Result<Option<Table>, Fault> {
    let fault = |message: String| Fault { line: None, message };
    let Some(text) = read_text(path, owner).map_err(fault)? else { return Ok(None) };
    parse(&text).map(Some)
}

fn read_text(path: &Path, owner: Owner) -> Result<Option<String>, String> {
    // Opening a pipe would wait for its writer, and a link would lead to a file that was not asked for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => {
            return Err(
                "it is a symbolic link, which another program could turn elsewhere: not used. Put the file itself \
                        here, or name it in CLAW_CONFIG"
                    .to_owned(),
            );
        }
        Err(error) => return Err(format!("it can not be read: {error}")),
    };
    let status = rustix::fs::fstat(&file).map_err(|error| format!("it can not be read: {error}"))?;
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return Err("it is not a file: not used".to_owned());
    }
    if owner == Owner::User {
        let user = rustix::process::geteuid().as_raw();
        if status.st_uid != user && status.st_uid != 0 {
            return Err(format!(
                "it belongs to another user (uid {}): not used. Make it your own with chown",
                status.st_uid
            ));
        }
        if status.st_mode & 0o002 != 0 {
            return Err("everybody may write it: not used. Take that away with `chmod o-w`".to_owned());
        }
    }
    let mut bytes = Vec::new();
    let read = File::from(file).take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("it can not be read: {error}"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(format!("it has more than {MAX_BYTES} bytes, too many for a configuration: not used"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(_) => Err("it is not UTF-8: not used".to_owned()),
    }
}

/// The entries of a TOML document.
pub fn parse(text: &str) -> Result<Table, Fault> {
    let line_of = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    match DeTable::parse(text) {
        Ok(table) => Ok(convert(table.get_ref(), &line_of)),
        Err(error) => Err(Fault {
            line: error.span().map(|span| line_of(span.start)),
            message: format!("it is not valid TOML, so none of it is used: {}", error.message()),
        }),
    }
}

fn convert(table: &DeTable<'_>, line_of: &impl Fn(usize) -> usize) -> Table {
    let entries = table.iter().map(|(key, value)| {
        let line = Some(line_of(key.span().start));
        let entry = match value.get_ref() {
            DeValue::Table(table) => Entry { line, value: Err(convert(table, line_of)) },
            _ => Entry { line, value: Ok(plain(value)) },
        };
        (key.get_ref().clone().into_owned(), entry)
    });
    entries.collect()
}

/// A value without its place.
fn plain(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => text.as_ref().into(),
        // Numbers too large for JSON stay text, which no key of a number takes.
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.into(),
            Err(_) => number.as_str().into(),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
            Some(number) => Value::Number(number),
            None => number.as_str().into(),
        },
        DeValue::Boolean(truth) => (*truth).into(),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(values) => values.iter().map(plain).collect(),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(key, value)| (key.get_ref().clone().into_owned(), plain(value)));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
    }
}
