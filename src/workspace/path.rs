//! Names of documents, and the gate that every name from outside passes.
//!
//! The gate works by name alone: it refuses what can not be a plain path beneath a root. What links on the disk do to a
//! name is not its business: opens go through [`Root::dir`], which no link leads out of.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// A workspace folder. Ids are never used twice while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RootId(pub u32);

/// A document: a file beneath a root, or one that only the editor knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocPath {
    /// `rel` is normal: `/` between its parts, none of them empty, `.` or `..`.
    File { root: RootId, rel: Arc<str> },
    /// A URI that is no file beneath a root: `untitled:Untitled-1`, or a file elsewhere that the user has open.
    Virtual(Arc<str>),
}

/// A folder beneath a root, to list or search. `rel` is empty for the root itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Folder {
    pub root: RootId,
    pub rel: Arc<str>,
}

/// A workspace folder with a handle on it. The handle stays on the directory that was opened, whatever its name leads to
/// later.
#[derive(Clone)]
pub struct Root {
    pub id: RootId,
    /// What the model calls it when there are several: the folder's name, made unique.
    pub name: String,
    /// Absolute and canonical.
    pub path: PathBuf,
    /// Other absolute names the same folder was added by: editors spell it as the user opened it, links and all.
    aliases: Vec<PathBuf>,
    pub(in crate::workspace) dir: Arc<Dir>,
}

/// The workspace folders, in the editor's order.
#[derive(Clone, Default)]
pub struct Roots {
    roots: Vec<Root>,
    next_id: u32,
}

/// Why a name was refused. The text tells the model what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("`{0}` leads out of the workspace: use a path relative to its root, without `..`")]
    Outside(String),
    #[error("`{0}` is absolute: use a path relative to the workspace root, such as `src/main.rs`")]
    Absolute(String),
    #[error("`{name}` is absolute: write `{relative}`")]
    AbsoluteInside { name: String, relative: String },
    #[error("`{0}` is not a usable path: {1}")]
    Malformed(String, &'static str),
    #[error("`{0}` names none of the workspace folders; paths start with one of: {1}")]
    UnknownRoot(String, String),
    #[error("no folder is open")]
    NoRoot,
}

/// Most bytes of a name, as on Linux.
const MAX_NAME: usize = 4_096;
/// Most bytes of one part of a name, as on every common file system.
const MAX_PART: usize = 255;

impl Root {
    /// Whether its path still leads to the directory that was opened. Blocks on the disk.
    #[cfg(unix)]
    pub fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;

        use cap_std::fs::MetadataExt as _;
        let (Ok(named), Ok(opened)) = (std::fs::metadata(&self.path), self.dir.dir_metadata()) else { return false };
        (named.dev(), named.ino()) == (opened.dev(), opened.ino())
    }

    /// Whether its path still leads to the directory that was opened: a directory that is open can not be moved here.
    #[cfg(not(unix))]
    pub fn is_in_place(&self) -> bool {
        self.path.is_dir()
    }
}

impl DocPath {
    /// The workspace folder it lies in.
    pub fn root(&self) -> Option<RootId> {
        match self {
            DocPath::File { root, .. } => Some(*root),
            DocPath::Virtual(_) => None,
        }
    }
}

impl Roots {
    /// Opens `path` as one more root; the id of the root that is there already if it is one.
    pub fn add(&mut self, path: &Path) -> std::io::Result<RootId> {
        let given = std::path::absolute(path)?;
        let canonical = std::fs::canonicalize(path)?;
        if let Some(root) = self.roots.iter_mut().find(|root| root.path == canonical) {
            if given != canonical && !root.aliases.contains(&given) {
                root.aliases.push(given);
            }
            return Ok(root.id);
        }
        let dir = Dir::open_ambient_dir(&canonical, ambient_authority())?;
        let id = RootId(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        let name = self.unique_name(&canonical);
        let aliases = if given == canonical { Vec::new() } else { vec![given] };
        self.roots.push(Root { id, name, path: canonical, aliases, dir: Arc::new(dir) });
        Ok(id)
    }

    pub fn remove(&mut self, id: RootId) {
        self.roots.retain(|root| root.id != id);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }

    pub fn len(&self) -> usize {
        self.roots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    pub fn get(&self, id: RootId) -> Option<&Root> {
        self.roots.iter().find(|root| root.id == id)
    }

    /// Whether the folder that `path` lies in is open. What lies in none is not closed with one.
    pub fn is_open(&self, path: &DocPath) -> bool {
        path.root().is_none_or(|root| self.get(root).is_some())
    }

    /// A name as a model or user wrote it. With one root, paths are relative to it; with several they start with a root's
    /// name. `untitled:…` and other URIs that only an editor can read name virtual documents.
    pub fn resolve(&self, name: &str) -> Result<DocPath, PathError> {
        check_characters(name)?;
        if is_virtual(name) {
            return match self.of_file_uri(name) {
                Some(inside) => Err(self.absolute_error(name, Some(&inside))),
                None => Ok(DocPath::Virtual(name.into())),
            };
        }
        let (root, rel) = self.resolve_parts(name)?;
        if rel.is_empty() {
            return Err(PathError::Malformed(shown(name), "it names a folder, not a file"));
        }
        if name.ends_with('/') {
            return Err(PathError::Malformed(shown(name), "it ends in a slash, so it names a folder, not a file"));
        }
        let path = DocPath::File { root, rel: rel.into() };
        // Roots may lie in one another; a file is then a document of the innermost, so that it has one name.
        let innermost = self.absolute(&path).and_then(|absolute| self.of_absolute(&absolute));
        Ok(innermost.unwrap_or(path))
    }

    /// A name of a folder; `.`, `/` at the end and the empty name are allowed. With several roots the empty name stands
    /// for all of them.
    pub fn resolve_folders(&self, name: &str) -> Result<Vec<Folder>, PathError> {
        if matches!(name, "" | "." | "./") {
            return match self.roots.is_empty() {
                true => Err(PathError::NoRoot),
                false => Ok(self.roots.iter().map(|root| Folder { root: root.id, rel: "".into() }).collect()),
            };
        }
        check_characters(name)?;
        let (root, rel) = self.resolve_parts(name)?;
        Ok(vec![Folder { root, rel: rel.into() }])
    }

    /// The inverse of [`Roots::resolve`].
    pub fn display(&self, path: &DocPath) -> String {
        match path {
            DocPath::Virtual(uri) => uri.to_string(),
            DocPath::File { root, rel } => match self.get(*root) {
                Some(root) if self.roots.len() > 1 => format!("{}/{rel}", root.name),
                Some(_) | None => rel.to_string(),
            },
        }
    }

    /// The document that an absolute file name stands for; `None` if it lies beneath no root. Purely by name.
    pub fn of_absolute(&self, path: &Path) -> Option<DocPath> {
        let (root, rest) = self
            .roots
            .iter()
            .flat_map(|root| root.spellings().map(move |spelling| (root, spelling)))
            .filter_map(|(root, spelling)| Some((root, spelling, path.strip_prefix(spelling).ok()?)))
            .max_by_key(|(_, spelling, _)| spelling.components().count())
            .map(|(root, _, rest)| (root, rest))?;
        let parts: Option<Vec<&str>> = rest
            .components()
            .map(|component| match component {
                Component::Normal(part) => part.to_str(),
                Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
            })
            .collect();
        let parts = parts.filter(|parts| !parts.is_empty())?;
        Some(DocPath::File { root: root.id, rel: parts.join("/").into() })
    }

    /// Where a document is stored; `None` for one that is not a file.
    pub fn absolute(&self, path: &DocPath) -> Option<PathBuf> {
        match path {
            DocPath::File { root, rel } => Some(self.get(*root)?.path.join(rel.as_ref())),
            DocPath::Virtual(_) => None,
        }
    }

    /// Root and normal rest of a relative name; the rest is empty for the root itself.
    fn resolve_parts(&self, name: &str) -> Result<(RootId, String), PathError> {
        if self.roots.is_empty() {
            return Err(PathError::NoRoot);
        }
        if is_absolute(name) {
            return Err(self.absolute_error(name, self.of_absolute(Path::new(name)).as_ref()));
        }
        let mut parts: Vec<&str> = Vec::new();
        let trimmed = name.strip_suffix('/').unwrap_or(name);
        for (index, part) in trimmed.split('/').enumerate() {
            match part {
                "." if index == 0 => {}
                ".." => return Err(PathError::Outside(shown(name))),
                "" | "." => return Err(PathError::Malformed(shown(name), "it has an empty or `.` part")),
                part if part.len() > MAX_PART => {
                    return Err(PathError::Malformed(shown(name), "a part of it is longer than 255 bytes"));
                }
                part => parts.push(part),
            }
        }
        let root = match self.roots.as_slice() {
            [only] => only.id,
            several => {
                let first = parts.first().copied().unwrap_or_default();
                let root = several.iter().find(|root| root.name == first).ok_or_else(|| {
                    let names: Vec<&str> = several.iter().map(|root| root.name.as_str()).collect();
                    PathError::UnknownRoot(shown(name), names.join(", "))
                })?;
                parts.remove(0);
                root.id
            }
        };
        Ok((root, parts.join("/")))
    }

    fn absolute_error(&self, name: &str, inside: Option<&DocPath>) -> PathError {
        match inside {
            Some(path) => PathError::AbsoluteInside { name: shown(name), relative: self.display(path) },
            None => PathError::Absolute(shown(name)),
        }
    }

    fn of_file_uri(&self, uri: &str) -> Option<DocPath> {
        let url = url::Url::parse(uri).ok().filter(|url| url.scheme() == "file")?;
        self.of_absolute(&url.to_file_path().ok()?)
    }

    fn unique_name(&self, path: &Path) -> String {
        let folder = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A root's name is the first part of paths that models write, so it must pass the gate itself.
        let mut base: String =
            folder.chars().map(|c| if c.is_control() || "/\\%:~".contains(c) { '_' } else { c }).collect();
        if base.trim_matches('.').is_empty() {
            base = "root".to_owned();
        }
        let taken = |name: &str| self.roots.iter().any(|root| root.name == name);
        let mut name = base.clone();
        let mut number = 2u32;
        while taken(&name) {
            name = format!("{base}-{number}");
            number = number.saturating_add(1);
        }
        name
    }
}

impl Root {
    fn spellings(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.path.as_path()).chain(self.aliases.iter().map(PathBuf::as_path))
    }
}

/// What no name may hold, whatever it stands for.
fn check_characters(name: &str) -> Result<(), PathError> {
    let malformed = |why| Err(PathError::Malformed(shown(name), why));
    if name.is_empty() {
        return malformed("it is empty");
    }
    if name.len() > MAX_NAME {
        return malformed("it is longer than 4,096 bytes");
    }
    if name.chars().any(char::is_control) {
        return malformed("it holds a control character");
    }
    if is_virtual(name) {
        return Ok(());
    }
    if name.contains('\\') {
        return malformed("it holds `\\`: separate folders by `/`");
    }
    if name.starts_with('~') {
        return malformed("`~` is not expanded: use a path relative to the workspace root");
    }
    if holds_escape(name) {
        return malformed("it is percent-encoded: write the characters themselves");
    }
    Ok(())
}

/// Whether `name` holds a percent escape of something that matters in paths: `.`, `/`, `\`, `%`, or a control character.
fn holds_escape(name: &str) -> bool {
    name.as_bytes().windows(3).any(|window| {
        let Ok([b'%', high, low]) = <[u8; 3]>::try_from(window) else { return false };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        match (digit(high), digit(low)) {
            (Some(high), Some(low)) => matches!(high * 16 + low, 0x2e | 0x2f | 0x5c | 0x25 | 0x7f | 0x00..0x20),
            _ => false,
        }
    })
}

/// `/x`, `//host/x`, `C:/x`, `C:\x`.
fn is_absolute(name: &str) -> bool {
    let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    name.starts_with('/') || drive
}

/// `untitled:…` and `scheme:/…`: what only an editor can read.
fn is_virtual(name: &str) -> bool {
    let Some((scheme, rest)) = name.split_once(':') else { return false };
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c));
    is_scheme && (scheme == "untitled" || rest.starts_with('/'))
}

/// A refused name as it may stand in a message: short, on one line, nothing in it that a terminal would obey.
fn shown(name: &str) -> String {
    const MOST: usize = 120;
    let mut shown: String = name
        .chars()
        .take(MOST)
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect();
    if name.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").field("id", &self.id).field("name", &self.name).field("path", &self.path).finish()
    }
}
