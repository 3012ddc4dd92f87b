//! Small pages and what is read of them.
#![cfg(test)]
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn read(html: &str) -> Readable {
    readable(html, &Url::parse("https://a.example/docs/page?q#part").unwrap())
}

#[track_caller]
fn check(html: &str, expected: Expect) {
    expected.assert_eq(&read(html).markdown);
}

#[test]
fn text_keeps_its_form() {
    check(
        "<title>T</title><h1>One</h1><p>A <b>bold</b> and <em>other</em> word,<br>a line.<h2>Two</h2><ul><li>a<li>b<ul><li>c</ul></ul>\
         <ol start=3><li>x<li>y</ol><blockquote>said</blockquote><hr>",
        expect![[r#"
            # One

            A **bold** and *other* word,  
            a line.

            ## Two

            - a
            - b
                - c

            3. x
            4. y

            > said

            ---"#]],
    );
}

#[test]
fn code_stays_as_it_is() {
    check(
        "<p>Call <code>a_b(*c)</code>:<pre><code class=language-rust>fn main() {\n    a_b(&amp;x);\n\n\n}\n</code></pre>after",
        expect![[r#"
            Call `a_b(*c)`:

            ```rust
            fn main() {
                a_b(&x);


            }
            ```
            after"#]],
    );
}

#[test]
fn tables_and_definitions() {
    check(
        "<table><caption>Sizes</caption><tr><th>name<th>size<tr><td>a|b<td>1</table><dl><dt>term<dd>what it is<dt>other<dd>too</dl>\
         <figure><img src=x alt='a red panda'><figcaption>Below it</figcaption></figure>\
         <details><summary>More</summary>of it</details>",
        expect![[r#"
            Sizes

            | name | size |
            | ---- | ---- |
            | a\|b | 1 |

            term

            what it is

            other

            too

            (image: a red panda)

            Below it

            More

            of it"#]],
    );
}

#[test]
fn w09_links_are_whole_and_of_the_web() {
    check(
        "<p><a href=other>relative</a> <a href='/top'>top</a> <a href='//b.example/x?y=1#z'>host</a> <a href='#here'>here</a>\
         <a href='https://c.example' title='Click!'>titled</a>\
         <a href='javascript:alert(1)'>script</a> <a href=' jAvA\nscript:alert(1)'>script again</a>\
         <a href='data:text/html,x'>data</a> <a href='command:workbench.x'>command</a> <a href='vscode://x'>editor</a>\
         <a href='file:///etc/passwd'>file</a> <a href='mailto:a@b.c'>mail</a>\
         <a href='https://good.example@evil.example/'>name</a>\
         <a href='https://d.example/a b)c'>odd</a> <a href='http://[bad'>bad</a>\
         <a href='https://e.example'><img src='https://track.example/?secret' alt='logo'></a>",
        expect![
            "[relative](https://a.example/docs/other) [top](https://a.example/top) [host](https://b.example/x?y=1#z) here[titled](https://c.example/)script script againdata command editorfile mailname[odd](<https://d.example/a%20b)c>) bad[(image: logo)](https://e.example/)"
        ],
    );
    check("<base href='https://b.example/x/'><a href=y>y</a>", expect!["[y](https://b.example/x/y)"]);
    check("<base href='javascript:x'><a href=y>y</a>", expect!["[y](https://a.example/docs/y)"]);
}

#[test]
fn w09_pictures_are_words_and_written_markdown_is_inert() {
    check(
        "<p>a<img src='https://evil.example/?q=secret' alt='![x](https://evil.example/y)'>b\
         <p>![x](https://evil.example/?q=1) [click](command:x) &lt;script&gt;alert(1)&lt;/script&gt; <img src=x><img src=y alt=''>\
         <picture><source srcset=z><img alt=inner></picture>",
        expect![[r#"
            a(image: \!\[x\](https://evil.example/y))b

            \!\[x\](https://evil.example/?q=1) \[click\](command:x) \<script>alert(1)\</script> (image: inner)"#]],
    );
    let long = read(&format!("<img alt='{}'>", "x".repeat(1000))).markdown;
    assert_eq!(long, format!("(image: {}…)", "x".repeat(200)));
}

#[test]
fn w08_what_no_reader_sees_is_not_there() {
    let canary = "CANARY";
    for hidden in [
        "<!-- CANARY -->",
        "<!--[if IE]><p>CANARY</p><![endif]-->",
        "<script>var x = 'CANARY'</script>",
        "<script type=application/ld+json>{\"name\": \"CANARY\"}</script>",
        "<style>.x::after{content:'CANARY'}</style>",
        "<template><p>CANARY</p></template>",
        "<noscript>CANARY</noscript>",
        "<iframe src=x>CANARY</iframe>",
        "<iframe srcdoc='<p>CANARY'></iframe>",
        "<object>CANARY</object>",
        "<svg><title>CANARY</title><text>CANARY</text></svg>",
        "<canvas>CANARY</canvas>",
        "<audio>CANARY</audio><video>CANARY</video>",
        "<textarea>CANARY</textarea><input value=CANARY><input type=hidden value=CANARY>",
        "<select><option>CANARY</select><button>CANARY</button><datalist><option>CANARY</datalist>",
        "<p hidden>CANARY</p>",
        "<p hidden=until-found>CANARY</p>",
        "<div aria-hidden=true><p><b>CANARY</b></div>",
        "<div aria-hidden=' TRUE '>CANARY</div>",
        "<dialog>CANARY</dialog>",
        "<p style='display:none'>CANARY</p>",
        "<p style='DISPLAY:NONE!important'>CANARY</p>",
        "<p style='visibility: hidden'>CANARY</p>",
        "<span style='font-size:0'>CANARY</span>",
        "<span style='color:white;background:white'>CANARY</span>",
        "<div style='position:absolute;left:-10000px'>CANARY</div>",
        "<div style='opacity:0'><section><p>CANARY</section></div>",
        "<style>.gone{display:none}</style><p class='a gone'>CANARY</p>",
        "<style>#gone{visibility:hidden}</style><p id=gone>CANARY</p>",
        "<a href='https://x.example' title='CANARY'>x</a>",
        "<p title='CANARY' data-x='CANARY' aria-label='CANARY' onclick='CANARY'>x</p>",
        "<a href='javascript:CANARY'>x</a>",
        "<img src='CANARY'>",
        "<meta name=description content='CANARY'><link rel=x href=CANARY>",
        "<?pi CANARY?>",
        "<![CDATA[CANARY]]>",
        "<p></CANARY>x",
    ] {
        let page = format!("<!doctype html><html><body><h1>Seen</h1><p>before</p>{hidden}<p>after</p>");
        let read = read(&page);
        assert!(!format!("{read:?}").contains(canary), "{hidden}\n{}", read.markdown);
        assert!(read.markdown.contains("before") && read.markdown.contains("after"), "{hidden}\n{}", read.markdown);
    }
}

#[test]
fn w08_characters_that_nobody_sees_are_left_out_and_counted() {
    let tags: String = "ignore".chars().map(|c| char::from_u32(0xe0000 + u32::from(c)).unwrap()).collect();
    let read = read(&format!(
        "<title>a\u{202e}b</title><p>one{tags}two \u{202e}evil\u{202c} co\u{ad}op zero\u{200b}width 👩\u{200d}👧 a&#27;[2J"
    ));
    assert_eq!(read.markdown, "onetwo evil coop zerowidth 👩\u{200d}👧 a\\[2J");
    assert_eq!(read.hidden_characters, 11);
    assert_eq!(read.title.as_deref(), Some("ab"));
}

#[test]
fn titles() {
    for (html, expected) in [
        ("<title> A\n page </title><h1>B</h1>", Some("A page")),
        ("<h1>Only <b>this</b></h1>", Some("Only this")),
        ("<title></title><h1>B</h1>", Some("B")),
        ("<p>x", None),
        ("<svg><title>no</title></svg>", None),
    ] {
        assert_eq!(read(html).title.as_deref(), expected, "{html}");
    }
}

#[test]
fn the_main_part_of_a_page_is_taken() {
    let words = "All that is told here is of use to somebody who reads it. ".repeat(12);
    let around = "<nav><a href=/a>Menu</a></nav>";
    let below = "<footer>Imprint</footer>";
    let main =
        read(&format!("{around}<main><h2>Subject</h2><p>{words}</p><aside>A note</aside></main>{below}")).markdown;
    assert!(main.starts_with("## Subject") && main.contains("A note"), "{main}");
    assert!(!main.contains("Menu") && !main.contains("Imprint"), "{main}");
    // An article without such a mark.
    let article = read(&format!(
        "{around}<div class=sidebar>Advert</div><article><p>{words}</p><p>{words}</p><p>{words}</p></article>{below}"
    ))
    .markdown;
    assert!(article.contains("All that is told") && !article.contains("Menu"), "{article}");
    // A page that is mostly a list keeps all of it.
    let rows: String = (0..200).fold(String::new(), |mut rows, n| {
        let _ = write!(rows, "<li><a href=/{n}>member number {n}</a>");
        rows
    });
    let list = read(&format!("{around}<p>{words}</p><ul>{rows}</ul>{below}")).markdown;
    assert!(list.contains("member number 0]") && list.contains("member number 199]"), "{list}");
    // A page that is nothing but a menu is that menu.
    assert_eq!(read("<nav><a href=/a>Menu</a></nav>").markdown, "[Menu](https://a.example/a)");
}

#[test]
fn broken_pages_are_read_as_browsers_do() {
    check(
        "<p>a<b>b<i>c</b>d</i>e<table><tr>f<td>g</table></div></span>h<",
        expect![[r#"
        a**b*c****d*ef

        |   |
        | - |
        | g |

        h\<"#]],
    );
    check("", expect![[r#""#]]);
    check("just text & more &amp; &unknown; &#x41;", expect!["just text & more & &unknown; A"]);
    check("<html><head><title>x</title></head><frameset><frame src=y></frameset></html>", expect![[r#""#]]);
}

/// Pages that would keep a parser without bounds for hours or run over its stack.
fn hostile() -> Vec<(&'static str, String)> {
    let mut fonts = String::new();
    for n in 0..100_000 {
        let _ = write!(fonts, "<p><font size={n}>x</p>");
    }
    let mut misnested = String::new();
    for n in 0..60_000 {
        let _ = write!(misnested, "<a id=a{n}><b id=b{n}><table>x");
    }
    vec![
        ("nested div", "<div>".repeat(1_000_000)),
        ("nested div, closed", format!("{}x{}", "<div>".repeat(200_000), "</div>".repeat(200_000))),
        ("nested lists", "<ul><li>".repeat(200_000)),
        ("nested quotes", "<blockquote>x".repeat(200_000)),
        ("nested tables", "<table><tr><td>".repeat(200_000)),
        ("nested below a table", format!("<table>{}x", "<div>".repeat(200_000))),
        ("nested links", "<a href=x><object>".repeat(100_000)),
        ("nested emphasis", "<b><i>".repeat(200_000)),
        ("nested code", "<pre><code>x\n".repeat(100_000)),
        ("nested svg", "<svg><g>".repeat(200_000)),
        ("nested forms", "<form><select><button>".repeat(100_000)),
        ("open fonts", fonts),
        ("misnested", misnested),
        ("many small", "<p>x</p>".repeat(600_000)),
        ("many attributes", format!("<p {}>x", "a=b c ".repeat(500_000))),
        ("one attribute", format!("<p a='{}'>x", "b".repeat(5_000_000))),
        ("wide table", format!("<table>{}", "<tr><td>a<td>b".repeat(300_000))),
        (
            "many rules",
            format!("<style>{}</style>{}", ".a{display:none}".repeat(200_000), "<p class='a b'>x".repeat(50_000)),
        ),
        ("open comment", format!("<p>x<!--{}", "-".repeat(5_000_000))),
        ("entities", "&amp".repeat(1_000_000)),
        ("zero bytes", "<\0p\0>".repeat(500_000)),
        ("templates", "<template>".repeat(300_000)),
        ("brackets", "<".repeat(2_000_000)),
        ("main in main", "<main>x".repeat(100_000)),
        ("backticks", format!("<pre>{}", "`".repeat(2_000_000))),
    ]
}

#[test]
fn w06_deep_and_endless_pages_end() {
    for (name, html) in hostile() {
        let begun = Instant::now();
        let worker = std::thread::Builder::new().stack_size(32 * 1024 * 1024);
        let read = worker.spawn(move || read(&html)).unwrap().join().expect(name);
        let took = begun.elapsed();
        println!("{name}: {took:?}, {} bytes, cut: {}", read.markdown.len(), read.is_cut);
        assert!(took < Duration::from_secs(60), "{name} took {took:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_as_html_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let text = crate::web::charset::decode(&bytes, None, true);
        let _ = read(&text);
    }

    #[test]
    fn random_tags_are_read_and_hide_nothing(parts in proptest::collection::vec(part(), 0..60)) {
        let read = read(&parts.concat());
        prop_assert!(!read.markdown.contains("javascript:"), "{}", read.markdown);
        prop_assert!(!read.markdown.contains("<script"), "{}", read.markdown);
        prop_assert!(!read.markdown.contains("CANARY"), "{}", read.markdown);
    }
}

fn part() -> impl Strategy<Value = String> {
    let tag = proptest::sample::select(vec![
        "a",
        "b",
        "i",
        "p",
        "div",
        "table",
        "tr",
        "td",
        "ul",
        "li",
        "ol",
        "pre",
        "code",
        "h1",
        "blockquote",
        "svg",
        "math",
        "mi",
        "form",
        "main",
        "dl",
        "dt",
        "img",
        "br",
        "details",
        "title",
        "head",
        "body",
        "html",
        "caption",
        "font",
        "span",
    ]);
    prop_oneof![
        tag.clone().prop_map(|tag| format!("<{tag}>")),
        tag.clone().prop_map(|tag| format!("</{tag}>")),
        tag.clone().prop_map(|tag| format!("<{tag} href='javascript:x' src='CANARY' hidden>")),
        tag.prop_map(|tag| format!("<{tag} href='/x' class=y>")),
        Just("<!-- CANARY -->".to_owned()),
        Just("<script>CANARY</script>".to_owned()),
        "[a-z \n*_`|]{0,12}",
    ]
}
