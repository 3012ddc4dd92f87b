//! The sample project's tests, run on its files as they are and as they are proposed.
//!
//! In the sandbox or not at all: the demo asks for nothing.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::cli::terminal::{Palette, Style};
use crate::cli::visible::visible_line;
use crate::tools::shell::commands::{Cage, Commands, NotRun, Order, Ran};
use crate::tools::shell::{CommandSetup, Wanted};
use crate::workspace::View;

const COMMAND: &str = "python3 -m unittest -q";

const LONGEST: Duration = Duration::from_secs(60);

/// Lines of an output that tells nothing in the way of `unittest`.
const MOST_LINES: usize = 10;

/// Runs the tests, where they can be confined.
pub struct TestsRun {
    setup: Arc<CommandSetup>,
    commands: Commands,
}

impl TestsRun {
    /// Copies of the project go beneath the state folder.
    pub fn new(state: &Path) -> TestsRun {
        let environment = std::env::vars_os().collect();
        let cache = Some(state.join("shadows"));
        let setup = Arc::new(CommandSetup::new(cache, Wanted::Auto, false, LONGEST, environment, None));
        TestsRun { commands: Commands::new(Arc::clone(&setup)), setup }
    }

    /// Runs them on what `view` shows and says how they went; whether they ran.
    pub async fn show(&self, out: &mut impl Write, palette: Palette, what: &str, view: View) -> io::Result<bool> {
        writeln!(out, "{}", palette.paint(Style::Bold, format_args!("The tests, {what}")))?;
        match self.run(view).await {
            Ok(ran) => {
                writeln!(out, "$ {COMMAND}")?;
                let (printed, _) = ran.output.text();
                for line in telling(&printed) {
                    writeln!(out, "{}", visible_line(line))?;
                }
                let (style, verdict) = match ran.succeeded() {
                    true => (Style::Green, "they pass".to_owned()),
                    false => (Style::Red, format!("they fail: {}", ran.verdict())),
                };
                writeln!(out, "{}\n", palette.paint(style, verdict))?;
                Ok(true)
            }
            Err(NotRun(reason)) => {
                writeln!(out, "They are not run: {reason}\n")?;
                Ok(false)
            }
        }
    }

    async fn run(&self, view: View) -> Result<Ran, NotRun> {
        let setup = Arc::clone(&self.setup);
        let trying = tokio::task::spawn_blocking(move || match (setup.confines(), setup.cage()) {
            (Ok(true), _) => Ok(()),
            (Ok(false), Cage::Missing(reason) | Cage::Broken(reason)) => {
                Err(NotRun(format!("nothing confines commands here ({reason})")))
            }
            (Ok(false), Cage::Proven(_)) => Err(NotRun("nothing confines commands here".to_owned())),
            (Err(error), _) => Err(error),
        });
        trying.await.map_err(|error| NotRun(error.to_string()))??;
        let order = Order {
            command: COMMAND.to_owned(),
            view,
            network: false,
            confined: true,
            deadline: LONGEST,
            cancel: Default::default(),
            hear: Arc::new(|_| ()),
        };
        let ran = self.commands.try_out(order).await?;
        let (printed, _) = ran.output.text();
        match printed.contains("python3: command not found") || printed.contains("python3: not found") {
            true => Err(NotRun("there is no python3 here".to_owned())),
            false => Ok(ran),
        }
    }
}

/// The lines that say how each test went, or else the last ones.
fn telling(printed: &str) -> Vec<&str> {
    let lines: Vec<&str> = printed.lines().filter(|line| !line.trim().is_empty()).collect();
    let tells = |line: &&str| ["FAIL", "ERROR:", "Ran ", "OK"].iter().any(|word| line.starts_with(word));
    let telling: Vec<&str> = lines.iter().copied().filter(tells).collect();
    match telling.is_empty() {
        true => lines.get(lines.len().saturating_sub(MOST_LINES)..).unwrap_or_default().to_vec(),
        false => telling,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_tests_is_shown_and_of_anything_else_the_end() {
        let failed = "====\nFAIL: test_a (tests.T.test_a)\n----\nTraceback\nAssertionError: 1 != 2\n\n----\nRan 2 tests in 0.001s\n\nFAILED (failures=1)\n";
        let shown = ["FAIL: test_a (tests.T.test_a)", "Ran 2 tests in 0.001s", "FAILED (failures=1)"];
        assert_eq!(telling(failed), shown);
        assert_eq!(telling("one\n\ntwo"), ["one", "two"]);
        let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        assert_eq!(telling(&many.join("\n")).first(), Some(&"20"));
    }
}
