//! Names that never come into a shadow, or never out of it.

/// Folders of what a build depends on: too large to be copied, and not the user's own work.
const DEPENDENCIES: &[&str] = &["node_modules", ".venv", "venv", "vendor", ".tox", ".nox", ".bundle", ".pnpm-store"];

/// Files that hold keys and passwords, by their whole name.
const SECRETS: &[&str] = &[
    ".env",
    ".npmrc",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".pgpass",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    ".my.cnf",
    ".s3cfg",
    "kubeconfig",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "service-account.json",
    "secrets.json",
    "secrets.yml",
    "secrets.yaml",
    "secrets.toml",
];
/// And by how it starts and ends.
const SECRET_STARTS: &[&str] = &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
const SECRET_ENDS: &[&str] = &[".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"];
/// What only shows how such a file looks.
const EXAMPLES: &[&str] = &["example", "sample", "template", "dist", "defaults", "schema"];

pub(super) fn is_dependency(name: &[u8]) -> bool {
    DEPENDENCIES.iter().any(|known| known.as_bytes() == name)
}

/// Whether a file of this name is kept from commands because of what such files hold.
pub(super) fn is_secret(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_lowercase();
    if SECRETS.contains(&name.as_str()) {
        return true;
    }
    let example = name.rsplit('.').next().is_some_and(|last| EXAMPLES.contains(&last));
    let public = name.ends_with(".pub");
    name.starts_with(".env.") && !example
        || SECRET_STARTS.iter().any(|start| name.starts_with(start)) && !public
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x03_files_with_keys_are_known_by_their_names() {
        let names = [
            ".env",
            ".env.local",
            ".ENV",
            "server.pem",
            "id_rsa",
            "id_ed25519",
            ".npmrc",
            ".netrc",
            ".pypirc",
            "credentials",
        ];
        assert_eq!(names.iter().filter(|name| !is_secret(name.as_bytes())).count(), 0);
        let names =
            [".env.example", ".env.sample", ".env.template", "id_rsa.pub", "env.rs", "main.rs", "keys.rs", ".envoy"];
        assert_eq!(names.iter().filter(|name| is_secret(name.as_bytes())).count(), 0);
    }
}
