//! Questions while a turn runs, on a terminal. Where there is none nobody is asked, and the answer is no.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::terminal::{Palette, Style};
use super::visible::{visible, visible_line};
use crate::store::Trust;
use crate::tools::{Approval, Host, Reply, TrustQuestion, UserAnswer, UserQuestion};

/// How often a question looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(100);

/// Whether a question is on the terminal: then nothing else is drawn there.
#[derive(Clone, Debug, Default)]
pub struct Asking(Arc<AtomicBool>);

impl Asking {
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// [`Host`] on a terminal.
pub struct TerminalHost {
    palette: Palette,
    trust: Trust,
    asking: Asking,
    /// Held for as long as a question stands there.
    one_at_a_time: Arc<Mutex<()>>,
    can_ask: bool,
}

impl TerminalHost {
    /// `can_ask` is whether a question would be seen and could be answered.
    pub fn new(palette: Palette, trust: Trust, can_ask: bool) -> TerminalHost {
        TerminalHost { palette, trust, asking: Asking::default(), one_at_a_time: Arc::default(), can_ask }
    }

    pub fn asking(&self) -> Asking {
        self.asking.clone()
    }

    /// Puts `lines` and the prompt on the terminal, until `read` makes something of an answer. `None` where nobody answers.
    fn ask<T: Send + 'static>(
        &self,
        lines: Vec<String>,
        prompt: String,
        deadline: Duration,
        read: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> BoxFuture<'static, Option<T>> {
        if !self.can_ask {
            return Box::pin(std::future::ready(None));
        }
        let (palette, asking, turns) = (self.palette, self.asking.clone(), Arc::clone(&self.one_at_a_time));
        Box::pin(async move {
            let wanted = Arc::new(AtomicBool::new(true));
            let guard = Unwanted(Arc::clone(&wanted));
            let question = tokio::task::spawn_blocking(move || {
                let _one_at_a_time = turns.lock().unwrap_or_else(PoisonError::into_inner);
                asking.0.store(true, Ordering::Release);
                let answer = converse(&lines, &prompt, palette, deadline, &wanted, read);
                asking.0.store(false, Ordering::Release);
                answer
            });
            let answer = question.await.ok().flatten();
            drop(guard);
            answer
        })
    }
}

impl Host for TerminalHost {
    fn ask_trust(&self, question: TrustQuestion) -> BoxFuture<'static, Reply> {
        let names: Vec<String> =
            question.folders.iter().map(|folder| visible_line(&folder.display().to_string()).into_owned()).collect();
        let lines = vec![
            format!("Claw would {} in {}, which is not trusted.", question.purpose, names.join(" and ")),
            "Code in a folder you do not trust can be hostile.".to_owned(),
        ];
        let trust = self.trust.clone();
        let answer = self.ask(lines, "Trust it? [y,n] ".to_owned(), question.deadline, yes_or_no);
        Box::pin(async move {
            match answer.await {
                Some(true) => {}
                Some(false) => return Reply::Deny,
                None => return Reply::Unanswered,
            }
            for folder in &question.folders {
                if let Err(error) = trust.trust(folder) {
                    tracing::warn!(%error, "that the folder is trusted was not kept");
                }
            }
            Reply::Always
        })
    }

    fn approve(&self, question: Approval) -> BoxFuture<'static, Reply> {
        let Approval { tool, act, why, pattern, deadline, .. } = question;
        let mut lines = vec![format!("{}: {}", visible_line(&tool), visible(&act))];
        lines.extend((!why.is_empty()).then(|| visible_line(&why).into_owned()));
        let has_pattern = pattern.is_some();
        let prompt = match &pattern {
            Some(pattern) => {
                format!("Allow it? [y]es, for this [s]ession, [a]lways {}, [n]o ", visible_line(pattern))
            }
            None => "Allow it? [y]es, for this [s]ession, [n]o ".to_owned(),
        };
        let answer = self.ask(lines, prompt, deadline, move |line| match line {
            "y" | "yes" => Some(Reply::Once),
            "s" => Some(Reply::Session),
            "a" if has_pattern => Some(Reply::Always),
            "n" | "no" => Some(Reply::Deny),
            _ => None,
        });
        Box::pin(async move { answer.await.unwrap_or(Reply::Unanswered) })
    }

    fn ask_user(&self, question: UserQuestion) -> BoxFuture<'static, UserAnswer> {
        let UserQuestion { session, question, options, deadline } = question;
        let asked = visible(&question).replace('\n', "\n  ");
        let mut lines = vec![format!("Claw asks, for \"{}\": {asked}", visible_line(&session))];
        lines.extend(options.iter().enumerate().map(|(at, option)| format!("  {}. {}", at + 1, visible_line(option))));
        let prompt = if options.is_empty() { "> ".to_owned() } else { format!("[1-{}] ", options.len()) };
        let answer = self.ask(lines, prompt, deadline, move |line| match options.is_empty() {
            true => (!line.is_empty()).then(|| line.to_owned()),
            false => line.parse::<usize>().ok().and_then(|number| options.get(number.checked_sub(1)?).cloned()),
        });
        Box::pin(async move { answer.await.map_or(UserAnswer::Unanswered, UserAnswer::Said) })
    }
}

/// Tells a question that nobody waits for it any more.
struct Unwanted(Arc<AtomicBool>);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Whether a question would be seen and could be answered.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn yes_or_no(line: &str) -> Option<bool> {
    match line {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

fn converse<T>(
    lines: &[String],
    prompt: &str,
    palette: Palette,
    deadline: Duration,
    wanted: &AtomicBool,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let until = Instant::now() + deadline;
    let mut stderr = io::stderr();
    let _ = write!(stderr, "\r\x1b[2K");
    for line in lines {
        let _ = writeln!(stderr, "{}", palette.paint(Style::Yellow, line));
    }
    loop {
        let _ = write!(stderr, "{}", palette.paint(Style::Bold, prompt));
        let _ = stderr.flush();
        let line = next_line(until, wanted);
        match line {
            Some(line) => {
                if let Some(answer) = read(line.trim()) {
                    return Some(answer);
                }
            }
            None => {
                let _ = writeln!(stderr);
                return None;
            }
        }
    }
}

/// The next line of standard input; `None` at its end, at the deadline, or when nobody wants it any more.
fn next_line(until: Instant, wanted: &AtomicBool) -> Option<String> {
    let stdin = io::stdin();
    loop {
        if !wanted.load(Ordering::Acquire) || Instant::now() >= until {
            return None;
        }
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(PATIENCE.subsec_nanos()) };
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        if !matches!(poll(&mut ready, Some(&wait)), Ok(count) if count > 0) {
            continue;
        }
        let mut line = String::new();
        return match stdin.lock().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line),
        };
    }
}
