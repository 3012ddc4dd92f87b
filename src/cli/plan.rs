//! What becomes of a plan, asked on a terminal.

use std::io::{self, BufRead, Write};

use super::terminal::{Palette, Style};

/// What the user wants done with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    CarryOut,
    /// A new plan, with this in mind.
    Change(String),
    Discard,
}

/// Asks until there is an answer. The end of the input is none: nothing happens.
pub fn ask(input: &mut impl BufRead, out: &mut impl Write, palette: Palette) -> io::Result<Choice> {
    loop {
        let line = answer(input, out, palette, "Carry out the plan? [y]es, [c]hange it, [d]iscard it ")?;
        match line.as_deref() {
            Some("y" | "yes") => return Ok(Choice::CarryOut),
            Some("c" | "change") => match answer(input, out, palette, "What should be different? ")? {
                Some(text) if !text.is_empty() => return Ok(Choice::Change(text)),
                Some(_) => {}
                None => return Ok(Choice::Discard),
            },
            None | Some("d" | "discard" | "n" | "no") => return Ok(Choice::Discard),
            Some(_) => {}
        }
    }
}

fn answer(
    input: &mut impl BufRead,
    out: &mut impl Write,
    palette: Palette,
    question: &str,
) -> io::Result<Option<String>> {
    write!(out, "{}", palette.paint(Style::Bold, question))?;
    out.flush()?;
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => {
            writeln!(out)?;
            Ok(None)
        }
        _ => Ok(Some(line.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::ColorChoice;

    #[track_caller]
    fn check(typed: &str, expected: Choice) {
        let palette = Palette::new(ColorChoice::Never, false);
        assert_eq!(ask(&mut typed.as_bytes(), &mut Vec::new(), palette).unwrap(), expected, "{typed:?}");
    }

    #[test]
    fn answers() {
        check("y\n", Choice::CarryOut);
        check("what?\n\nyes\n", Choice::CarryOut);
        check("d\n", Choice::Discard);
        check("", Choice::Discard);
        check("c\n\nn\n", Choice::Discard);
        check("c\n", Choice::Discard);
        check("c\n without step 2 \n", Choice::Change("without step 2".to_owned()));
    }
}
