//! How the indentation of a text that was sought stands to that of the place where it was found, and what follows for new lines.

use std::collections::BTreeMap;

use super::fold::is_blank;

/// From indentations as a writer gave them to those of the text.
pub(super) struct Shift {
    /// By width and spelling. A deeper line is deeper in the text too.
    pairs: BTreeMap<(usize, String), String>,
    /// One step, as the writer gives it and as the text has it.
    step: (usize, String),
}

/// Columns of a tab where it is mixed with spaces.
const TAB: usize = 4;

impl Shift {
    /// `pairs` holds for each line that is not blank what the writer gave and what stands there. `all` are all indentations of the
    /// writer's, those of the new lines too. `None` if they do not stand to each other as one block to itself elsewhere.
    pub fn of<'a>(
        pairs: &[(&'a str, &'a str)],
        all: impl Iterator<Item = &'a str>,
        document: &'a str,
    ) -> Option<Shift> {
        let mut known: BTreeMap<(usize, String), String> = BTreeMap::new();
        for (given, there) in pairs {
            let before = known.insert((width(given), (*given).to_owned()), (*there).to_owned());
            if before.is_some_and(|before| before != *there) {
                return None;
            }
        }
        let rows: Vec<(usize, usize)> = known.iter().map(|((given, _), there)| (*given, width(there))).collect();
        let is_in_step = rows.windows(2).all(|pair| match pair {
            [(given, there), (next, next_there)] => given.cmp(next) == there.cmp(next_there),
            _ => true,
        });
        if !is_in_step {
            return None;
        }
        let given_step = all.map(width).chain(rows.iter().map(|(given, _)| *given)).fold(0, gcd);
        let step = (given_step, step_there(&known, &rows, given_step, document));
        Some(Shift { pairs: known, step })
    }

    /// The indentation of a line that the writer gave with `indent`; `None` if the text has no room for it.
    pub fn map(&self, indent: &str) -> Option<String> {
        let wanted = width(indent);
        if let Some(there) = self.pairs.get(&(wanted, indent.to_owned())) {
            return Some(there.clone());
        }
        let below = self.pairs.iter().rev().find(|((given, _), _)| *given <= wanted);
        let Some(((given, _), there)) = below.or_else(|| self.pairs.iter().next()) else {
            return Some(indent.to_owned());
        };
        let (step, ref step_there) = self.step;
        if *given <= wanted {
            let deeper = wanted - given;
            let (steps, rest) = (deeper.checked_div(step).unwrap_or(0), deeper.checked_rem(step).unwrap_or(deeper));
            return Some(format!("{there}{}{}", step_there.repeat(steps), " ".repeat(rest)));
        }
        // Less deep than anything that is known: steps are taken away.
        let less = given - wanted;
        if step == 0 || !less.is_multiple_of(step) {
            return None;
        }
        let mut there = there.as_str();
        for _ in 0..less / step {
            there = there.strip_suffix(step_there.as_str())?;
        }
        Some(there.to_owned())
    }
}

/// One step of the text where the writer's is `given` columns.
fn step_there(
    known: &BTreeMap<(usize, String), String>,
    rows: &[(usize, usize)],
    given: usize,
    document: &str,
) -> String {
    let theirs = known.values().any(|there| there.contains('\t'));
    let writers = known.keys().any(|(_, spelling)| spelling.contains('\t'));
    if theirs {
        return if writers { "\t".repeat((given / TAB).max(1)) } else { "\t".to_owned() };
    }
    let spaces = |count: usize| " ".repeat(count);
    if let [(one, one_there), .., (other, other_there)] = rows {
        // Two depths say how long a step is.
        let (run, rise) = (other - one, other_there - one_there);
        if given > 0 && (rise * given).is_multiple_of(run) {
            return spaces(rise * given / run);
        }
    }
    if let [(one, one_there)] = rows
        && let Some(usual) = usual_step(document)
        && given > 0
        && *one > 0
        && one * usual == one_there * given
    {
        // As many of the writer's steps as of the text's.
        return spaces(usual);
    }
    if writers { spaces(usual_step(document).unwrap_or(TAB) * (given / TAB).max(1)) } else { spaces(given) }
}

/// By how many spaces most deeper lines of a text are deeper than the one before.
fn usual_step(document: &str) -> Option<usize> {
    let mut steps: BTreeMap<usize, usize> = BTreeMap::new();
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let lines: Vec<usize> = document.lines().filter(|line| !line.trim().is_empty()).take(2_000).map(depth).collect();
    for pair in lines.windows(2) {
        if let [before, after] = pair
            && after > before
        {
            *steps.entry(after - before).or_default() += 1;
        }
    }
    steps.into_iter().max_by_key(|(step, count)| (*count, std::cmp::Reverse(*step))).map(|(step, _)| step)
}

/// The white space at the start of a line.
pub(super) fn indent_of(line: &str) -> &str {
    line.split_at(line.len() - line.trim_start_matches(|character| is_blank(character, true)).len()).0
}

fn width(indent: &str) -> usize {
    indent.chars().map(|character| if character == '\t' { TAB } else { 1 }).sum()
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], new: &[&str], expected: Option<&[Option<&str>]>) {
        let shift = Shift::of(pairs, new.iter().copied(), "a\n  b\n    c\n");
        let mapped: Option<Vec<Option<String>>> =
            shift.map(|shift| new.iter().map(|indent| shift.map(indent)).collect());
        let expected = expected.map(|list| list.iter().map(|indent| indent.map(str::to_owned)).collect::<Vec<_>>());
        assert_eq!(mapped, expected, "{pairs:?} {new:?}");
    }

    #[test]
    fn a_block_is_shifted_as_one() {
        check(
            &[("", "    "), ("    ", "        ")],
            &["", "    ", "        ", "      "],
            Some(&[Some("    "), Some("        "), Some("            "), Some("          ")]),
        );
        check(
            &[("            ", "        ")],
            &["            ", "                ", "        ", ""],
            Some(&[Some("        "), Some("            "), Some("    "), None]),
        );
        check(&[("    ", "\t")], &["    ", "        "], Some(&[Some("\t"), Some("\t\t")]));
        check(&[("\t", "  "), ("\t\t", "    ")], &["\t\t\t"], Some(&[Some("      ")]));
        check(&[("\t", "  ")], &["\t", "\t\t"], Some(&[Some("  "), Some("    ")]));
        check(&[("    ", "  ")], &["        "], Some(&[Some("    ")]));
        check(&[("  ", "    ")], &["    "], Some(&[Some("      ")]));
        check(&[("  ", "    "), ("    ", "        ")], &["      "], Some(&[Some("            ")]));
        check(&[("\t", "\t\t")], &["\t", "\t\t", ""], Some(&[Some("\t\t"), Some("\t\t\t"), Some("\t")]));
    }

    #[test]
    fn what_is_no_shift_is_refused() {
        check(&[("  ", "    "), ("  ", "")], &[], None);
        check(&[("", "    "), ("    ", "    ")], &[], None);
        check(&[("", "    "), ("    ", "")], &[], None);
    }
}
