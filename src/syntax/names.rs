//! The names in a text: where one is defined or imported, where one is bound for a few lines, where one is used.
//!
//! By the form of the tree alone. Two things of one name are one name here; who needs to know better asks a language server.

mod other;

use std::collections::HashSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use tree_sitter::Node;

use super::{Language, Parsed};

/// More names than these are not looked at.
const MOST: usize = 200_000;
/// How long the names of a text may take: what one does is asked of what stands around it, however deep that is.
const MOST_TIME: Duration = Duration::from_millis(500);

/// The nodes that are names, in one grammar or another.
const KINDS: &[&str] = &[
    "identifier",
    "type_identifier",
    "field_identifier",
    "shorthand_field_identifier",
    "property_identifier",
    "private_property_identifier",
    "shorthand_property_identifier",
    "shorthand_property_identifier_pattern",
    "namespace_identifier",
    "package_identifier",
    // Ruby, PHP, Bash.
    "constant",
    "name",
    "word",
    "variable_name",
];

/// What a name does where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Names an item that others may use: a function, a type, a constant, a module.
    Defines,
    /// The same in a type: it is reached through a value or the type.
    DefinesMember,
    /// Makes an item of elsewhere known in this file.
    Imports,
    /// A parameter, a variable, a method that a trait asks for: nothing that is found elsewhere by this name.
    Binds,
    Uses,
    /// After a dot, or in a path.
    UsesMember,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub range: Range<usize>,
    pub role: Role,
}

impl Parsed {
    /// Every name in the text.
    pub fn words(&self) -> HashSet<String> {
        let source = self.text().to_string();
        let mut words = HashSet::new();
        self.for_names(std::slice::from_ref(&(0..source.len())), |node| {
            if let Some(word) = source.get(node.byte_range()).filter(|word| !words.contains(*word)) {
                words.insert(word.to_owned());
            }
        });
        words.remove("");
        words
    }

    /// The names that `is_wanted` in these ranges, in source order; the ranges too are in order, and none lies in another. An
    /// import of a name also stands there as its use, but for an alias.
    pub fn names(&self, ranges: &[Range<usize>], is_wanted: impl Fn(&str) -> bool) -> Vec<Name> {
        let mut names = Vec::new();
        let form = match self.language() {
            Language::Rust | Language::Python => None,
            _ => Some(other::Form::of(self)),
        };
        self.for_names(ranges, |node| {
            let range = node.byte_range();
            let inside = ranges.get(ranges.partition_point(|other| other.end < range.end));
            let inside = inside.is_some_and(|other| other.start <= range.start);
            let text = self.text().slice(range).filter(|text| inside && !text.is_empty() && is_wanted(text));
            if let Some(text) = text {
                self.push_name(node, text, form.as_ref(), &mut names);
            }
        });
        names
    }

    /// Walks over the nodes that are names, in and around `ranges`.
    fn for_names<'tree>(&'tree self, ranges: &[Range<usize>], mut tell: impl FnMut(Node<'tree>)) {
        let mut cursor = self.tree().walk();
        let mut count = 0;
        let start = Instant::now();
        loop {
            let node = cursor.node();
            let range = node.byte_range();
            let near = ranges.get(ranges.partition_point(|other| other.end < range.start));
            let is_near = near.is_some_and(|other| other.start <= range.end);
            let is_name = KINDS.contains(&node.kind());
            if is_near && is_name && node.child_count() == 0 {
                tell(node);
                count += 1;
            }
            if count == MOST || start.elapsed() > MOST_TIME {
                return;
            }
            if (is_near && cursor.goto_first_child()) || cursor.goto_next_sibling() {
                continue;
            }
            loop {
                if !cursor.goto_parent() {
                    return;
                }
                if cursor.goto_next_sibling() {
                    break;
                }
            }
        }
    }

    fn push_name(&self, node: Node<'_>, text: String, form: Option<&other::Form>, names: &mut Vec<Name>) {
        let range = node.byte_range();
        let (role, also_used) = match (form, self.language()) {
            (Some(form), _) => form.role(node),
            (None, Language::Python) => python_role(node, &text),
            (None, _) => rust_role(node),
        };
        if also_used {
            names.push(Name { text: text.clone(), range: range.clone(), role: Role::Uses });
        }
        names.push(Name { text, range, role });
    }
}

/// The role, and whether it is a use besides.
fn rust_role(node: Node<'_>) -> (Role, bool) {
    let Some(parent) = node.parent() else { return (Role::Uses, false) };
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    if is_rust_import(node) {
        // An alias names nothing of elsewhere.
        return (Role::Imports, !is("alias"));
    }
    match parent.kind() {
        "function_item" | "function_signature_item" | "const_item" | "static_item" | "type_item" if is("name") => {
            (rust_item(parent), false)
        }
        // A `mod` without a body also needs its file.
        "mod_item" if is("name") => (Role::Defines, parent.child_by_field_name("body").is_none()),
        "struct_item" | "enum_item" | "union_item" | "trait_item" | "macro_definition" if is("name") => {
            (Role::Defines, false)
        }
        "associated_type" => (Role::Binds, false),
        "enum_variant" if is("name") => (Role::DefinesMember, false),
        "field_declaration" | "type_parameter" if is("name") => (Role::Binds, false),
        "lifetime" | "label" => (Role::Binds, false),
        "parameter" | "let_declaration" | "for_expression" | "let_condition" if is("pattern") => (Role::Binds, false),
        "closure_parameters" | "tuple_pattern" | "ref_pattern" | "mut_pattern" | "captured_pattern" => {
            (Role::Binds, false)
        }
        "scoped_identifier" | "scoped_type_identifier" if is("name") => (Role::UsesMember, false),
        _ if node.kind() == "field_identifier" => (Role::UsesMember, false),
        // Within a macro nobody knows.
        "token_tree" if node.prev_sibling().is_some_and(|before| matches!(before.kind(), "." | "::")) => {
            (Role::UsesMember, false)
        }
        _ => (Role::Uses, false),
    }
}

fn rust_item(item: Node<'_>) -> Role {
    match holder(item) {
        // What a trait asks for is found by its trait.
        Some(holder) if holder.kind() == "impl_item" && holder.child_by_field_name("trait").is_some() => Role::Binds,
        Some(holder) if matches!(holder.kind(), "impl_item" | "trait_item") => Role::DefinesMember,
        Some(holder) if holder.kind() == "function_item" => Role::Binds,
        _ => Role::Defines,
    }
}

/// The item that an item stands in.
fn holder(item: Node<'_>) -> Option<Node<'_>> {
    let mut next = item.parent();
    while let Some(node) = next {
        if matches!(
            node.kind(),
            "impl_item" | "trait_item" | "function_item" | "mod_item" | "class_definition" | "function_definition"
        ) {
            return Some(node);
        }
        next = node.parent();
    }
    None
}

/// The last part of a path in a `use`, or its alias.
fn is_rust_import(node: Node<'_>) -> bool {
    let (mut inner, mut next) = (node, node.parent());
    while let Some(parent) = next {
        let is = |field: &str| parent.child_by_field_name(field) == Some(inner);
        match parent.kind() {
            "use_declaration" => return true,
            "use_list" => {}
            "scoped_use_list" if is("list") => {}
            "use_as_clause" if is("alias") => {}
            "scoped_identifier" if is("name") => {}
            _ => return false,
        }
        (inner, next) = (parent, parent.parent());
    }
    false
}

fn python_role(node: Node<'_>, text: &str) -> (Role, bool) {
    let Some(parent) = node.parent() else { return (Role::Uses, false) };
    let is = |field: &str| parent.child_by_field_name(field) == Some(node);
    let dunder = text.starts_with("__") && text.ends_with("__");
    match parent.kind() {
        "function_definition" if is("name") => match holder(parent) {
            _ if dunder => (Role::Binds, false),
            Some(holder) if holder.kind() == "class_definition" => (Role::DefinesMember, false),
            Some(_) => (Role::Binds, false),
            None => (Role::Defines, false),
        },
        "class_definition" if is("name") => match holder(parent) {
            Some(_) => (Role::Binds, false),
            None => (Role::Defines, false),
        },
        "assignment" if is("left") => match holder(parent) {
            Some(_) => (Role::Binds, false),
            None => (Role::Defines, false),
        },
        "dotted_name" => python_import(node, parent),
        "aliased_import" if is("alias") => (Role::Imports, false),
        "parameters"
        | "lambda_parameters"
        | "typed_parameter"
        | "list_splat_pattern"
        | "dictionary_splat_pattern"
        | "pattern_list"
        | "tuple_pattern"
        | "as_pattern_target"
        | "global_statement"
        | "nonlocal_statement" => (Role::Binds, false),
        "default_parameter" | "typed_default_parameter" | "keyword_argument" | "named_expression" if is("name") => {
            (Role::Binds, false)
        }
        "for_statement" | "for_in_clause" if is("left") => (Role::Binds, false),
        "attribute" if is("attribute") => (Role::UsesMember, false),
        _ => (Role::Uses, false),
    }
}

/// A part of a dotted name: `import a.b` makes `a` known, `from m import x` makes `x` known.
fn python_import(node: Node<'_>, dotted: Node<'_>) -> (Role, bool) {
    let Some(statement) = dotted.parent() else { return (Role::Uses, false) };
    let is_first = dotted.named_child(0) == Some(node);
    match statement.kind() {
        "import_statement" if is_first => (Role::Imports, true),
        "import_from_statement" | "future_import_statement"
            if statement.child_by_field_name("module_name") != Some(dotted) && is_first =>
        {
            (Role::Imports, true)
        }
        _ if is_first => (Role::Uses, false),
        _ => (Role::UsesMember, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn shown(language: Language, source: &str) -> String {
        let parsed = Parsed::of(&Text::new(source), language).unwrap();
        let all = 0..source.len();
        let names = parsed.names(std::slice::from_ref(&all), |_| true);
        let words: HashSet<String> = names.iter().map(|name| name.text.clone()).collect();
        assert_eq!(parsed.words(), words);
        let words: Vec<String> = names
            .iter()
            .map(|name| {
                let role = match name.role {
                    Role::Defines => "def ",
                    Role::DefinesMember => "def .",
                    Role::Imports => "import ",
                    Role::Binds => "bind ",
                    Role::Uses => "",
                    Role::UsesMember => ".",
                };
                format!("{role}{}", name.text)
            })
            .collect();
        words.join(", ")
    }

    #[track_caller]
    fn check(language: Language, source: &str, expected: &str) {
        assert_eq!(shown(language, source), expected, "{source}");
    }

    #[test]
    fn only_what_is_asked_for_is_told() {
        let source = "fn a() { b(c); }\nfn d() { b(e); }\nfn f() { g(); }\n";
        let parsed = Parsed::of(&Text::new(source), Language::Rust).unwrap();
        let at = |needle: &str| source.find(needle).unwrap();
        let ranges = [at("b(c)")..at("b(c)") + 1, at("fn d")..at("e);"), at("fn f")..at("g();") + 1];
        let names = parsed.names(&ranges, |name| name != "f");
        let told: Vec<&str> = names.iter().map(|name| name.text.as_str()).collect();
        assert_eq!(told, ["b", "d", "b", "g"]);
        assert_eq!(parsed.names(&[], |_| true), []);
    }

    #[test]
    fn rust_names() {
        let check = |source, expected| check(Language::Rust, source, expected);
        check("fn a(b: C) -> D { let e = f(b); e.g(h::i) }", "def a, bind b, C, D, bind e, f, b, e, .g, h, .i");
        check("use a::b::{c, d as e}; use f; use g::*;", "a, .b, c, import c, d, import e, f, import f, g");
        check("mod a; pub struct B { c: D } enum E { F }", "a, def a, def B, bind c, D, def E, def .F");
        check("impl A { fn b(&self) {} const C: u8 = 1; }", "A, def .b, def .C");
        check("impl fmt::A for B { fn fmt(&self) {} }", "fmt, .A, B, bind fmt");
        check("fn a() { m!(b, c.d()); fn e() {} }", "def a, m, b, c, .d, bind e");
        check("const A: B = C; macro_rules! d { () => {} }", "def A, B, C, def d");
    }

    #[test]
    fn names_of_other_languages() {
        check(
            Language::TypeScript,
            "import { a, b as c } from 'd';\nexport class E extends F { g(h: I) { let j = k.l(h); } }\nfunction m() {}\n",
            "a, import a, b, import c, def E, F, def .g, bind h, I, bind j, k, .l, h, def m",
        );
        check(
            Language::Go,
            "package p\nimport \"fmt\"\nfunc (r *R) M(a B) { x := a.C(); fmt.D(x) }\nfunc F() {}\n",
            "p, bind r, R, def .M, bind a, B, bind x, a, .C, fmt, .D, x, def F",
        );
        check(
            Language::Java,
            "import a.B;\nclass C { void d(E f) { G g = f.h(); } }\n",
            "a, B, import B, def C, def .d, E, bind f, G, bind g, f, .h",
        );
        check(
            Language::C,
            "int f(struct s *p) { int x = g(p->y); return x; }\n",
            "def f, s, bind p, bind x, g, p, .y, x",
        );
        check(
            Language::Ruby,
            "class A < B\n  def c(d)\n    d.e(F)\n  end\nend\n",
            "def A, B, def .c, bind d, d, .e, F",
        );
    }

    #[test]
    fn python_names() {
        let check = |source, expected| check(Language::Python, source, expected);
        check("def a(b, c=d):\n    e = f(b)\n    return e.g\n", "def a, bind b, bind c, d, bind e, f, b, e, .g");
        check("import a.b\nimport c as d\n", "a, import a, .b, c, import d");
        check("from m.n import x, y as z\n", "m, .n, x, import x, y, import z");
        check(
            "class A(B):\n    def c(self): pass\n    def __d__(self): pass\n",
            "def A, B, def .c, bind self, bind __d__, bind self",
        );
        check("A = 1\nfor b in c: d(e=f)\n", "def A, bind b, c, d, bind e, f");
    }
}
