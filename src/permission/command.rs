//! A command line, read strictly: which programs it runs with which words, or why that can not be told.
//!
//! A shell can run almost anything from almost any text. So only a small part of its language is read, and all the rest is
//! *unclear*: not forbidden, but never done unasked. What is clear is taken apart into [`Part`]s, one for each program that
//! runs, among them those that other programs run (`xargs`, `find -exec`, `bash -c`). It must never know which rules there
//! are.

mod carriers;
mod git;
mod interpreters;
mod lexer;
mod loose;
mod scripts;
mod sed;
mod table;
mod wrappers;

use lexer::Simple;

pub(in crate::permission) use lexer::split;
pub(in crate::permission) use loose::suspects;
pub use scripts::script_sources;
pub(in crate::permission) use table::base_name;

/// Longest command that is read: the system takes no longer argument.
pub const MAX_BYTES: usize = 128 * 1024;
/// How deep a command may stand in others.
const MAX_DEPTH: usize = 6;
/// How many programs one line may run and still be called clear.
const MAX_PARTS: usize = 64;

/// What a command line runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The programs, in the order of the line. All of them if the line is clear, else those that were found.
    pub parts: Vec<Part>,
    /// Why it can not be told what the line runs.
    pub unclear: Option<String>,
}

/// One program with its words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The program and its arguments as it gets them.
    pub words: Vec<Word>,
    /// Files that the shell opens for it.
    pub files: Vec<String>,
    /// Arguments follow that do not stand on the line: `xargs` adds them.
    pub open: bool,
    /// It is known that this program runs none of its arguments.
    pub known: bool,
}

/// A word as a program gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    /// Where in `text` characters stand that the shell expands to names of files.
    pub wild: Vec<usize>,
    /// Something else will stand here: `{}` of `find` and `xargs`.
    pub unknown: bool,
    /// Where the first character stands that was quoted.
    pub quoted: Option<usize>,
}

impl Word {
    pub(in crate::permission) fn plain(text: &str) -> Word {
        Word { text: text.to_owned(), ..Word::default() }
    }

    /// Its text is the same whatever files there are.
    pub fn is_fixed(&self) -> bool {
        self.wild.is_empty() && !self.unknown
    }

    /// Names of files could make an option of it.
    fn may_become_an_option(&self) -> bool {
        self.wild.first() == Some(&0)
    }
}

impl Part {
    /// The program as it is written.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.text.as_str())
    }

    pub fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }
}

/// Reads a command line.
pub fn parse(command: &str) -> Line {
    let mut line = Line::default();
    read(command, 0, &mut line);
    line
}

fn read(command: &str, depth: usize, line: &mut Line) {
    if command.len() > MAX_BYTES {
        line.fail(format!("it is longer than {MAX_BYTES} bytes"));
        return;
    }
    match split(command) {
        Err(why) => line.fail(why),
        Ok(commands) if commands.is_empty() => line.fail("there is no command in it".to_owned()),
        Ok(commands) => {
            for simple in commands {
                resolve(simple, false, depth, line);
            }
        }
    }
}

/// Adds what a simple command runs.
fn resolve(simple: Simple, open: bool, depth: usize, line: &mut Line) {
    if depth > MAX_DEPTH {
        line.fail("commands stand too deep in each other".to_owned());
        return;
    }
    if line.parts.len() >= MAX_PARTS {
        line.fail(format!("it runs more than {MAX_PARTS} programs"));
        return;
    }
    let mut part = Part { words: simple.words, files: simple.files, open, known: false };
    if let Err(why) = lexer::check_program(&simple.assigned, &part) {
        line.parts.push(part);
        line.fail(why);
        return;
    }
    match carriers::meaning(&part) {
        Meaning::Unclear(why) => {
            line.parts.push(part);
            line.fail(why);
        }
        Meaning::Plain { known } => {
            part.known = known;
            line.parts.push(part);
        }
        Meaning::Carries { itself, carried } => {
            part.known = true;
            let files = if itself { Vec::new() } else { std::mem::take(&mut part.files) };
            if itself {
                line.parts.push(part);
            }
            let first = line.parts.len();
            for carried in carried {
                match carried {
                    Carried::Script(script) => read(&script, depth.saturating_add(1), line),
                    Carried::Words { words, open } => {
                        resolve(Simple::of(words), open, depth.saturating_add(1), line);
                    }
                }
            }
            match line.parts.get_mut(first) {
                Some(part) => part.files.extend(files),
                None => line.fail("there is no command behind it".to_owned()),
            }
        }
    }
}

impl Line {
    fn fail(&mut self, why: String) {
        self.unclear.get_or_insert(why);
    }
}

/// What a program makes of its arguments.
#[derive(Debug)]
enum Meaning {
    /// It runs nothing of them, as far as is `known`.
    Plain {
        known: bool,
    },
    /// It runs other commands: `itself` is worth a rule, too.
    Carries {
        itself: bool,
        carried: Vec<Carried>,
    },
    Unclear(String),
}

#[derive(Debug)]
enum Carried {
    /// A command line as text.
    Script(String),
    /// A program and its words.
    Words { words: Vec<Word>, open: bool },
}

impl Meaning {
    fn unclear(why: impl Into<String>) -> Meaning {
        Meaning::Unclear(why.into())
    }
}
