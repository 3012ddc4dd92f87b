//! The one table of commands and flags. Help, completions and the manifest are made from it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::terminal::ColorChoice;

/// A coding agent that lives inside a language server.
#[derive(Debug, Parser)]
#[command(
    name = "claw",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Examples:\n  claw demo                                  see it work, without a model\n  \
                  claw run \"Make the failing test pass\"      one task here, hunk by hunk\n  \
                  claw doctor                                check the set-up\n\n\
                  Settings are read from $XDG_CONFIG_HOME/claw/config.toml and .claw/config.toml."
)]
pub struct Arguments {
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The language server, on stdin and stdout
    Lsp(LspArguments),
    /// One task, without an editor
    Run(RunArguments),
    /// The main job on a small sample project, with a recorded model: no key, no network
    Demo(DemoArguments),
    /// The symbols of the workspace as an outline, most telling files first
    Map(MapArguments),
    /// A dry run: what would be sent to the model, section by section
    Context(ContextArguments),
    /// Which ask put a line where it stands
    Blame(BlameArguments),
    /// Past sessions
    Sessions(SessionsArguments),
    /// A session as a tree
    Trace(TraceArguments),
    /// Runs the harness again on a recorded session, offline, and compares
    Replay(ReplayArguments),
    /// Tools, commands, events, configuration keys, prompts and grammars of this build, as JSON
    Manifest(ManifestArguments),
    /// What a part of Claw holds now
    Inspect(InspectArguments),
    /// Checks the set-up and says how to mend what fails
    Doctor(DoctorArguments),
    /// Marks a workspace as trusted: its own configuration takes effect
    Trust(TrustArguments),
    /// Takes the mark back
    Untrust(TrustArguments),
    /// Completions for a shell
    Completions(CompletionsArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Example, for Neovim:\n  vim.lsp.start({ name = 'claw', cmd = { 'claw', 'lsp' } })")]
pub struct LspArguments {
    /// Speak on stdin and stdout; the only way there is, accepted because clients pass it
    #[arg(long)]
    pub stdio: bool,
    /// The editor's process: when it ends, so does the server
    #[arg(long = "clientProcessId", value_name = "PID")]
    pub client_process_id: Option<i32>,
}

/// Where the workspace is.
#[derive(Debug, Default, Args)]
pub struct Directory {
    /// The workspace [default: the current directory]
    #[arg(short = 'C', long = "directory", value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// Which model, instead of the configured one.
#[derive(Debug, Default, Args)]
pub struct ModelArguments {
    /// The model's name as its provider knows it
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Who serves the model
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Where the provider is, down to the version: http://127.0.0.1:11434/v1
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// How much the model thinks: none, minimal, low, medium, high, xhigh, max
    #[arg(long, value_name = "WORD")]
    pub effort: Option<String>,
    /// Play the model's turns from this file (implies --provider script)
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw run \"Make the failing test in tests/ pass\"\n  \
                        claw run --apply \"Add docstrings to src/slug.py\"\n  \
                        git diff | claw run - --output json\n  \
                        claw run --continue \"Now do the same for the tests\"\n  \
                        claw run --plan \"Split src/server.rs\"\n\n\
                        Exit: 0 done, 1 failed, 2 usage or configuration, 3 a limit was reached, 130 cancelled.")]
pub struct RunArguments {
    /// What to do; `-` reads it from stdin
    #[arg(value_name = "TASK")]
    pub task: Option<String>,
    #[command(flatten)]
    pub directory: Directory,
    /// Look and answer with a plan, which a terminal then asks about; nothing is changed before you approve it
    #[arg(long)]
    pub plan: bool,
    /// Accept every hunk and write it, but for those on protected paths
    #[arg(long)]
    pub apply: bool,
    /// What stdout holds: the answer and a diff, one JSON object at the end, or one event a line
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: OutputFormat,
    /// Go on with this session: an id, the start of one, or `last`
    #[arg(long, value_name = "ID", conflicts_with = "continue_last")]
    pub session: Option<String>,
    /// Go on with the last session of this workspace
    #[arg(long = "continue")]
    pub continue_last: bool,
    #[command(flatten)]
    pub model: ModelArguments,
    /// How much may be done unasked: read-only, ask, auto
    #[arg(long, value_name = "MODE")]
    pub permission_mode: Option<String>,
    /// Never do what this rule speaks of, as `shell` or `edit_file(secrets/**)`; may be given more than once
    #[arg(long, value_name = "RULE")]
    pub deny: Vec<String>,
    /// Model requests the turn may make
    #[arg(long, value_name = "N")]
    pub max_steps: Option<u32>,
    /// Tokens, input and output together, the turn may use
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u64>,
    /// US dollars the turn may cost
    #[arg(long, value_name = "USD")]
    pub max_cost: Option<f64>,
    /// Seconds the turn may take
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Who runs the command, for the trace: a program says so, and nobody else needs to
    #[arg(long, hide = true, value_enum, default_value_t, value_name = "NAME")]
    pub frontend: Caller,
}

/// Who runs the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Caller {
    /// Somebody at a shell, or a script.
    #[default]
    Cli,
    /// The Python package.
    Python,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    #[default]
    Text,
    Json,
    StreamJson,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw demo\n  claw demo --dir /tmp/look    keep the sample project there")]
pub struct DemoArguments {
    /// An empty or new folder for the sample project [default: a new one in the temporary folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Show everything at once, without the pauses of a model that thinks
    #[arg(long)]
    pub fast: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw map\n  claw map src --tokens 500\n  claw map --focus src/lib.rs:40 --json")]
pub struct MapArguments {
    /// Only these files and folders
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub directory: Directory,
    /// Tokens the map may take
    #[arg(long, value_name = "N", alias = "budget")]
    pub tokens: Option<u64>,
    /// What you are looking at: what stands near it comes first
    #[arg(long, value_name = "FILE[:LINE]")]
    pub focus: Option<String>,
    #[arg(long, help = "As JSON")]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw context \"Rename slugify\"\n  \
                        claw context --at src/slug.py:12 \"Why is this slow?\" --json")]
pub struct ContextArguments {
    /// What you would ask
    #[arg(value_name = "TASK")]
    pub task: String,
    #[command(flatten)]
    pub directory: Directory,
    /// Where your cursor would be
    #[arg(long, value_name = "FILE:LINE")]
    pub at: Option<String>,
    #[arg(long, help = "As JSON: the `context` event")]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw blame src/slug.py:12\n  claw blame src/slug.py:12 --json")]
pub struct BlameArguments {
    /// The line, counted from 1
    #[arg(value_name = "FILE:LINE")]
    pub place: String,
    #[command(flatten)]
    pub directory: Directory,
    #[arg(long, help = "As JSON")]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  claw sessions\n  claw sessions show last\n  claw sessions rename 0193 \"slug fix\"\n  \
                  claw sessions apply last\n  claw sessions prune --days 30"
)]
pub struct SessionsArguments {
    #[command(subcommand)]
    pub action: Option<SessionsAction>,
    #[arg(long, help = "As JSON")]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum SessionsAction {
    /// Every session, newest first
    #[command(after_help = "Example:\n  claw sessions list --json")]
    List {
        #[arg(long, help = "As JSON")]
        json: bool,
    },
    /// One session: its turns, answers and what it still proposes
    #[command(after_help = "Example:\n  claw sessions show last")]
    Show {
        #[arg(value_name = "SESSION", help = SESSION_HELP)]
        session: String,
        #[arg(long, help = "As JSON")]
        json: bool,
    },
    /// Go on with a session: the same as `claw run --session`
    #[command(after_help = "Example:\n  claw sessions resume last \"Also update the changelog\"")]
    Resume {
        #[arg(value_name = "SESSION", help = SESSION_HELP)]
        resumed: String,
        #[command(flatten)]
        run: Box<RunArguments>,
    },
    /// Write what a session proposes: every hunk but those on protected paths, or those that are named
    #[command(after_help = "Examples:\n  claw sessions apply last --dry-run\n  claw sessions apply last\n\n\
                            Exit: 0 written, or nothing to write, 1 nothing could be written, 2 usage or configuration.")]
    Apply(ApplyArguments),
    /// Give a session another title
    #[command(after_help = "Example:\n  claw sessions rename last \"slug fix\"")]
    Rename {
        #[arg(value_name = "SESSION", help = SESSION_HELP)]
        session: String,
        title: String,
    },
    /// Copy a session's trace, one event a line
    #[command(after_help = "Example:\n  claw sessions export last --to session.jsonl")]
    Export {
        #[arg(value_name = "SESSION", help = SESSION_HELP)]
        session: String,
        /// The file to write [default: stdout]
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Remove sessions
    #[command(after_help = "Example:\n  claw sessions rm 0193ab")]
    Rm {
        #[arg(value_name = "SESSION", help = SESSION_HELP, required = true)]
        sessions: Vec<String>,
    },
    /// Remove old sessions
    #[command(after_help = "Example:\n  claw sessions prune --days 30")]
    Prune {
        /// Those that last changed more days ago than this [default: `keep_days` of the configuration]
        #[arg(long, value_name = "N")]
        days: Option<u32>,
    },
}

#[derive(Debug, Args)]
pub struct ApplyArguments {
    #[arg(value_name = "SESSION", help = SESSION_HELP)]
    pub session: String,
    /// Only these, by the ids in the `proposal` event; ones on protected paths too
    #[arg(value_name = "HUNK")]
    pub hunks: Vec<String>,
    #[command(flatten)]
    pub directory: Directory,
    /// Write nothing: only show the diff
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, help = "As JSON")]
    pub json: bool,
}

const SESSION_HELP: &str = "An id, the start of one, or `last`";

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  claw trace last\n  claw trace last --html session.html    one page, for a browser\n  \
                        claw trace 0193ab --json | jq .type"
)]
pub struct TraceArguments {
    #[arg(value_name = "SESSION", help = SESSION_HELP)]
    pub session: String,
    /// The events themselves, one a line
    #[arg(long)]
    pub json: bool,
    /// One page that needs nothing else, written to FILE; `-` is standard output
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub html: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  claw replay last\n\nExit: 0 identical, 1 with the first divergence.")]
pub struct ReplayArguments {
    #[arg(value_name = "SESSION", help = SESSION_HELP)]
    pub session: String,
    #[arg(long, help = "As JSON")]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  claw manifest | jq '.tools[].name'")]
pub struct ManifestArguments {}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw inspect config\n  claw inspect permissions\n  claw inspect tools --json")]
pub struct InspectArguments {
    #[arg(value_enum)]
    pub subsystem: Subsystem,
    #[command(flatten)]
    pub directory: Directory,
    #[arg(long, help = "As JSON")]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Subsystem {
    /// What the model can call
    Tools,
    /// What the model is told
    Prompts,
    /// What the first request of a turn holds here
    Context,
    /// Who can serve the model, and what is chosen
    Providers,
    /// Each value, with the file or flag that set it
    Config,
    /// What may be done unasked, and the file of each rule
    Permissions,
    /// The languages that can be parsed
    Grammars,
    /// The forbidden acts, tried in the sandbox now
    Sandbox,
    /// MCP servers: what each may do, and the tools that it offers now
    Mcp,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw doctor\n  claw doctor --json")]
pub struct DoctorArguments {
    #[command(flatten)]
    pub directory: Directory,
    #[command(flatten)]
    pub model: ModelArguments,
    #[arg(long, help = "As JSON")]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claw trust\n  claw untrust ~/src/other")]
pub struct TrustArguments {
    /// The workspace [default: the current directory]
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  claw completions bash > ~/.local/share/bash-completion/completions/claw")]
pub struct CompletionsArguments {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "`{}` has no example", command.get_name());
            assert!(command.get_about().is_some(), "`{}` says not what it does", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }
}
