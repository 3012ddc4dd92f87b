//! Files whose values are secrets by their name.
//!
//! A name is folded first as the most forgiving file system would read it: `.ENV`, `.e\u{200b}nv`, `.env.` and `．ｅｎｖ` are
//! `.env`. A name that is folded too far hides a value from a model; one folded too little shows a secret.

/// In any folder.
const FILES: &[&str] = &[
    ".env",
    ".envrc",
    ".flaskenv",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".htpasswd",
    ".pgpass",
    "pgpass.conf",
    ".my.cnf",
    ".mylogin.cnf",
    ".s3cfg",
    ".boto",
    ".dockercfg",
    ".dockerconfigjson",
    ".terraformrc",
    "terraform.rc",
    ".vault-token",
    ".vault_pass",
    "kubeconfig",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.yaml",
    "credentials.yml",
    "client_secret.json",
    "application_default_credentials.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "secrets.json",
    "secret.yaml",
    "secret.yml",
    "secret.json",
    "terraform.tfstate",
    "terraform.tfstate.backup",
    "wp-config.php",
    "master.key",
];

/// In a folder of this name, at any depth below it or right in it.
const IN_FOLDERS: &[(&str, &str)] = &[
    (".kube", "config"),
    (".docker", "config.json"),
    (".aws", "credentials"),
    (".aws", "config"),
    (".azure", "accesstokens.json"),
    (".cargo", "credentials"),
    (".cargo", "credentials.toml"),
    (".gem", "credentials"),
    (".config/gh", "hosts.yml"),
    (".config/gcloud", "credentials.db"),
];

/// By what stands behind the last dot.
const ENDINGS: &[&str] = &[
    "pem",
    "key",
    "p12",
    "pfx",
    "jks",
    "keystore",
    "ppk",
    "kdbx",
    "p8",
    "tfvars",
    "tfstate",
    "ovpn",
    "kubeconfig",
    "env",
];

/// What follows a name that is there to be filled in, and read by everybody.
const TEMPLATES: &[&str] = &["example", "examples", "sample", "template", "tmpl", "dist", "defaults", "schema"];

const PRIVATE_KEYS: &[&str] = &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_xmss"];

/// In `.ssh`, what holds no secret.
const OPEN_IN_SSH: &[&str] = &["known_hosts", "known_hosts.old", "config", "authorized_keys"];

/// Whether the values in a file of this name are secrets, whatever they look like. `path` may be any part of a path, with `/` or `\`.
pub fn is_secret_file(path: &str) -> bool {
    let parts = parts(path);
    let Some((name, folders)) = parts.split_last() else { return false };
    let name = name.as_str();
    let pieces: Vec<&str> = name.split('.').collect();
    // `.env.example`, `terraform.tfvars.sample`, `id_rsa.pub`.
    if pieces.last().is_some_and(|last| TEMPLATES.contains(last) || *last == "pub") {
        return false;
    }
    // `.env.example.local` does not exist; `example.env` does, and is a template.
    if pieces.first().is_some_and(|first| TEMPLATES.contains(first)) && pieces.last() == Some(&"env") {
        return false;
    }
    let folder = folders.last().map_or("", String::as_str);
    let tail = |names: &str| {
        let wanted: Vec<&str> = names.split('/').collect();
        folders.len() >= wanted.len() && folders.iter().rev().zip(wanted.iter().rev()).all(|(a, b)| a == b)
    };
    FILES.contains(&name)
        || name.starts_with(".env.")
        || name.starts_with(".env-")
        || name.starts_with(".env_")
        || PRIVATE_KEYS.iter().any(|key| name.starts_with(key))
        || IN_FOLDERS.iter().any(|(names, file)| *file == name && tail(names))
        || (folder == ".ssh" && !OPEN_IN_SSH.contains(&name))
        || (pieces.len() > 1 && pieces.last().is_some_and(|last| ENDINGS.contains(last)))
        || (name.ends_with(".tfvars.json") || name.ends_with(".tfstate.backup"))
        || (name.ends_with(".json") && is_service_account(name))
}

fn is_service_account(name: &str) -> bool {
    let plain = name.replace('_', "-");
    plain.starts_with("service-account") || plain.starts_with("serviceaccount") || plain.starts_with("client-secret")
}

/// The parts of a path, folded.
pub(super) fn parts(path: &str) -> Vec<String> {
    path.split(['/', '\\']).map(fold).filter(|part| !part.is_empty()).collect()
}

/// One part of a name as the most forgiving of file systems reads it.
fn fold(part: &str) -> String {
    // NTFS: what follows a colon names a stream of the same file.
    let part = part.split(':').find(|piece| !piece.is_empty()).unwrap_or(part);
    let folded: String = part
        .chars()
        .filter(|c| !is_ignorable(*c))
        .map(narrow)
        // Up and down again: K and the Kelvin sign, s and long s are one.
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect();
    // Windows: dots and spaces at the end do not count.
    folded.trim_end_matches(['.', ' ']).to_owned()
}

/// What some file systems leave out of a comparison: joiners, marks of direction, variation selectors, tags.
fn is_ignorable(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfff8 | 0xe0000..=0xe0fff)
}

/// Full-width forms are their plain letters.
fn narrow(c: char) -> char {
    match u32::from(c) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(c),
        0x3002 | 0xff61 | 0x2024 => '.',
        _ => c,
    }
}
