//! The environment a confined command gets: what is known to be harmless and useful, and nothing else.
//!
//! Keys and tokens live in environments under every name there is, so names are let in, never sorted out.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Names that pass as they are.
const PASSES: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_JOBS",
    "CARGO_INCREMENTAL",
    "CARGO_PROFILE_DEV_DEBUG",
    "CARGO_PROFILE_TEST_DEBUG",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUST_BACKTRACE",
    "RUST_TEST_THREADS",
    "RUST_MIN_STACK",
    "GOPATH",
    "GOROOT",
    "GOFLAGS",
    "GOTOOLCHAIN",
    "JAVA_HOME",
    "MAVEN_HOME",
    "GRADLE_HOME",
    "NODE_PATH",
    "NVM_DIR",
    "VOLTA_HOME",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "RBENV_ROOT",
    "PYTHONHASHSEED",
    "PYTHONDONTWRITEBYTECODE",
    "DOTNET_ROOT",
    "MAKEFLAGS",
    "CC",
    "CXX",
    "CFLAGS",
    "CXXFLAGS",
    "LDFLAGS",
    "PKG_CONFIG_PATH",
    "SOURCE_DATE_EPOCH",
];

/// What a command without a terminal and without a person needs said.
const SET: &[(&str, &str)] = &[
    ("TERM", "dumb"),
    ("NO_COLOR", "1"),
    ("CI", "1"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("MANPAGER", "cat"),
    ("EDITOR", "false"),
    ("VISUAL", "false"),
    ("GIT_EDITOR", "false"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("TMPDIR", "/tmp"),
];

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What a tool needs to be told where there is no network, so that it uses what it has rather than wait for what it has not.
pub(super) const OFFLINE: &[(&str, &str)] = &[
    ("CARGO_NET_OFFLINE", "true"),
    ("npm_config_offline", "true"),
    ("npm_config_audit", "false"),
    ("npm_config_fund", "false"),
    ("npm_config_update_notifier", "false"),
    ("PIP_NO_INDEX", "1"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("UV_OFFLINE", "1"),
    ("GOPROXY", "off"),
];

/// What of an environment a confined command may have, with what it should be told besides. `PATH` keeps its absolute folders.
pub fn environment(from: impl Iterator<Item = (OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let mut kept: Vec<(OsString, OsString)> =
        SET.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    let mut path = OsString::from(PATH);
    for (name, value) in from {
        if name == "PATH" {
            path = absolute_folders(&value);
        } else if passes(&name) && !has_userinfo(&value) {
            kept.push((name, value));
        }
    }
    kept.push(("PATH".into(), path));
    kept.sort();
    kept
}

fn passes(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| PASSES.contains(&name) || name.starts_with("LC_"))
}

/// A URL with a name and a password in it, in a variable that should hold none.
fn has_userinfo(value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    value.split("://").skip(1).any(|rest| rest.split(['/', ' ']).next().is_some_and(|host| host.contains('@')))
}

fn absolute_folders(path: &OsStr) -> OsString {
    let folders = std::env::split_paths(path).filter(|folder| Path::new(folder).is_absolute());
    match std::env::join_paths(folders) {
        Ok(joined) if !joined.is_empty() => joined,
        Ok(_) | Err(_) => PATH.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(from: &[(&str, &str)]) -> Vec<(String, String)> {
        let set: Vec<&str> = SET.iter().map(|(name, _)| *name).collect();
        environment(from.iter().map(|(name, value)| (name.into(), value.into())))
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| !set.contains(&name.as_str()))
            .collect()
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn names_are_let_in_and_never_sorted_out() {
        let from = [
            ("PATH", "/usr/bin:bin::./x:/opt/x"),
            ("LC_ALL", "C"),
            ("LANG", "de_DE"),
            ("HOME", "/home/x"),
            ("OPENAI_API_KEY", "k"),
            ("AWS_SECRET_ACCESS_KEY", "k"),
            ("GITHUB_TOKEN", "k"),
            ("SSH_AUTH_SOCK", "/x"),
            ("CARGO_REGISTRY_TOKEN", "k"),
            ("CARGO_REGISTRIES_X_TOKEN", "k"),
            ("NPM_TOKEN", "k"),
            ("HTTPS_PROXY", "k"),
            ("LD_PRELOAD", "/x.so"),
            ("BASH_ENV", "/x"),
            ("RUSTC_WRAPPER", "/x"),
            ("DOCKER_HOST", "k"),
            ("anything", "k"),
            ("RUSTFLAGS", "-C x=https://me:pw@host/x"),
            ("CARGO_HOME", "/home/x/.cargo"),
        ];
        let expected = [
            ("CARGO_HOME", "/home/x/.cargo"),
            ("HOME", "/home/x"),
            ("LANG", "de_DE"),
            ("LC_ALL", "C"),
            ("PATH", "/usr/bin:/opt/x"),
        ];
        assert_eq!(kept(&from), pairs(&expected));
    }

    #[test]
    fn a_path_of_nothing_absolute_is_the_systems() {
        assert_eq!(kept(&[("PATH", "bin:.")]), pairs(&[("PATH", PATH)]));
        assert_eq!(kept(&[]), pairs(&[("PATH", PATH)]));
    }

    #[test]
    fn what_it_says_of_itself_is_not_overruled() {
        let told = environment([("TERM".into(), "xterm".into()), ("PAGER".into(), "less".into())].into_iter());
        let terms: Vec<_> = told.iter().filter(|(name, _)| name == "TERM" || name == "PAGER").collect();
        assert_eq!(terms, [&("PAGER".into(), "cat".into()), &("TERM".into(), "dumb".into())]);
    }
}
