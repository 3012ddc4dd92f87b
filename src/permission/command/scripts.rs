//! The files that say what a command really runs: the script behind `npm test`.

use super::parse;
use super::table::base_name;

const PYTHON: &[&str] = &["pyproject.toml", "setup.cfg", "setup.py", "pytest.ini", "tox.ini", "conftest.py"];
const NODE: &[&str] = &["package.json", ".npmrc"];

/// What programs read to know what to run.
const SOURCES: &[(&[&str], &[&str])] = &[
    (&["npm", "pnpm", "yarn", "npx", "bun", "jest", "vitest", "eslint", "mocha"], NODE),
    (&["make", "gmake"], &["GNUmakefile", "makefile", "Makefile"]),
    (&["cargo"], &["Cargo.toml", "build.rs", ".cargo/config.toml", "rust-toolchain.toml"]),
    (&["pytest", "py.test", "python", "tox", "nox", "hatch", "poetry", "pdm", "uv"], PYTHON),
    (&["just"], &["justfile", "Justfile", ".justfile"]),
    (&["deno"], &["deno.json", "deno.jsonc"]),
    (&["go"], &["go.mod"]),
    (&["cmake", "ctest"], &["CMakeLists.txt"]),
    (&["gradle", "gradlew"], &["build.gradle", "build.gradle.kts", "settings.gradle"]),
    (&["mvn", "mvnw"], &["pom.xml"]),
    (&["rake", "bundle"], &["Rakefile", "Gemfile"]),
];

/// Files, relative to the folder in which the command runs, whose content decides what it does: manifests with scripts, and the
/// scripts that it names. An approval that is remembered should end when one of them changes.
pub fn script_sources(command: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in parse(command).parts {
        let base = base_name(part.program());
        for (programs, files) in SOURCES {
            if programs.contains(&base.as_str()) {
                found.extend(files.iter().map(|file| (*file).to_owned()));
            }
        }
        let is_script = part.program().contains('/') && !part.program().starts_with('/');
        if is_script {
            found.push(part.program().to_owned());
        }
        if super::interpreters::is_interpreter(&base) || super::interpreters::shell::is_shell(&base) {
            let script = part.arguments().iter().find(|word| !word.text.starts_with('-') && word.is_fixed());
            found.extend(script.map(|word| word.text.clone()));
        }
    }
    found.sort();
    found.dedup();
    found
}
