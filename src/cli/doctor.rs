//! `claw doctor`: what works here, and how to mend what does not.

mod model;

use std::io::Write;

use serde::Serialize;

use self::model::model;
use super::arguments::DoctorArguments;
use super::error::{CliError, Exit};
use super::run::runtime;
use super::setup::{self, Setup};
use super::terminal::{ColorChoice, Out, Style};
use super::visible::visible;
use crate::agent::web_of;
use crate::sandbox::{Sandbox, Unavailable};
use crate::store::{Store, Trust};
use crate::syntax::{Language, Symbols};
use crate::text::Text;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// Worth knowing; nothing is broken.
    Note,
    /// Something that is needed does not work.
    Failed,
}

#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Verdict,
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    version: &'static str,
    checks: Vec<Check>,
}

pub fn run(arguments: &DoctorArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let setup = Setup::new(&arguments.directory, &setup::model_flags(&arguments.model))?;
    let runtime = runtime()?;
    let mut checks = config(&setup);
    checks.push(workspace(&setup));
    checks.push(state(&setup));
    checks.push(grammars());
    checks.extend(runtime.block_on(model(&setup)));
    checks.push(sandbox());
    checks.push(web(&setup));
    checks.push(search(&setup));
    checks.extend(runtime.block_on(servers(&setup)));
    runtime.shutdown_background();
    let ok = checks.iter().all(|check| check.status != Verdict::Failed);
    let report = Report { ok, version: env!("CARGO_PKG_VERSION"), checks };

    let mut out = Out::stdout(color);
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write_report(&mut out, &report)?;
    }
    out.flush()?;
    Ok(if ok { Exit::Done } else { Exit::Failed })
}

fn write_report(out: &mut Out, report: &Report) -> Result<(), CliError> {
    let palette = out.palette;
    writeln!(out, "claw {}", report.version)?;
    for check in &report.checks {
        let mark = match check.status {
            Verdict::Ok => palette.paint(Style::Green, "✓"),
            Verdict::Note => palette.paint(Style::Yellow, "·"),
            Verdict::Failed => palette.paint(Style::Red, "✗"),
        };
        let mut lines = visible(&check.message).into_owned();
        if let Some(mend) = &check.mend {
            lines.push('\n');
            lines.push_str(&visible(mend));
        }
        let indented = lines.replace('\n', &format!("\n{:15}", ""));
        writeln!(out, "{mark} {} {indented}", palette.paint(Style::Bold, format_args!("{:<12}", check.name)))?;
    }
    Ok(())
}

fn config(setup: &Setup) -> Vec<Check> {
    let problems = setup.problems();
    if problems.is_empty() {
        let files: Vec<String> = setup.loaded.files.iter().map(|path| path.display().to_string()).collect();
        let message = match files.as_slice() {
            [] => "no file: defaults and the environment".to_owned(),
            files => files.join(", "),
        };
        return vec![Check { name: "config", status: Verdict::Ok, message, mend: None }];
    }
    let failed = |problem: String| Check { name: "config", status: Verdict::Failed, message: problem, mend: None };
    problems.into_iter().map(failed).collect()
}

fn workspace(setup: &Setup) -> Check {
    let root = setup.root.display();
    if setup.trusted {
        return Check { name: "workspace", status: Verdict::Ok, message: format!("{root}, trusted"), mend: None };
    }
    let ignored = setup.ignored();
    let what = match ignored.as_slice() {
        [] => "no command runs in it before you are asked".to_owned(),
        ignored => format!("no command runs in it before you are asked\n{}", ignored.join("\n")),
    };
    Check {
        name: "workspace",
        status: Verdict::Note,
        message: format!("{root}, not trusted; {what}"),
        mend: (!ignored.is_empty()).then(|| "`claw trust` changes that, if you know who wrote it".to_owned()),
    }
}

/// The MCP servers that are configured, started now as far as a turn would start them unasked.
async fn servers(setup: &Setup) -> Vec<Check> {
    let found = match super::servers::look(setup).await {
        Ok(found) => found,
        Err(error) => {
            return vec![Check { name: "mcp", status: Verdict::Failed, message: error.to_string(), mend: None }];
        }
    };
    let check = |server: super::servers::Found| {
        let name = &server.settings.name;
        let (status, message) = match &server.state {
            Ok(state) if state.ok => (Verdict::Ok, format!("{name}: {} tools", state.tools.len())),
            Ok(state) => (Verdict::Failed, format!("{name}: {}", state.error.as_deref().unwrap_or_default())),
            Err(why) => (Verdict::Note, format!("{name}: {why}")),
        };
        let mend = format!("see `claw inspect mcp`, and [mcp.servers.{name}] in {}", server.origin);
        Check { name: "mcp", status, message, mend: (status == Verdict::Failed).then_some(mend) }
    };
    found.into_iter().map(check).collect()
}

fn state(setup: &Setup) -> Check {
    let folder = setup.state.display().to_string();
    // Opening makes the folder; a file made and dropped in it shows that it can be written.
    let tried = Store::open(&setup.state).and_then(|store| tempfile::tempfile_in(store.root()));
    match tried {
        Ok(_) => Check { name: "state", status: Verdict::Ok, message: folder, mend: None },
        Err(error) => Check {
            name: "state",
            status: Verdict::Failed,
            message: format!("{folder} can not be written: {error}"),
            mend: Some("mend its permissions, or set CLAW_STATE_DIR to a folder of yours".to_owned()),
        },
    }
}

/// Parses a line in each language, so that a grammar that does not load is seen here.
fn grammars() -> Check {
    let (work, broken): (Vec<Language>, Vec<Language>) = Language::ALL
        .iter()
        .partition(|language| !Symbols::of(&Text::new(language.sample()), **language).all.is_empty());
    let names = |list: &[Language]| list.iter().map(|language| language.name()).collect::<Vec<_>>().join(", ");
    match broken.as_slice() {
        [] => Check { name: "grammars", status: Verdict::Ok, message: names(&work), mend: None },
        broken => Check {
            name: "grammars",
            status: Verdict::Failed,
            message: format!("these do not parse: {}", names(broken)),
            mend: Some("this build is broken: build it again from a clean checkout".to_owned()),
        },
    }
}

/// Tries the forbidden acts. That no command can be confined is no failure of the rest: then none is run.
fn sandbox() -> Check {
    let told = match Sandbox::find().map(|sandbox| sandbox.prove()) {
        Ok(proof) if proof.holds() => {
            return Check { name: "sandbox", status: Verdict::Ok, message: proof.summary(), mend: None };
        }
        Ok(proof) => Unavailable { reason: proof.summary(), mend: proof.mend.unwrap_or_default() },
        Err(unavailable) => unavailable,
    };
    Check {
        name: "sandbox",
        status: Verdict::Note,
        message: format!("no command is run unattended: {}", told.reason),
        mend: Some(told.mend).filter(|mend| !mend.is_empty()),
    }
}

/// How pages are reached.
fn web(setup: &Setup) -> Check {
    const PROXIES: [&str; 4] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];
    let is_set = |name: &&str| setup.environment.get(name).or(setup.environment.get(&name.to_lowercase())).is_some();
    let proxies: Vec<&str> = PROXIES.into_iter().filter(is_set).collect();
    let how = if proxies.is_empty() { "no proxy".to_owned() } else { format!("as {} say", proxies.join(", ")) };
    Check { name: "web", status: Verdict::Ok, message: format!("pages of public addresses, {how}"), mend: None }
}

/// Who answers searches. Nobody is asked: a search would be one.
fn search(setup: &Setup) -> Check {
    let web = web_of(setup.config(), &setup.environment);
    match (web.search_provider(), web.check_search()) {
        (None, _) => Check {
            name: "search",
            status: Verdict::Note,
            message: "no web searches: none is configured".to_owned(),
            mend: Some("set `provider` under [search]: searxng, brave or tavily".to_owned()),
        },
        (Some(name), Ok(())) => Check { name: "search", status: Verdict::Ok, message: name.to_owned(), mend: None },
        (Some(_), Err(error)) => {
            Check { name: "search", status: Verdict::Failed, message: error.to_string(), mend: None }
        }
    }
}

/// Marks a workspace as trusted, or takes the mark back.
pub fn trust(directory: Option<&std::path::Path>, trusted: bool, color: ColorChoice) -> Result<Exit, CliError> {
    let folder = directory.unwrap_or(std::path::Path::new("."));
    let failed = |error: std::io::Error| CliError::usage(format!("{}: {error}", folder.display()));
    let trust = Trust::new(setup::store()?.root());
    let mut out = Out::stdout(color);
    if trusted {
        let path = trust.trust(folder).map_err(failed)?;
        writeln!(
            out,
            "{} is trusted: commands may run in it, as the permission mode says, and its own .claw/config.toml takes effect",
            path.display()
        )?;
        writeln!(out, "`claw inspect permissions` shows what may be done unasked")?;
    } else if trust.untrust(folder).map_err(failed)? {
        writeln!(
            out,
            "{} is no longer trusted: no command runs in it before you are asked, and its own .claw/config.toml is ignored",
            folder.display()
        )?;
    } else {
        writeln!(out, "{} was not trusted", folder.display())?;
    }
    out.flush()?;
    Ok(Exit::Done)
}
