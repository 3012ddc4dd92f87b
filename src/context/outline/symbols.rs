//! What one file defines and uses, packed: thousands of files are kept, few are ever shown.

use std::borrow::Cow;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use crate::secrets;
use crate::syntax::{Language, Survey, SymbolKind, Symbols};
use crate::text::Text;

/// The definitions of a file, but for those inside functions, and the names that each of them uses. Cheap to clone.
#[derive(Clone)]
pub struct FileSymbols {
    /// Holds the packed lines of this file, and perhaps of others.
    packed: Arc<str>,
    range: Range<usize>,
    /// Holds the uses of this file, and perhaps of others.
    uses: Arc<[u64]>,
    uses_range: Range<usize>,
    print: u64,
}

/// A definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// How many definitions hold it.
    pub depth: usize,
    /// 1-based.
    pub line: usize,
    /// The last one, 1-based.
    pub end: usize,
    pub kind: SymbolKind,
    pub name: &'a str,
    pub signature: &'a str,
    /// The first line of what is written about it; empty where nothing is.
    pub doc: &'a str,
}

/// A name that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// [`word_hash`](crate::syntax::survey::word_hash) of the name.
    pub word: u32,
    /// Index of the definition that uses it, among [`FileSymbols::items`]; `None` for what stands outside of all.
    pub item: Option<usize>,
}

impl FileSymbols {
    /// Parses `text`; without a language it is taken by its indentation.
    pub fn of(text: &Text, language: Option<Language>) -> FileSymbols {
        /// The largest text that is worth it.
        const MOST_BYTES: usize = 1 << 20;
        let survey = (text.len() <= MOST_BYTES).then(|| Survey::of(text, language));
        FileSymbols::pack(text, &survey.unwrap_or_default())
    }

    /// What a survey of `text` amounts to.
    pub fn pack(text: &Text, survey: &Survey) -> FileSymbols {
        let symbols = &survey.symbols;
        let mut packed = String::new();
        let depths = depths(symbols);
        // The item that each symbol is, or stands in.
        let mut items: Vec<Option<usize>> = Vec::with_capacity(depths.len());
        let mut count = 0;
        for (symbol, depth) in symbols.all.iter().zip(depths) {
            let Some(depth) = depth else {
                items.push(symbol.parent.and_then(|parent| *items.get(parent)?));
                continue;
            };
            items.push(Some(count));
            count += 1;
            let line = text.line_of(symbol.name_range.start) + 1;
            let end = text.line_of(symbol.range.end.saturating_sub(1).max(symbol.range.start)) + 1;
            let (kind, name) = (symbol.kind.name(), &symbol.name);
            let signature = shown(&symbol.signature);
            let doc = symbol.doc.as_deref().map(doc_shown).unwrap_or_default();
            for number in [depth, line, end] {
                // Writing to a string does not fail.
                let _ = write!(packed, "{number}\t");
            }
            // What a format string does costs more than these words, of every definition of a workspace.
            for (word, end) in [(kind, '\t'), (name, '\t'), (&signature, '\t'), (&doc, '\n')] {
                packed.push_str(word);
                packed.push(end);
            }
        }
        let item = |symbol: Option<usize>| symbol.and_then(|symbol| *items.get(symbol)?);
        let packed_use = |(word, symbol): &(u32, Option<usize>)| Use { word: *word, item: item(*symbol) }.packed();
        let mut uses: Vec<u64> = survey.uses.iter().map(packed_use).collect();
        uses.sort_unstable();
        uses.dedup();
        let mut hasher = DefaultHasher::new();
        (&packed, &uses).hash(&mut hasher);
        let (range, uses_range) = (0..packed.len(), 0..uses.len());
        FileSymbols { range, packed: packed.into(), uses_range, uses: uses.into(), print: hasher.finish() }
    }

    /// What stands in these ranges of what holds the [packed](FileSymbols::packed) definitions and uses of many files. `print` is
    /// another number for another content.
    pub(super) fn unpacked(
        packed: &Arc<str>,
        range: Range<usize>,
        uses: &Arc<[u64]>,
        uses_range: Range<usize>,
        print: u64,
    ) -> Option<FileSymbols> {
        packed.get(range.clone())?;
        uses.get(uses_range.clone())?;
        Some(FileSymbols { packed: packed.clone(), range, uses: uses.clone(), uses_range, print })
    }

    pub(super) fn packed(&self) -> &str {
        self.packed.get(self.range.clone()).unwrap_or_default()
    }

    pub(super) fn packed_uses(&self) -> &[u64] {
        self.uses.get(self.uses_range.clone()).unwrap_or_default()
    }

    /// Another number for another content.
    pub(super) fn print(&self) -> u64 {
        self.print
    }

    pub fn is_empty(&self) -> bool {
        self.range.is_empty()
    }

    /// In source order.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.packed().lines().filter_map(|line| {
            let mut rest = line;
            // These are short: to look for their ends with what is made for long ones costs more than the bytes.
            let mut field = || {
                let (field, behind) = rest.split_at_checked(rest.bytes().position(|byte| byte == b'\t')?)?;
                rest = behind.get(1..)?;
                Some(field)
            };
            let (depth, line, end) = (field()?.parse().ok()?, field()?.parse().ok()?, field()?.parse().ok()?);
            let (kind, name) = (SymbolKind::of_name(field()?)?, field()?);
            let (signature, doc) = rest.split_once('\t')?;
            Some(Item { depth, line, end, kind, name, signature, doc })
        })
    }

    /// In the order of the hashes.
    pub fn uses(&self) -> impl Iterator<Item = Use> {
        self.packed_uses().iter().map(|packed| Use::unpacked(*packed))
    }
}

impl Use {
    fn packed(self) -> u64 {
        let item = self.item.map_or(0, |item| u32::try_from(item + 1).unwrap_or(u32::MAX));
        u64::from(self.word) << 32 | u64::from(item)
    }

    pub(super) fn unpacked(packed: u64) -> Use {
        let item = usize::try_from(packed & u64::from(u32::MAX)).unwrap_or_default();
        Use { word: u32::try_from(packed >> 32).unwrap_or_default(), item: item.checked_sub(1) }
    }
}

/// How deep each symbol lies; `None` for those that a function holds, which are its own affair.
fn depths(symbols: &Symbols) -> Vec<Option<usize>> {
    let mut depths: Vec<Option<usize>> = Vec::with_capacity(symbols.all.len());
    for symbol in &symbols.all {
        let holder = symbol.parent.and_then(|parent| Some((symbols.all.get(parent)?.kind, *depths.get(parent)?)));
        depths.push(match holder {
            None => Some(0),
            Some((kind, _)) if kind.is_function() => None,
            Some((_, depth)) => depth.map(|depth| depth + 1),
        });
    }
    depths
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

/// What is written about a definition, without secrets: nothing that short words could be.
fn doc_shown(doc: &str) -> Cow<'_, str> {
    /// Letters of a word that could be a secret.
    const LONG: usize = 12;
    match doc.split_whitespace().any(|word| word.len() >= LONG) {
        true => secrets::mask(doc).text,
        false => Cow::Borrowed(doc),
    }
}

impl PartialEq for FileSymbols {
    fn eq(&self, other: &FileSymbols) -> bool {
        self.packed() == other.packed() && self.packed_uses() == other.packed_uses()
    }
}

impl Eq for FileSymbols {}

impl std::fmt::Debug for FileSymbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.items()).finish()
    }
}
