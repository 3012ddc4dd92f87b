//! The parts of a home that builds and tests need: toolchains and what package managers have fetched.
//!
//! Named one by one. A folder that also holds credentials is never shown whole: of `~/.cargo` its registry, of `~/.m2` its
//! repository.

use std::path::Path;

use super::Cache;

/// Below the home folder.
const CACHES: &[&str] = &[
    ".cargo/bin",
    ".cargo/env",
    ".cargo/git",
    ".cargo/registry",
    ".rustup/toolchains",
    ".rustup/settings.toml",
    ".npm/_cacache",
    ".local/bin",
    ".local/lib",
    ".local/share/pnpm/store",
    ".local/share/uv",
    ".local/share/virtualenv",
    ".local/share/fnm",
    ".local/share/mise/installs",
    ".cache/pip",
    ".cache/uv",
    ".cache/yarn",
    ".cache/node",
    ".cache/pypoetry",
    ".yarn/cache",
    ".yarn/berry/cache",
    ".pyenv/bin",
    ".pyenv/libexec",
    ".pyenv/plugins",
    ".pyenv/pyenv.d",
    ".pyenv/shims",
    ".pyenv/version",
    ".pyenv/versions",
    ".rbenv/bin",
    ".rbenv/libexec",
    ".rbenv/shims",
    ".rbenv/version",
    ".rbenv/versions",
    ".nvm/versions",
    ".nvm/alias",
    ".nvm/nvm.sh",
    ".volta/bin",
    ".volta/tools",
    ".asdf/installs",
    ".asdf/shims",
    ".bun/bin",
    ".bun/install/cache",
    ".deno/bin",
    "go/bin",
    "go/pkg",
    ".m2/repository",
    ".gradle/caches",
    ".gradle/wrapper",
    ".nuget/packages",
    ".sdkman/candidates",
    ".opam",
    ".ghcup/bin",
    ".ghcup/ghc",
    ".cabal/packages",
    ".stack/programs",
];

/// Settings that are shown when nothing in them looks like a credential.
const SETTINGS: &[&str] = &[".cargo/config.toml", ".cargo/config"];

const LONGEST_SETTINGS: u64 = 64 * 1024;
const CREDENTIAL_WORDS: &[&str] = &["token", "password", "passwd", "secret", "credential", "auth", "cookie"];

/// What of `home` a confined command may read, as far as it is there.
pub fn tool_caches(home: &Path) -> Vec<Cache> {
    let there = CACHES.iter().map(|name| home.join(name)).filter(|path| path.exists());
    let settings = SETTINGS.iter().map(|name| home.join(name)).filter(|path| is_harmless(path));
    there.chain(settings).map(|path| Cache { from: path.clone(), to: path }).collect()
}

fn is_harmless(path: &Path) -> bool {
    if !path.metadata().is_ok_and(|found| found.is_file() && found.len() <= LONGEST_SETTINGS) {
        return false;
    }
    std::fs::read_to_string(path).is_ok_and(|text| !looks_like_a_credential(&text))
}

fn looks_like_a_credential(text: &str) -> bool {
    let lower = text.to_lowercase();
    CREDENTIAL_WORDS.iter().any(|word| lower.contains(word)) || (lower.contains("://") && lower.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_in_none_of_them() {
        let home = tempfile::tempdir().unwrap();
        let files = [
            ".cargo/credentials.toml",
            ".cargo/registry/index/x",
            ".cargo/config.toml",
            ".npmrc",
            ".npm/_cacache/x",
            ".netrc",
            ".pypirc",
            ".ssh/id_ed25519",
            ".aws/credentials",
            ".config/gh/hosts.yml",
            ".m2/settings.xml",
            ".m2/repository/x",
            ".gradle/gradle.properties",
            ".docker/config.json",
            ".local/share/keyrings/x",
            ".pyenv/versions/3/bin/python",
        ];
        for file in files {
            let path = home.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "[net]\noffline = true\n").unwrap();
        }
        let names = || -> Vec<String> {
            let caches = tool_caches(home.path());
            caches.iter().map(|cache| cache.from.strip_prefix(home.path()).unwrap().display().to_string()).collect()
        };
        let caches = [".cargo/registry", ".npm/_cacache", ".pyenv/versions", ".m2/repository"];
        assert_eq!(names(), [&caches[..], &[".cargo/config.toml"]].concat());
        for config in ["[registry]\nToken = 'x'\n", "[http]\nproxy = 'http://me:pw@proxy'\n", &"#\n".repeat(40_000)] {
            std::fs::write(home.path().join(".cargo/config.toml"), config).unwrap();
            assert_eq!(names(), caches);
        }
    }
}
