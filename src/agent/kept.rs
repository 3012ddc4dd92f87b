//! What history and trace keep of what is larger or more than they may hold.

use crate::event::ProposedFile;
use crate::secrets;

/// The file as history and trace may hold it; reviews show the true text.
pub(in crate::agent) fn without_values(mut file: ProposedFile) -> ProposedFile {
    let mask = |text: &mut String| *text = secrets::shown(Some(&file.path), text).text.into_owned();
    for hunk in &mut file.hunks {
        // It repeats the first new line.
        hunk.summary = hunk.summary.take().filter(|_| !secrets::is_secret_file(&file.path));
        mask(&mut hunk.old_text);
        mask(&mut hunk.new_text);
    }
    file
}

/// At most `most` bytes, whole characters.
pub(in crate::agent) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        text.truncate(end);
    }
    text
}
