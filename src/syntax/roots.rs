//! Which nodes the patterns of a query can begin with: a tree has many nodes, and hardly any of them is worth a look.
//!
//! A query that runs over a whole tree looks at every node as the beginning of every pattern, which takes half as long as the parse.

use tree_sitter::{Language, Query};

use super::grammar::Capture;

/// For each kind of node, by its number, what a query has to do with it.
pub(in crate::syntax) struct Roots {
    of_kind: Vec<Root>,
    asides: Vec<Aside>,
}

/// What a node is to the one that follows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::syntax) enum Aside {
    #[default]
    Nothing,
    Comment,
    /// Belongs to it.
    Attribute,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::syntax) enum Root {
    /// No pattern begins with it.
    #[default]
    Nothing,
    /// One pattern does, and is this node alone.
    Alone(Capture),
    /// What is found there the query has to say.
    Asked,
}

impl Roots {
    /// `None` if a pattern may begin with anything, or is written in a way that is not understood here.
    pub fn of(language: &Language, query: &Query, source: &str, captures: &[Capture]) -> Option<Roots> {
        let mut of_kind = vec![Root::Nothing; language.node_kind_count()];
        for pattern in 0..query.pattern_count() {
            let range = query.start_byte_for_pattern(pattern)..query.end_byte_for_pattern(pattern);
            for found in beginnings(&tokens(source.get(range)?))? {
                let alone = found.alone.and_then(|name| {
                    let index = query.capture_names().iter().position(|other| *other == name)?;
                    captures.get(index).copied()
                });
                let mut is_known = false;
                for (id, root) in (0..).zip(&mut of_kind) {
                    if language.node_kind_for_id(id) == Some(found.kind) && language.node_kind_is_named(id) {
                        if language.node_kind_is_supertype(id) {
                            return None;
                        }
                        is_known = true;
                        *root = match (alone, *root) {
                            (Some(capture), Root::Nothing) => Root::Alone(capture),
                            _ => Root::Asked,
                        };
                    }
                }
                if !is_known {
                    return None;
                }
            }
        }
        let asides =
            (0..).zip(&of_kind).map(|(id, _)| language.node_kind_for_id(id).map(Aside::of_kind).unwrap_or_default());
        Some(Roots { asides: asides.collect(), of_kind })
    }

    pub fn aside(&self, id: u16) -> Aside {
        self.asides.get(usize::from(id)).copied().unwrap_or_default()
    }

    pub fn of_kind(&self, id: u16) -> Root {
        // What is not numbered is an error's node.
        self.of_kind.get(usize::from(id)).copied().unwrap_or_default()
    }
}

impl Aside {
    pub fn of_kind(kind: &str) -> Aside {
        match kind {
            "attribute_item" | "decorator" => Aside::Attribute,
            "line_comment" | "block_comment" => Aside::Comment,
            _ => Aside::Nothing,
        }
    }
}

/// A node that a pattern can begin with.
#[derive(Debug, PartialEq, Eq)]
struct Beginning<'a> {
    kind: &'a str,
    /// The name of the capture, where the pattern is this node and nothing else.
    alone: Option<&'a str>,
}

/// Those of one pattern, with what follows it.
fn beginnings<'a>(tokens: &[&'a str]) -> Option<Vec<Beginning<'a>>> {
    let (first, end) = (*tokens.first()?, close(tokens)?);
    let inside = tokens.get(1..end)?;
    let behind: Vec<&str> = tokens.get(end + 1..)?.iter().filter_map(|token| token.strip_prefix('@')).collect();
    // A quantifier.
    if behind.len() + end + 1 != tokens.len() {
        return None;
    }
    let named = match behind.as_slice() {
        [name] => Some(*name),
        _ => None,
    };
    match (first, *inside.first()?) {
        ("[", _) => {
            let mut found = Vec::new();
            let mut rest = inside;
            while !rest.is_empty() {
                let end = close(rest)?;
                for mut each in beginnings(rest.get(..=end)?)? {
                    // With a capture of its own it has two.
                    each.alone = if rest.get(end + 1).is_some_and(|next| next.starts_with('@')) { None } else { named };
                    each.alone = each.alone.filter(|_| end == 2);
                    found.push(each);
                }
                let captures = rest.iter().skip(end + 1).take_while(|token| token.starts_with('@')).count();
                rest = rest.get(end + 1 + captures..)?;
            }
            Some(found)
        }
        // One node with conditions: of several in a row, the ones behind would not be found from the first.
        ("(", "(") => {
            let end = close(inside)?;
            let mut rest = inside.get(end + 1..)?;
            while let Some(next) = rest.first() {
                let is_condition = *next == "(" && rest.get(1).is_some_and(|token| token.starts_with('#'));
                rest = match () {
                    () if is_condition => rest.get(close(rest)? + 1..)?,
                    () if next.starts_with('@') => rest.get(1..)?,
                    () => return None,
                };
            }
            let one = beginnings(inside.get(..=end)?)?;
            Some(one.into_iter().map(|each| Beginning { alone: None, ..each }).collect())
        }
        ("(", kind) if kind.starts_with(|letter: char| letter.is_ascii_alphabetic()) => {
            Some(vec![Beginning { kind, alone: named.filter(|_| inside.len() == 1) }])
        }
        _ => None,
    }
}

/// Where the bracket ends that these begin with.
fn close(tokens: &[&str]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return matches!(*token, ")" | "]").then_some(at);
        }
    }
    None
}

/// Brackets, strings and words; comments are left out.
fn tokens(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = match first {
            ';' => rest.find('\n').unwrap_or(rest.len()),
            '(' | ')' | '[' | ']' | '?' | '*' | '+' => 1,
            '"' => string(rest),
            _ => rest.find(|end: char| end.is_whitespace() || "()[]\"?*+".contains(end)).unwrap_or(rest.len()),
        };
        // `#match?` is one word.
        let len = len + usize::from(first == '#' && rest.get(len..).is_some_and(|next| next.starts_with('?')));
        let Some((token, behind)) = rest.split_at_checked(len.max(1)) else { break };
        if first != ';' {
            found.push(token);
        }
        rest = behind.trim_start();
    }
    found
}

/// Bytes of the string that `source` begins with.
fn string(source: &str) -> usize {
    let mut is_escaped = false;
    let end = source.bytes().enumerate().skip(1).find(|(_, byte)| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(source.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: Option<&[(&str, Option<&str>)]>) {
        let found = beginnings(&tokens(pattern));
        let found = found.as_ref().map(|all| all.iter().map(|each| (each.kind, each.alone)).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), expected, "{pattern}");
    }

    #[test]
    fn patterns_begin_with_nodes() {
        check("(a) @b", Some(&[("a", Some("b"))]));
        check("(a) ; (c)\n @b\n", Some(&[("a", Some("b"))]));
        check("(a) @b @c", Some(&[("a", None)]));
        check("(a name: (b) @c) @d", Some(&[("a", None)]));
        check("[(a) (b)] @c", Some(&[("a", Some("c")), ("b", Some("c"))]));
        check("[(a) @d (b (e))] @c", Some(&[("a", None), ("b", None)]));
        check("((a) @b (#match? @b \"^[(]\\\"\"))", Some(&[("a", None)]));
        check("((a b: (c) @d) @e (#eq? @d \"x\"))", Some(&[("a", None)]));
    }

    #[test]
    fn others_begin_with_anything() {
        for pattern in ["(_) @a", "(a)+ @b", "((a) (b)) @c", "((a) . (b)) @c", "\"a\" @b", "_ @a", "(", ""] {
            check(pattern, None);
        }
    }
}
