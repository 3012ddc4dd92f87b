//! What is known of programs, as lists.

/// Variables that change what is printed or how much is tried, and never what runs.
pub(super) const HARMLESS_VARIABLES: &[&str] = &[
    "CARGO_INCREMENTAL",
    "CARGO_TERM_COLOR",
    "CI",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "DEBUG",
    "FORCE_COLOR",
    "INSTA_UPDATE",
    "LANG",
    "LC_ALL",
    "LINES",
    "LOG_LEVEL",
    "NODE_ENV",
    "NO_COLOR",
    "PORT",
    "PROPTEST_CASES",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHONUNBUFFERED",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "RUST_TEST_THREADS",
    "TERM",
    "TZ",
    "UPDATE_EXPECT",
    "VERBOSE",
];

/// Words with which a command that is no simple one begins or goes on.
pub(super) const RESERVED: &[&str] = &[
    "!", "[[", "]]", "{", "}", "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "until", "while",
];

/// Commands of the shell that change it, or run text.
pub(super) const SHELL_WORDS: &[&str] = &[
    ".", "alias", "bg", "bind", "builtin", "caller", "compgen", "complete", "compopt", "declare", "dirs", "disown", "enable",
    "eval", "exec", "export", "fc", "fg", "getopts", "hash", "history", "jobs", "let", "local", "logout", "mapfile", "popd",
    "pushd", "read", "readarray", "readonly", "return", "set", "shift", "shopt", "source", "suspend", "times", "trap", "typeset",
    "ulimit", "umask", "unalias", "unset", "wait",
];

/// Programs that run none of their arguments.
pub(super) const PLAIN: &[&str] = &[
    ":", "[", "b2sum", "base64", "basename", "bc", "black", "bunzip2", "bzip2", "cat", "cd", "chmod", "cksum", "cmp", "column",
    "comm", "cp", "cut", "date", "df", "diff", "dirname", "du", "echo", "egrep", "eslint", "exit", "expand", "expr", "factor",
    "false", "fgrep", "file", "flake8", "fmt", "fold", "grep", "gunzip", "gzip", "head", "hexdump", "hostname", "iconv", "id",
    "isort", "jest", "join", "jq", "kill", "ln", "ls", "md5sum", "mkdir", "mocha", "mv", "mypy", "nl", "nproc", "od", "paste",
    "pgrep", "prettier", "printenv", "printf", "ps", "pwd", "pyright", "pytest", "py.test", "readlink", "realpath", "rev", "rm",
    "rmdir", "ruff", "rustfmt", "seq", "sha1sum", "sha256sum", "sha512sum", "shuf", "sleep", "stat", "strings", "tac", "tail",
    "tee", "test", "touch", "tr", "tree", "true", "truncate", "tsc", "tsort", "type", "uname", "unexpand", "uniq", "unxz", "vitest",
    "wc", "whereis", "which", "whoami", "xxd", "xz", "yes", "zcat", "zstd",
];

/// Programs that run what no reader of the line can see, or as somebody else, or somewhere else; and why.
pub(super) const NEVER_CLEAR: &[(&str, &str)] = &[
    ("apt", "it changes the system"),
    ("apt-get", "it changes the system"),
    ("at", "it runs a command later"),
    ("batch", "it runs a command later"),
    ("brew", "it changes the system"),
    ("bwrap", "it runs a command elsewhere"),
    ("capsh", "it runs a command with other rights"),
    ("chroot", "it runs a command elsewhere"),
    ("chrt", "it runs a command"),
    ("crontab", "it runs commands later"),
    ("dc", "its input can run commands"),
    ("docker", "it runs commands elsewhere"),
    ("docker-compose", "it runs commands elsewhere"),
    ("doas", "it runs a command as somebody else"),
    ("ed", "its input can run commands"),
    ("emacs", "it is an editor, and runs code"),
    ("entr", "it runs a command"),
    ("ex", "its input can run commands"),
    ("expect", "it runs a command"),
    ("fakeroot", "it runs a command"),
    ("flock", "it runs a command"),
    ("ftp", "it sends and runs"),
    ("gdb", "it runs programs and code"),
    ("gnuplot", "its input can run commands"),
    ("ionice", "it runs a command"),
    ("kubectl", "it runs commands elsewhere"),
    ("ldd", "it can run what it looks at"),
    ("less", "it is a pager, and runs commands"),
    ("lldb", "it runs programs and code"),
    ("ltrace", "it runs a command"),
    ("m4", "its input can run commands"),
    ("man", "it runs a pager"),
    ("more", "it is a pager, and runs commands"),
    ("most", "it is a pager, and runs commands"),
    ("mysql", "its input can run commands"),
    ("nano", "it is an editor"),
    ("nc", "it can join a program to the network"),
    ("ncat", "it can join a program to the network"),
    ("netcat", "it can join a program to the network"),
    ("nodemon", "it runs a command"),
    ("nsenter", "it runs a command elsewhere"),
    ("numactl", "it runs a command"),
    ("nvim", "it is an editor, and runs code"),
    ("open", "it opens something with any program"),
    ("parallel", "it runs commands made of its input"),
    ("perf", "it runs a command"),
    ("pkexec", "it runs a command as somebody else"),
    ("podman", "it runs commands elsewhere"),
    ("prlimit", "it runs a command"),
    ("proot", "it runs a command elsewhere"),
    ("psql", "its input can run commands"),
    ("rsync", "it can run a program of its choice"),
    ("run-parts", "it runs all files of a folder"),
    ("runuser", "it runs a command as somebody else"),
    ("scp", "it can run a program of its choice"),
    ("screen", "it runs commands behind"),
    ("script", "it runs a command"),
    ("setarch", "it runs a command"),
    ("setpriv", "it runs a command with other rights"),
    ("sftp", "it can run a program of its choice"),
    ("socat", "it can join a program to the network"),
    ("sqlite3", "its input can run commands"),
    ("ssh", "it runs commands elsewhere"),
    ("start-stop-daemon", "it runs a command behind"),
    ("strace", "it runs a command"),
    ("su", "it runs commands as somebody else"),
    ("sudo", "it runs a command as somebody else"),
    ("systemctl", "it starts and stops services"),
    ("systemd-run", "it runs a command behind"),
    ("taskset", "it runs a command"),
    ("telnet", "it opens a connection"),
    ("tmux", "it runs commands behind"),
    ("unshare", "it runs a command elsewhere"),
    ("valgrind", "it runs a command"),
    ("vi", "it is an editor, and runs commands"),
    ("view", "it is an editor, and runs commands"),
    ("vim", "it is an editor, and runs commands"),
    ("vimdiff", "it is an editor, and runs commands"),
    ("watch", "it runs a command again and again"),
    ("watchexec", "it runs a command"),
    ("xdg-open", "it opens something with any program"),
    ("xvfb-run", "it runs a command"),
];

/// Options that make a program run another one, load code or read further options from a file.
pub(super) struct Flagged {
    pub programs: &'static [&'static str],
    /// `--name`, also cut short.
    pub long: &'static [&'static str],
    /// Letters behind a single dash, alone or among others.
    pub short: &'static str,
    /// How a whole word begins.
    pub begins: &'static [&'static str],
}

pub(super) const FLAGGED: &[Flagged] = &[
    Flagged { programs: &["sort"], long: &["compress-program"], short: "", begins: &[] },
    Flagged { programs: &["split"], long: &["filter"], short: "", begins: &[] },
    Flagged { programs: &["install"], long: &["strip-program"], short: "", begins: &[] },
    Flagged { programs: &["sdiff"], long: &["diff-program"], short: "", begins: &[] },
    Flagged { programs: &["rg"], long: &["pre", "hostname-bin"], short: "", begins: &[] },
    Flagged { programs: &["ag", "ack"], long: &["pager", "ackrc", "output"], short: "", begins: &[] },
    Flagged { programs: &["bat"], long: &["pager", "config-file"], short: "", begins: &[] },
    Flagged {
        programs: &["tar", "bsdtar", "gtar"],
        long: &[
            "checkpoint-action",
            "to-command",
            "use-compress-program",
            "info-script",
            "new-volume-script",
            "rsh-command",
            "rmt-command",
        ],
        short: "IF",
        begins: &["I", "F"],
    },
    Flagged { programs: &["zip"], long: &["unzip-command", "test"], short: "T", begins: &[] },
    Flagged { programs: &["cpio"], long: &["rsh-command"], short: "", begins: &[] },
    Flagged {
        programs: &["make", "gmake"],
        long: &["file", "makefile", "eval"],
        short: "fE",
        begins: &[],
    },
    Flagged { programs: &["ninja", "just"], long: &["justfile", "shell", "set"], short: "f", begins: &[] },
    Flagged { programs: &["cmake"], long: &[], short: "", begins: &["-E", "-P", "-C", "-DCMAKE_"] },
    Flagged { programs: &["cargo"], long: &["config"], short: "Z", begins: &[] },
    Flagged {
        programs: &["go"],
        long: &["exec", "toolexec", "vettool", "overlay", "ldflags", "gcflags", "modfile"],
        short: "",
        begins: &["-exec", "-toolexec", "-vettool", "-overlay", "-ldflags", "-gcflags", "-modfile"],
    },
    Flagged {
        programs: &["cc", "c++", "gcc", "g++", "clang", "clang++", "ld"],
        long: &["specs", "plugin"],
        short: "",
        begins: &["-wrapper", "-fplugin", "-specs", "-B", "@", "-plugin", "-load", "-Xclang"],
    },
    Flagged { programs: &["rustc", "rustdoc"], long: &["runtool", "test-runtool"], short: "Z", begins: &["@", "-Clinker"] },
    Flagged {
        programs: &["npm", "pnpm", "yarn"],
        long: &["script-shell", "node-options", "call", "userconfig", "globalconfig", "use-yarnrc", "git", "editor", "viewer"],
        short: "c",
        begins: &[],
    },
    Flagged {
        programs: &["curl"],
        long: &["config", "output", "remote-name", "output-dir", "engine", "proxy"],
        short: "KoOx",
        begins: &[],
    },
    Flagged {
        programs: &["wget"],
        long: &["use-askpass", "execute", "config", "input-file", "output-document", "post-file"],
        short: "eiO",
        begins: &[],
    },
    Flagged { programs: &["gradle", "mvn", "sbt"], long: &["init-script", "settings"], short: "Is", begins: &[] },
    Flagged { programs: &["java"], long: &[], short: "", begins: &["-javaagent", "-agent", "-XX:On", "@"] },
    Flagged { programs: &["latex", "pdflatex", "xelatex", "lualatex"], long: &[], short: "", begins: &["-shell", "--shell"] },
    Flagged { programs: &["pandoc"], long: &["filter", "lua-filter", "pdf-engine", "defaults"], short: "Ld", begins: &[] },
    Flagged { programs: &["printf"], long: &[], short: "v", begins: &[] },
    Flagged { programs: &["test", "["], long: &[], short: "vR", begins: &[] },
    Flagged { programs: &["pip"], long: &["config-settings", "global-option", "python"], short: "C", begins: &[] },
];

/// The name under which the lists know a program: no folder, no case, no version.
pub(in crate::permission) fn base_name(program: &str) -> String {
    let base = program.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    let base = base.strip_suffix(".exe").unwrap_or(&base);
    let unversioned = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
    let keeps = unversioned.is_empty() || unversioned == base || (PLAIN.contains(&base) && !PLAIN.contains(&unversioned));
    if keeps { base.to_owned() } else { unversioned.to_owned() }
}

/// Whether the lists know a program of that name.
pub(super) fn is_system_program(base: &str) -> bool {
    let base = base_name(base);
    let base = base.as_str();
    PLAIN.contains(&base)
        || NEVER_CLEAR.iter().any(|(name, _)| *name == base)
        || FLAGGED.iter().any(|flagged| flagged.programs.contains(&base))
        || super::wrappers::is_wrapper(base)
        || super::interpreters::is_interpreter(base)
        || matches!(base, "git" | "sed" | "awk" | "find" | "fd" | "xargs" | "npx")
}
