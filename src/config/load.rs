//! Laying the sources over each other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::file::{self, Owner};
use super::layer::{self, Assignment, Entry, Stack, Table};
use super::{Config, Environment, places};

/// Where a project's own configuration stands, below its folder.
const PROJECT_FILE: &str = ".claw/config.toml";

/// Variables that set a key.
const VARIABLES: [(&str, &str); 3] =
    [("CLAW_PROVIDER", "provider"), ("CLAW_MODEL", "model"), ("CLAW_BASE_URL", "base_url")];

/// Keys of editor settings that are the editor's and the server's own affair.
const EDITOR_KEYS: [&str; 6] = ["trusted", "path", "serverPath", "server", "enable", "arguments"];

/// Everything that configuration comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    pub environment: Option<&'a Environment>,
    /// The folder whose project file counts.
    pub workspace: Option<&'a Path>,
    /// Whether the user trusts that folder. Else its file is read for nothing but to say what is ignored.
    pub trusted: bool,
    /// What the editor sent, each over the one before: `initializationOptions`, then the section `claw`.
    pub editor: &'a [Value],
    pub flags: &'a [Flag],
}

/// A value from the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// As the user writes it: `--max-steps`.
    pub name: &'static str,
    /// With its table: `limits.max_steps`.
    pub key: &'static str,
    pub value: Value,
}

/// The configuration, and how it came about.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub config: Config,
    /// Where each value that is not the default comes from, by key with its table.
    pub origins: BTreeMap<String, Origin>,
    /// What was said and does not count.
    pub ignored: Vec<Ignored>,
    /// What the user should mend.
    pub problems: Vec<Problem>,
    /// The files that took effect.
    pub files: Vec<PathBuf>,
}

/// What set a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    Default,
    File {
        path: PathBuf,
        line: Option<usize>,
    },
    Editor,
    /// An environment variable.
    Env(&'static str),
    Flag(&'static str),
}

/// A value that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    pub key: String,
    pub origin: Origin,
    pub reason: &'static str,
}

/// Something that is wrong with a configuration, and what is done instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub origin: Origin,
    pub key: Option<String>,
    pub message: String,
}

/// Loads the configuration. Blocks on the disk. Never fails: what can not be used is a [`Problem`].
pub fn load(sources: Sources<'_>) -> Loaded {
    let nothing = Environment::default();
    let environment = sources.environment.unwrap_or(&nothing);
    let mut loading = Loading::default();
    if let Some((path, named)) = places::user_file(environment) {
        let found = loading.file(&path, Owner::User, &Origins::Taken);
        if named && !found {
            let origin = Origin::File { path, line: None };
            loading.problem(origin, None, "there is no such file, though CLAW_CONFIG names it".to_owned());
        }
    }
    if let Some(workspace) = sources.workspace {
        let untrusted =
            Origins::Ignored("the workspace is not trusted: `claw trust` makes its own configuration count");
        let origins = if sources.trusted { Origins::Taken } else { untrusted };
        loading.file(&workspace.join(PROJECT_FILE), Owner::Workspace, &origins);
    }
    for settings in sources.editor {
        loading.editor(settings);
    }
    for (variable, key) in VARIABLES {
        if let Some(value) = environment.get(variable) {
            loading.set(single(key, value.into()), &|_| Origin::Env(variable));
        }
    }
    for flag in sources.flags {
        loading.set(single(flag.key, flag.value.clone()), &|_| Origin::Flag(flag.name));
    }
    loading.finish(sources.workspace)
}

impl Loaded {
    /// Where the value of `key` comes from; of a table whose keys the user chooses, where its first entry does.
    pub fn origin(&self, key: &str) -> Origin {
        let is_within = |other: &str| other.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        let within = || self.origins.iter().find(|(other, _)| is_within(other)).map(|(_, origin)| origin);
        self.origins.get(key).or_else(within).cloned().unwrap_or_default()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => formatter.write_str("default"),
            Origin::File { path, line: Some(line) } => write!(formatter, "{}:{line}", path.display()),
            Origin::File { path, line: None } => write!(formatter, "{}", path.display()),
            Origin::Editor => formatter.write_str("the editor's settings"),
            Origin::Env(name) | Origin::Flag(name) => formatter.write_str(name),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.origin, self.message)
    }
}

/// What is done with what a file says.
enum Origins {
    Taken,
    Ignored(&'static str),
}

#[derive(Default)]
struct Loading {
    stack: Stack,
    loaded: Loaded,
}

impl Loading {
    /// Whether there is a file at `path`, usable or not.
    fn file(&mut self, path: &Path, owner: Owner, origins: &Origins) -> bool {
        let at = |line| Origin::File { path: path.to_owned(), line };
        let table = match file::read(path, owner) {
            Ok(None) => return false,
            Ok(Some(table)) => table,
            Err(fault) => {
                // A stranger's mistakes are not the user's to mend.
                if matches!(origins, Origins::Taken) {
                    self.problem(at(fault.line), None, fault.message);
                }
                return true;
            }
        };
        match origins {
            Origins::Taken => {
                self.loaded.files.push(path.to_owned());
                self.set(layer::assignments(&table), &at);
            }
            Origins::Ignored(reason) => {
                let (assignments, unknown) = layer::assignments(&table);
                let assigned = assignments.into_iter().map(|assignment| (assignment.key, assignment.line));
                let unknown = unknown.into_iter().map(|unknown| (unknown.key, unknown.line));
                let ignored = assigned.chain(unknown);
                self.loaded.ignored.extend(ignored.map(|(key, line)| Ignored { key, origin: at(line), reason }));
            }
        }
        true
    }

    fn editor(&mut self, settings: &Value) {
        // A client may send the section as it is, or under its name.
        let settings = settings.get("claw").filter(|section| section.is_object()).unwrap_or(settings);
        let mut table: Table = match settings {
            Value::Object(settings) => layer::from_json(settings),
            _ => return,
        };
        if let Some(Entry { value: Err(trace), .. }) = table.get_mut("trace") {
            // `claw.trace.server` is what language clients call their own log level.
            trace.remove("server");
        }
        table.retain(|key, entry| {
            // A settings page has an empty field where nothing is set.
            !EDITOR_KEYS.contains(&key.as_str()) && !matches!(&entry.value, Ok(Value::String(text)) if text.is_empty())
        });
        self.set(layer::assignments(&table), &|_| Origin::Editor);
    }

    fn set(
        &mut self,
        (assignments, unknown): (Vec<Assignment>, Vec<layer::Unknown>),
        origin: &dyn Fn(Option<usize>) -> Origin,
    ) {
        for assignment in assignments {
            let origin = origin(assignment.line);
            match self.stack.set(&assignment) {
                Ok(()) => {
                    self.loaded.origins.insert(assignment.key, origin);
                }
                Err(reason) => {
                    let instead = self.loaded.origin(&assignment.key);
                    let message = format!("{}: {reason}. The value of {instead} stays", assignment.key)
                        .replace("The value of default stays", "The default stays");
                    self.problem(origin, Some(assignment.key), message);
                }
            }
        }
        for unknown in unknown {
            let message = format!("unknown key {}: it is ignored; the nearest key is {}", unknown.key, unknown.nearest);
            self.problem(origin(unknown.line), Some(unknown.key), message);
        }
    }

    fn problem(&mut self, origin: Origin, key: Option<String>, message: String) {
        self.loaded.problems.push(Problem { origin, key, message });
    }

    fn finish(self, workspace: Option<&Path>) -> Loaded {
        let mut loaded = self.loaded;
        loaded.config = self.stack.config();
        if let Some(script) = &loaded.config.script {
            let origin = loaded.origin("script");
            loaded.config.script = Some(place(script, &origin, workspace));
        }
        let project = workspace.map(|workspace| workspace.join(PROJECT_FILE));
        let mut servers = std::mem::take(&mut loaded.config.mcp.servers);
        for (name, server) in &mut servers {
            // What an editor sends may stand in the workspace's own settings.
            server.is_asked = match loaded.origin(&format!("mcp.servers.{name}")) {
                Origin::Editor => true,
                Origin::File { path, .. } => Some(path) == project,
                Origin::Default | Origin::Env(_) | Origin::Flag(_) => false,
            };
        }
        loaded.config.mcp.servers = servers;
        loaded
    }
}

/// Where a relative path of a script leads: from the workspace; if nothing is there, from the folder of the file that names it.
fn place(path: &str, origin: &Origin, workspace: Option<&Path>) -> String {
    let beside = match origin {
        Origin::File { path, .. } => path.parent(),
        Origin::Default | Origin::Editor | Origin::Env(_) | Origin::Flag(_) => None,
    };
    let candidates: Vec<PathBuf> = [workspace, beside].into_iter().flatten().map(|folder| folder.join(path)).collect();
    let found = candidates.iter().find(|candidate| candidate.exists()).or(candidates.first());
    found.map_or_else(|| path.to_owned(), |found| found.display().to_string())
}

fn single(key: &str, value: Value) -> (Vec<Assignment>, Vec<layer::Unknown>) {
    (vec![Assignment { key: key.to_owned(), line: None, value }], Vec::new())
}
