//! What the agent does.

use claw::text::Text;
use claw::workspace::Author;

use super::super::client::Personality;
use super::{Case, ends, lines, users};

impl Case {
    /// How many more edits it makes than it would: an editor can apply a part only where there are several.
    pub(super) fn at_least(&self) -> usize {
        if self.personality == Personality::AppliesPartly { 2 } else { 0 }
    }

    pub(super) fn agent_edits(&mut self, doc: usize) {
        let path = self.paths[doc].clone();
        let view = self.workspace.view(&self.overlay);
        let seen = view.read(&path).unwrap();
        let text = seen.text.to_string();
        let mut new: Vec<String> = lines(&text).into_iter().map(str::to_owned).collect();
        for _ in 0..1 + self.at_least() + self.random.below(3) {
            let at = self.random.below(new.len() + 1);
            let gone = self.random.below(3).min(new.len() - at);
            let added = if gone == 0 { 1 + self.random.below(2) } else { self.random.below(3) };
            let taken: Vec<char> = new[at..at + gone].iter().flat_map(|line| users(line)).collect();
            // Now and then it means to replace what the user wrote, and the user sees that.
            if !taken.is_empty() && !self.random.once_in(4) {
                continue;
            }
            self.given_up.extend(taken);
            let insert: Vec<String> = (0..added).map(|_| self.line("claw")).collect();
            if at > 0 && !insert.is_empty() && !ends(&new[at - 1]) {
                // The break that the last line gets is the agent's too, and the line with it.
                let ending = self.ending();
                self.given_up.extend(users(&new[at - 1]));
                new[at - 1].push_str(ending);
            }
            new.splice(at..at + gone, insert);
        }
        let new = new.concat();
        self.log.push(format!("agent {doc}: {text:?} -> {new:?}"));
        self.overlay.write(&path, Some(&seen), Some(Text::new(&new)), Author::default()).unwrap();
        if !self.distinct {
            // Where lines repeat, a diff may delete a line in one place and put it back in another: the user sees both.
            let shown: Vec<char> = self.pending().hunks().flat_map(|(_, hunk)| users(&hunk.old_text)).collect();
            self.given_up.extend(shown);
        }
    }
}
