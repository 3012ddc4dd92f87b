//! The definitions of one file, packed: thousands of files are kept, few are ever shown.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::secrets;
use crate::syntax::{Language, SymbolKind, Symbols};
use crate::text::Text;

/// The definitions of a file, but for those inside functions. Cheap to clone.
#[derive(Clone)]
pub struct FileSymbols {
    /// Holds the packed lines of this file, and perhaps of others.
    packed: Arc<str>,
    range: Range<usize>,
}

/// A definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// How many definitions hold it.
    pub depth: usize,
    /// 1-based.
    pub line: usize,
    pub kind: SymbolKind,
    pub name: &'a str,
    pub signature: &'a str,
}

impl FileSymbols {
    /// Parses `text`.
    pub fn of(text: &Text, language: Language) -> FileSymbols {
        FileSymbols::pack(text, &Symbols::of(text, language))
    }

    /// What `symbols` of `text` amount to.
    pub fn pack(text: &Text, symbols: &Symbols) -> FileSymbols {
        let mut packed = String::new();
        let mut depths: Vec<Option<usize>> = Vec::with_capacity(symbols.all.len());
        for symbol in &symbols.all {
            let holder = symbol.parent.and_then(|parent| Some((symbols.all.get(parent)?.kind, *depths.get(parent)?)));
            // What a function holds is its own affair.
            let depth = match holder {
                None => Some(0),
                Some((SymbolKind::Function | SymbolKind::Method, _)) | Some((_, None)) => None,
                Some((_, Some(depth))) => Some(depth + 1),
            };
            depths.push(depth);
            if let Some(depth) = depth {
                let line = text.line_of(symbol.name_range.start) + 1;
                let kind = symbol.kind.name();
                let signature = shown(&symbol.signature);
                packed.push_str(&format!("{depth}\t{line}\t{kind}\t{}\t{signature}\n", symbol.name));
            }
        }
        FileSymbols { range: 0..packed.len(), packed: packed.into() }
    }

    /// What stands in `range` of a text that holds [packed](FileSymbols::packed) definitions.
    pub(super) fn unpacked(packed: &Arc<str>, range: Range<usize>) -> Option<FileSymbols> {
        packed.get(range.clone())?;
        Some(FileSymbols { packed: packed.clone(), range })
    }

    pub(super) fn packed(&self) -> &str {
        self.packed.get(self.range.clone()).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// In source order.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.packed().lines().filter_map(|line| {
            let mut fields = line.splitn(5, '\t');
            Some(Item {
                depth: fields.next()?.parse().ok()?,
                line: fields.next()?.parse().ok()?,
                kind: SymbolKind::of_name(fields.next()?)?,
                name: fields.next()?,
                signature: fields.next()?,
            })
        })
    }
}

/// A signature without secrets: it may hold a constant's value. Of a text that is cut off nobody can tell what it is.
fn shown(signature: &str) -> Cow<'_, str> {
    match signature.find(['"', '\'', '`']) {
        Some(quote) if signature.ends_with('…') => {
            Cow::Owned(format!("{}…", signature.get(..quote).unwrap_or_default()))
        }
        Some(_) => secrets::mask(signature).text,
        None => Cow::Borrowed(signature),
    }
}

impl PartialEq for FileSymbols {
    fn eq(&self, other: &FileSymbols) -> bool {
        self.packed() == other.packed()
    }
}

impl Eq for FileSymbols {}

impl std::fmt::Debug for FileSymbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}
