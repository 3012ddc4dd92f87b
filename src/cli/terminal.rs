//! Where output goes, and what may be done there: colour, width, questions.

use std::fmt;
use std::io::{self, IsTerminal, Write};

/// Whether to colour, where that can be chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// Standard output, buffered, with the colours it takes.
pub struct Out {
    writer: io::BufWriter<io::Stdout>,
    pub palette: Palette,
    pub is_terminal: bool,
}

impl Out {
    pub fn stdout(color: ColorChoice) -> Out {
        let is_terminal = io::stdout().is_terminal();
        Out { writer: io::BufWriter::new(io::stdout()), palette: Palette::new(color, is_terminal), is_terminal }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes one line to standard error. That nobody reads it is no reason to stop.
pub fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Paints text, or leaves it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    on: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

impl Palette {
    pub const PLAIN: Palette = Palette { on: false };

    /// `NO_COLOR` (https://no-color.org) and `TERM=dumb` turn colour off where nobody asked for it by name.
    pub fn new(choice: ColorChoice, is_terminal: bool) -> Palette {
        let on = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && !is_dumb(),
        };
        Palette { on }
    }

    pub fn paint<T: fmt::Display>(self, style: Style, text: T) -> Painted<T> {
        Painted { style: self.on.then_some(style), text }
    }
}

/// A terminal that can not move its cursor.
pub fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Columns of the terminal on standard error; 80 where it does not tell.
pub fn width() -> usize {
    rustix::termios::tcgetwinsize(io::stderr()).map_or(80, |size| usize::from(size.ws_col)).clamp(20, 400)
}

/// Text in a style.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    style: Option<Style>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(style) = self.style else { return self.text.fmt(f) };
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Red => "31",
            Style::Green => "32",
            Style::Yellow => "33",
            Style::Cyan => "36",
        };
        write!(f, "\x1b[{code}m{}\x1b[0m", self.text)
    }
}
