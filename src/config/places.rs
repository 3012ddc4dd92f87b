//! Where configuration and state are kept.

use std::path::{Path, PathBuf};

use super::Environment;

/// The user's configuration file: `CLAW_CONFIG`, else `claw/config.toml` in the folder of configurations. `None` where there is no
/// home. The flag tells whether the user named it.
pub fn user_file(environment: &Environment) -> Option<(PathBuf, bool)> {
    if let Some(named) = environment.get("CLAW_CONFIG") {
        return Some((PathBuf::from(named), true));
    }
    Some((base(environment, "XDG_CONFIG_HOME", ".config")?.join("claw").join("config.toml"), false))
}

/// The rules that the user allowed for good: beside the user's configuration file.
pub fn always_file(environment: &Environment) -> Option<PathBuf> {
    let (file, named) = user_file(environment)?;
    Some(if named { file.with_extension("permissions.toml") } else { file.with_file_name("permissions.toml") })
}

/// The folder of sessions and trust: `CLAW_STATE_DIR`, else `claw` in the folder of states. `None` where there is no home.
pub fn state_dir(environment: &Environment) -> Option<PathBuf> {
    if let Some(named) = environment.get("CLAW_STATE_DIR") {
        return Some(PathBuf::from(named));
    }
    Some(base(environment, "XDG_STATE_HOME", ".local/state")?.join("claw"))
}

/// A base folder of the XDG specification, in which a relative path in a variable counts as none.
fn base(environment: &Environment, variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = environment.get(variable).map(Path::new).filter(|path| path.is_absolute());
    match named {
        Some(path) => Some(path.to_owned()),
        None => Some(Path::new(environment.get("HOME")?).join(below_home)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_the_environment() {
        let check = |variables: &[(&str, &str)], file: Option<(&str, bool)>, state: Option<&str>| {
            let environment = variables.iter().copied().collect();
            assert_eq!(user_file(&environment), file.map(|(path, named)| (PathBuf::from(path), named)));
            assert_eq!(state_dir(&environment), state.map(PathBuf::from));
        };
        check(&[("HOME", "/h")], Some(("/h/.config/claw/config.toml", false)), Some("/h/.local/state/claw"));
        check(
            &[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "relative")],
            Some(("/c/claw/config.toml", false)),
            Some("/h/.local/state/claw"),
        );
        check(&[("CLAW_CONFIG", "/x.toml"), ("CLAW_STATE_DIR", "/s")], Some(("/x.toml", true)), Some("/s"));
        check(&[], None, None);
    }
}
