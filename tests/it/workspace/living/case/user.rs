//! What the user does: types, deletes, has the file formatted.

use super::{Case, users};

impl Case {
    pub(super) fn user_edits(&mut self, doc: usize) {
        let before = self.pending();
        let old = self.text(doc);
        self.type_something(doc);
        let new = self.text(doc);
        self.log.push(format!("user {doc}: {new:?}"));
        self.sync(doc);
        self.count_untouched(&before, doc, &old, &new);
        self.look();
    }

    pub(super) fn type_something(&mut self, doc: usize) {
        let gone = match self.random.below(10) {
            // Within a line, at its end, at its start.
            0..4 => {
                let at = self.place(doc);
                let token = self.token();
                self.editor[doc].splice(at, 0, &token);
                return;
            }
            // A line of its own.
            4..6 => {
                let edges = self.editor[doc].line_edges();
                let at = *self.random.pick(&edges).unwrap();
                let (token, ending) = (self.token(), self.ending());
                let unbroken = at > 0 && !self.editor[doc].is_line_start(at);
                let insert = if unbroken { format!("{ending}{token}") } else { format!("{token}{ending}") };
                self.editor[doc].splice(at, 0, &insert);
                return;
            }
            6 => {
                let (at, ending) = (self.place(doc), self.ending());
                self.editor[doc].splice(at, 0, ending);
                return;
            }
            7 => {
                let start = self.place(doc);
                let mut end = (start + 1 + self.random.below(6)).min(self.editor[doc].len());
                while !self.editor[doc].is_place(end) {
                    end += 1;
                }
                start..end
            }
            _ => {
                let edges = self.editor[doc].line_edges();
                let first = self.random.below(edges.len());
                let last = (first + 1 + self.random.below(2)).min(edges.len() - 1);
                edges[first]..edges[last]
            }
        };
        let insert = if self.random.once_in(3) { self.token() } else { String::new() };
        let taken: String = gone.clone().filter_map(|at| self.editor[doc].at(at)).collect();
        self.given_up.extend(users(&taken));
        self.editor[doc].splice(gone.start, gone.len(), &insert);
    }

    /// A formatter on save: no white space at the ends of lines, a break at the end, no two empty lines.
    pub(super) fn format(&mut self, doc: usize) {
        let before = self.pending();
        let old = self.text(doc);
        let mut at = self.editor[doc].len();
        while at > 0 {
            at -= 1;
            let here = self.editor[doc].at(at);
            let next = self.editor[doc].at(at + 1);
            let at_end = matches!(next, None | Some('\n' | '\r' | ' '));
            if here == Some(' ') && at_end && (next != Some(' ')) {
                self.editor[doc].splice(at, 1, "");
            }
        }
        let end = self.editor[doc].len();
        if end > 0 && !self.editor[doc].is_line_start(end) {
            let ending = self.ending();
            self.editor[doc].splice(end, 0, ending);
        }
        let new = self.text(doc);
        if new != old {
            self.log.push(format!("format {doc}: {new:?}"));
            self.sync(doc);
            self.count_untouched(&before, doc, &old, &new);
        }
        self.look();
    }

    pub(super) fn place(&mut self, doc: usize) -> usize {
        let at = self.random.below(self.editor[doc].len() + 1);
        if self.editor[doc].is_place(at) { at } else { at + 1 }
    }

    /// Some characters that nobody has typed before.
    pub(super) fn token(&mut self) -> String {
        let count = 1 + self.random.below(3);
        let mut token = String::new();
        for _ in 0..count {
            let n = self.next_character;
            self.next_character += 1;
            token.extend(char::from_u32(if n.is_multiple_of(2) { 0x4e00 + n } else { 0x2_0000 + n }));
            match self.random.below(8) {
                0 => token.push('\u{301}'),
                1 => token.push('\u{1f600}'),
                2 => token.push(' '),
                _ => {}
            }
        }
        token
    }
}
