//! Search over the three layers.

use claw::text::Text;
use claw::workspace::search::{Pattern, Scope};
use claw::workspace::{Author, Overlay};

use crate::support::fixture::Fixture;

#[test]
fn a_search_sees_disk_buffers_and_proposed_text() {
    let fixture = Fixture::new(
        "//- /a/disk.txt\none\nneedle on disk\n//- /dos.txt crlf\nneedle\nx\n//- /b.txt\nneedle gone\n//- /b.txt buffer\n\nunsaved needle\n\
         //- /c.txt\nnothing\n",
    );
    let c = fixture.live().read(&fixture.doc("c.txt")).unwrap();
    let mut overlay = Overlay::default();
    overlay.write(&fixture.doc("c.txt"), Some(&c), Some(Text::new("proposed needle")), Author::default()).unwrap();
    let view = fixture.workspace.view(&overlay);
    let search = |pattern: &str, glob: Option<&str>| {
        let scope = Scope::new(&view, None, glob).unwrap();
        let found = view.search(&Pattern::new(pattern, true).unwrap(), &scope, 100, &|| false);
        found
            .matches
            .iter()
            .map(|found| format!("{}:{}: {}", view.roots().display(&found.path), found.line, found.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        search("needle", None),
        ["a/disk.txt:2: needle on disk", "b.txt:2: unsaved needle", "c.txt:1: proposed needle", "dos.txt:1: needle"]
    );
    assert_eq!(
        search("needle$", Some("*.txt")),
        ["b.txt:2: unsaved needle", "c.txt:1: proposed needle", "dos.txt:1: needle"]
    );
    assert_eq!(search("Needle", None), Vec::<String>::new());
}
