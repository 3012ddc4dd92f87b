//! What does not come into a shadow or out of it, and why.

/// A name and why it was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// As a message may show it.
    pub name: String,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("such files hold keys or passwords, and commands do not see them")]
    Secret,
    #[error("a link that leads out of the workspace")]
    LeadsOut,
    #[error("{0}, and only text files are taken over")]
    Special(&'static str),
    #[error("a symbolic link, and only text files are taken over")]
    Link,
    #[error("its {0} bytes are more than the {1} that are taken over")]
    TooLarge(u64, u64),
    #[error("{0}: it stays in the folder of the commands and is not proposed")]
    NotText(&'static str),
    #[error("it can not be read: {0}")]
    Unreadable(String),
    #[error("its name can not be used: {0}")]
    Name(String),
    #[error("the inside of a repository is never proposed to change")]
    Repository,
    #[error("it can not be edited: {0}")]
    ReadOnly(String),
    #[error("it changed in the workspace while the command ran: run the command again")]
    Stale,
    #[error("what a command left there since the last look is gone: the workspace has something else there now")]
    Overwritten,
    #[error("the user's own file stands there, which commands do not see")]
    Kept,
    #[error("only its mode or encoding changed, and only text is proposed")]
    NotItsText,
    #[error("more changed than can be reviewed: leave what is generated to .gitignore")]
    TooMany,
    #[error("{0}")]
    NotNew(String),
}

/// Most names that are kept one by one.
pub(super) const MOST: usize = 1_000;

/// Adds one, up to a number that somebody could read.
pub(super) fn leave_out(list: &mut Vec<LeftOut>, name: &[u8], reason: Reason) {
    if list.len() < MOST {
        list.push(LeftOut { name: shown(name), reason });
    }
}

/// A name as it may stand in a message: on one line, nothing in it that a terminal would obey.
pub(super) fn shown(name: &[u8]) -> String {
    crate::text::hidden::visible_line(&String::from_utf8_lossy(name)).into_owned()
}
