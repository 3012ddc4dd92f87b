//! The definitions of fixtures, as they are shown.

mod languages;

use expect_test::{Expect, expect};

use super::*;
use crate::syntax::search::tests::check_roots;

/// Kind, path, 1-based lines and signature of each symbol.
fn shown(text: &Text, symbols: &Symbols) -> String {
    let line = |offset| text.line_of(offset) + 1;
    let mut shown = String::new();
    for (index, symbol) in symbols.all.iter().enumerate() {
        assert_eq!(text.slice(symbol.name_range.clone()).as_deref(), Some(&*symbol.name));
        shown.push_str(&format!(
            "{} {} {}-{} {}{}\n",
            symbol.kind.name(),
            symbols.path(index).unwrap(),
            line(symbol.range.start),
            line(symbol.range.end),
            symbol.signature,
            symbol.doc.as_ref().map(|doc| format!(" | {doc}")).unwrap_or_default()
        ));
    }
    shown
}

fn check(language: Language, source: &str, expected: Expect) {
    let text = Text::new(source);
    check_roots(&Parsed::of(&text, language).unwrap());
    expected.assert_eq(&shown(&text, &Symbols::of(&text, language)));
}

#[test]
fn rust_definitions() {
    check(
        Language::Rust,
        r#"
pub const LIMIT: usize = 3;
static mut COUNT: u32 = 0;

/// A shape.
#[derive(Debug)]
// and more
#[repr(C)]
pub struct Shape<T: Clone> where T: Copy {
    side: T,
}
struct Pair(u32, u32);
struct Unit;

enum Kind { A, B }
union Bits { a: u32 }
type Shapes = Vec<Shape<f64>>;

pub trait Area: Sized {
    type Output;
    const SIDES: usize;
    fn area(&self) -> Self::Output;
    fn twice(&self) -> f64 { 0.0 }
}

impl<T: Copy + Clone> Area for crate::Shape<T> {
    #[inline]
    pub async unsafe fn area(
        &self, // the shape
        scale: f64,
    ) -> Self::Output {
        fn helper() {}
        0.0
    }
}

impl Shape<f64> {
    const fn new() -> Self { todo!() }
}

mod inner {
    pub(crate) fn deep() {}
    mod deeper;
}

macro_rules! square { ($x:expr) => { $x * $x }; }
extern "C" { fn c_function(x: i32) -> i32; }
"#,
        expect![[r#"
            constant LIMIT 2-2 pub const LIMIT: usize
            static COUNT 3-3 static mut COUNT: u32
            struct Shape 6-11 pub struct Shape<T: Clone> where T: Copy | A shape.
            struct Pair 12-12 struct Pair
            struct Unit 13-13 struct Unit
            enum Kind 15-15 enum Kind
            union Bits 16-16 union Bits
            type_alias Shapes 17-17 type Shapes = Vec<Shape<f64>>
            trait Area 19-24 pub trait Area: Sized
            type_alias Area::Output 20-20 type Output
            constant Area::SIDES 21-21 const SIDES: usize
            method Area::area 22-22 fn area(&self) -> Self::Output
            method Area::twice 23-23 fn twice(&self) -> f64
            impl Shape 26-35 impl<T: Copy + Clone> Area for crate::Shape<T>
            method Shape::area 27-34 pub async unsafe fn area(&self, scale: f64) -> Self::Output
            function Shape::area::helper 32-32 fn helper()
            impl Shape 37-39 impl Shape<f64>
            method Shape::new 38-38 const fn new() -> Self
            module inner 41-44 mod inner
            function inner::deep 42-42 pub(crate) fn deep()
            macro square 46-46 macro_rules! square
            function c_function 47-47 fn c_function(x: i32) -> i32
        "#]],
    );
}

#[test]
fn python_definitions() {
    check(
        Language::Python,
        r#"
LIMIT = 3
LIMIT = 4
name: str = "x"
a, b = 1, 2

@dataclass(
    frozen=True,
)
@final
class Shape(Base, metaclass=Meta):  # a shape
    """Docs."""
    side: float = 1.0

    @property
    def area(self) -> float:
        def helper(): pass
        return self.side

    async def fetch(
        self,
        url: str = "x",  # where from
    ) -> None: ...

if True:
    def conditional[T](x: T) -> T: return x

type Pair[T] = tuple[T, T]
"#,
        expect![[r#"
            constant LIMIT 2-2 LIMIT
            constant name 4-4 name: str
            class Shape 7-23 class Shape(Base, metaclass=Meta) | Docs.
            method Shape::area 15-18 def area(self) -> float
            function Shape::area::helper 17-17 def helper()
            method Shape::fetch 20-23 async def fetch(self, url: str = "x") -> None
            function conditional 26-26 def conditional[T](x: T) -> T
            type_alias Pair 28-28 type Pair[T] = tuple[T, T]
        "#]],
    );
}

#[test]
fn broken_code_gives_what_can_be_told() {
    check(
        Language::Rust,
        "fn whole() {}\nfn broken( {\n    let x = ;\n\nstruct After { a: u32 }\nimpl { fn lost() {} }\nfn last() {}\n",
        expect![[r#"
            function whole 1-1 fn whole()
            struct After 5-5 struct After
            function lost 6-6 fn lost()
            function last 7-7 fn last()
        "#]],
    );
    check(
        Language::Python,
        "def whole(): pass\nclass Broken(:\n    def inner(self\n        pass\ndef after(): return (\nclass Last: pass\n",
        expect![[r#"
            function whole 1-1 def whole()
            class Broken 2-4 class Broken
            function after 5-6 def after(): return
        "#]],
    );
}

#[test]
fn hostile_text_is_an_answer() {
    for source in ["(".repeat(200_000), "\0".repeat(1000), "mod a{".repeat(20_000), "\u{feff}fn f() {}".to_owned()] {
        for language in Language::ALL {
            let symbols = Symbols::of(&Text::new(&source), *language);
            assert!(symbols.all.iter().all(|symbol| symbol.range.end <= source.len()));
        }
    }
    assert_eq!(Symbols::of(&Text::new(&"fn f() {}\n".repeat(200_000)), Language::Rust), Symbols::default());
}

/// The path to the innermost symbol at `$0`.
#[track_caller]
fn check_enclosing(language: Language, fixture: &str, expected: &[&str]) {
    let offset = fixture.find("$0").unwrap();
    let text = Text::new(&fixture.replace("$0", ""));
    let symbols = Symbols::of(&text, language);
    let names: Vec<&str> = symbols.enclosing(offset).into_iter().map(|symbol| &*symbol.name).collect();
    assert_eq!(names, expected);
}

#[test]
fn a_cursor_has_the_symbols_around_it() {
    check_enclosing(Language::Rust, "mod a { impl B { fn c() { $0 } } }", &["a", "B", "c"]);
    check_enclosing(Language::Rust, "#[te$0st]\nfn c() {}", &["c"]);
    check_enclosing(Language::Rust, "fn a() {}\n$0\nfn b() {}", &[]);
    check_enclosing(Language::Python, "class A:\n    @prop$0erty\n    def b(self): pass\n", &["A", "b"]);
    check_enclosing(Language::Python, "class A:\n    def b(self):\n        if x:\n            y$0()\n", &["A", "b"]);
}
