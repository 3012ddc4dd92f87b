//! Edits and diffs against `String`.

use claw::text::line_ending::LineEnding;
use claw::text::locate::{Located, locate};
use claw::text::{Edit, EditError, Text, diff};
use proptest::prelude::*;

use super::generate;

fn between_cr_and_lf(text: &str, at: usize) -> bool {
    text[..at].ends_with('\r') && text[at..].starts_with('\n')
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn edits_made_at_once_are_the_edits_made_from_the_end(
        source in generate::text(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        inserts in prop::collection::vec(generate::text(), 4),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|share| generate::boundary(&source, share)).collect();
        cuts.sort_unstable();
        let edits: Vec<Edit> = cuts
            .chunks_exact(2)
            .zip(inserts)
            .map(|(range, insert)| Edit { range: range[0]..range[1], insert })
            .collect();
        let mut expected = source.clone();
        for edit in edits.iter().rev() {
            expected.replace_range(edit.range.clone(), &edit.insert);
        }
        let text = Text::new(&source);
        let edited = text.apply_all(&edits).unwrap();
        prop_assert_eq!(edited.to_string(), expected.clone());
        prop_assert_eq!(edited.hash(), Text::new(&expected).hash());
        prop_assert_eq!(text.to_string(), source, "the text itself is untouched");
        let shuffled: Vec<Edit> = edits.iter().rev().filter(|edit| !edit.range.is_empty()).cloned().collect();
        let kept: Vec<Edit> = edits.into_iter().filter(|edit| !edit.range.is_empty()).collect();
        prop_assert_eq!(text.apply_all(&shuffled), text.apply_all(&kept), "order does not matter");
    }

    #[test]
    fn edits_that_fit_nowhere_are_refused_and_change_nothing(
        source in generate::text(), start in 0usize..60, end in 0usize..60,
    ) {
        let result = Text::new(&source).apply(&Edit { range: start..end, insert: "x".to_owned() });
        let mut expected = source.clone();
        if start <= end && source.get(start..end).is_some() {
            expected.replace_range(start..end, "x");
            prop_assert_eq!(result.unwrap().to_string(), expected);
        } else {
            prop_assert_eq!(result, Err(EditError::OutOfBounds { start, end, len: source.len() }));
        }
    }

    #[test]
    fn a_diff_turns_the_old_text_into_the_new(old in generate::text(), new in generate::text()) {
        let (old, new) = (Text::new(&old), Text::new(&new));
        let edits = diff::edits(&old, &new);
        prop_assert_eq!(old.apply_all(&edits).unwrap(), new.clone());
        prop_assert_eq!(edits.is_empty(), old == new);
        let changes = diff::diff(&old, &new);
        for pair in changes.windows(2) {
            prop_assert!(pair[0].old.end < pair[1].old.start && pair[0].new.end < pair[1].new.start, "{:?}", changes);
        }
        for change in &changes {
            prop_assert_eq!(old.line_start(old.line_of(change.old.start)).min(change.old.start), change.old.start);
        }
    }

    #[test]
    fn a_small_change_is_a_small_diff(source in generate::text(), share: prop::sample::Index, insert in "[a-z]{1,9}") {
        let old = Text::new(&source);
        let at = generate::boundary(&source, share);
        prop_assume!(!source[..at].ends_with('\r'));
        let new = old.apply(&Edit { range: at..at, insert }).unwrap();
        let changes = diff::diff(&old, &new);
        prop_assert_eq!(changes.len(), 1);
        prop_assert_eq!(changes[0].old.clone(), old.line_range(old.line_of(at)));
    }

    #[test]
    fn what_stands_in_a_text_is_found_where_it_stands(
        source in generate::text(), one: prop::sample::Index, other: prop::sample::Index,
    ) {
        let (one, other) = (generate::boundary(&source, one), generate::boundary(&source, other));
        let range = one.min(other)..one.max(other);
        prop_assume!(!range.is_empty());
        prop_assume!(!between_cr_and_lf(&source, range.start) && !between_cr_and_lf(&source, range.end));
        let text = Text::new(&source);
        for needle in [source[range.clone()].to_owned(), LineEnding::Lf.normalize(&source[range.clone()]).into_owned()] {
            let found = match locate(&text, &needle) {
                Located::Unique(range) => vec![range],
                Located::Many(ranges) => ranges,
                Located::Missing { .. } => vec![],
            };
            prop_assert!(!found.is_empty());
            let normal = |text: &str| LineEnding::Lf.normalize(text).into_owned();
            for place in &found {
                prop_assert_eq!(normal(&source[place.clone()]), normal(&needle));
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start));
            prop_assert!(found.contains(&range) || found.len() > 1 || found[0].start < range.end);
        }
    }

    #[test]
    fn d02_bytes_outside_an_edit_stay(
        source in generate::text(), one: prop::sample::Index, other: prop::sample::Index, insert in generate::text(),
    ) {
        let (one, other) = (generate::boundary(&source, one), generate::boundary(&source, other));
        let range = one.min(other)..one.max(other);
        prop_assume!(!between_cr_and_lf(&source, range.start) && !between_cr_and_lf(&source, range.end));
        // What is deleted may well bring a `\r` and a `\n` together; what is inserted must not.
        prop_assume!(!insert.is_empty());
        let text = Text::new(&source);
        let adapted = text.with_line_endings_of(range.clone(), &insert).unwrap();
        let edited = text.apply(&Edit { range: range.clone(), insert: adapted.clone() }).unwrap().to_string();
        let normal = |text: &str| LineEnding::Lf.normalize(text).into_owned();
        prop_assert_eq!(
            normal(&edited),
            [normal(&source[..range.start]), normal(&insert), normal(&source[range.end..])].concat()
        );
        prop_assert_eq!(&edited[..range.start], &source[..range.start]);
        prop_assert_eq!(&edited[range.start + adapted.len()..], &source[range.end..]);
    }

    #[test]
    fn d02_replacing_text_by_itself_changes_no_byte(
        source in generate::text(), one: prop::sample::Index, other: prop::sample::Index,
    ) {
        let (one, other) = (generate::boundary(&source, one), generate::boundary(&source, other));
        let range = one.min(other)..one.max(other);
        let same = LineEnding::Lf.normalize(&source[range.clone()]).into_owned();
        let adapted = Text::new(&source).with_line_endings_of(range.clone(), &same).unwrap();
        prop_assert_eq!(adapted, &source[range]);
    }
}

#[test]
fn e07_overlapping_edits_are_refused() {
    let text = Text::new("abcdef");
    let edit = |range, insert: &str| Edit { range, insert: insert.to_owned() };
    assert_eq!(text.apply_all(&[edit(0..3, "x"), edit(2..4, "y")]), Err(EditError::Overlap { at: 2 }));
    assert_eq!(text.apply_all(&[edit(2..4, "y"), edit(0..3, "x")]), Err(EditError::Overlap { at: 2 }));
    assert_eq!(text.apply_all(&[edit(0..3, "x"), edit(3..4, "y")]).unwrap().to_string(), "xyef");
    assert_eq!(text.apply_all(&[edit(1..1, "1"), edit(1..1, "2"), edit(1..2, "B")]).unwrap().to_string(), "a12Bcdef");
}
