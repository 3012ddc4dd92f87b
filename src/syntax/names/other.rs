//! What a name does, in the languages that have no rules of their own: told by what the query found and by the form of the
//! nodes around it, which grammars name alike.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::Node;

use super::Role;
use crate::syntax::search::Found;
use crate::syntax::{Parsed, Symbols};

/// How far up the tree a name's surroundings are looked at.
const FAR: usize = 6;
/// What stands before a member.
const LEADS: &[&str] = &[".", "->", "::", "?.", "?->", "&.", "\\"];

/// What is known of a text as a whole.
pub(super) struct Form {
    /// Where the name of each definition stands.
    defines: HashMap<usize, Role>,
    imports: Vec<Range<usize>>,
}

impl Form {
    pub fn of(parsed: &Parsed) -> Form {
        let symbols = Symbols::of_parsed(parsed);
        let role = |parent: Option<usize>, kind: crate::syntax::SymbolKind| {
            use crate::syntax::SymbolKind;
            match parent.and_then(|parent| symbols.all.get(parent)).map(|parent| parent.kind) {
                Some(holder) if holder.is_function() => Role::Binds,
                None if kind == SymbolKind::Method => Role::DefinesMember,
                None | Some(SymbolKind::Module) => Role::Defines,
                Some(_) => Role::DefinesMember,
            }
        };
        let defines =
            symbols.all.iter().map(|symbol| (symbol.name_range.start, role(symbol.parent, symbol.kind))).collect();
        Form { defines, imports: Found::search(parsed).imports }
    }

    /// The role, and whether it is a use besides.
    pub fn role(&self, node: Node<'_>) -> (Role, bool) {
        if let Some(role) = self.defines.get(&node.start_byte()) {
            return (*role, false);
        }
        let lead = node.prev_sibling().map(|before| before.kind());
        let is_member = lead.is_some_and(|lead| LEADS.contains(&lead));
        if self.is_imported(node) {
            return imported(node, is_member);
        }
        if is_member {
            return (Role::UsesMember, false);
        }
        if binds(node) { (Role::Binds, false) } else { (Role::Uses, false) }
    }

    fn is_imported(&self, node: Node<'_>) -> bool {
        let at = self.imports.partition_point(|range| range.end <= node.start_byte());
        self.imports.get(at).is_some_and(|range| range.start <= node.start_byte())
    }
}

/// A name in an import: what it makes known, or a step on the way there.
fn imported(node: Node<'_>, is_member: bool) -> (Role, bool) {
    let field = field_of(node);
    let (parent, last) = (node.parent(), node.next_sibling().is_none());
    let in_path = parent.is_some_and(|parent| matches!(parent.kind(), "scoped_identifier" | "qualified_name"));
    let has_alias = parent.is_some_and(|parent| parent.child_by_field_name("alias").is_some());
    let ends_path = parent.and_then(|parent| parent.parent()).is_some_and(|above| above.kind().contains("import"));
    match field {
        Some("alias") => (Role::Imports, false),
        _ if has_alias => (Role::Uses, false),
        _ if in_path && last && ends_path => (Role::Imports, true),
        _ if in_path => (if is_member { Role::UsesMember } else { Role::Uses }, false),
        _ => (Role::Imports, true),
    }
}

/// Whether a parameter or a variable is named.
fn binds(node: Node<'_>) -> bool {
    let mut inner = node;
    for _ in 0..FAR {
        let Some(parent) = inner.parent() else { return false };
        let kind = parent.kind();
        let field = field_of(inner);
        let names = matches!(field, Some("name" | "pattern" | "declarator" | "left" | "key" | "parameter"));
        if kind.contains("parameter") || kind == "var_spec" || kind == "const_spec" {
            // `(a, b)` names both; `a: T` the first of them.
            return names || field.is_none();
        }
        match kind {
            "variable_declarator" | "init_declarator" | "declaration" | "short_var_declaration" => return names,
            "for_in_statement" | "enhanced_for_statement" | "foreach_statement" | "range_clause" => return names,
            "variable_assignment" | "variable_list" => return true,
            // Ruby and PHP name a variable by its first assignment.
            "assignment" => return field == Some("left"),
            "pointer_declarator"
            | "array_declarator"
            | "reference_declarator"
            | "parenthesized_declarator"
            | "expression_list"
            | "array_pattern"
            | "object_pattern"
            | "variable_name"
            | "pair_pattern"
            | "rest_pattern"
            | "assignment_pattern" => inner = parent,
            _ => return false,
        }
    }
    false
}

fn field_of<'tree>(node: Node<'tree>) -> Option<&'tree str> {
    let parent: Node<'tree> = node.parent()?;
    let mut cursor = parent.walk();
    if !cursor.goto_first_child() {
        return None;
    }
    loop {
        if cursor.node() == node {
            return cursor.field_name();
        }
        if !cursor.goto_next_sibling() {
            return None;
        }
    }
}
