//! The kinds of Claw's code actions, in one table: the offers are made with them, and the manifest lists them.

macro_rules! kinds {
    ($($name:ident = $kind:literal, $title:literal;)*) => {
        $(pub const $name: &str = $kind;)*

        /// Every kind with the title its actions have; `<…>` stands for what differs.
        pub const ALL: &[(&str, &str)] = &[$(($kind, $title)),*];
    };
}

kinds! {
    ASK = "refactor.rewrite.claw.ask", "Ask Claw…";
    COMMENT = "refactor.rewrite.claw.comment", "Ask Claw: <the comment's text>";
    EXPLAIN = "refactor.claw.explain", "Ask Claw: explain <symbol or selection>";
    FIX = "quickfix.claw.fix", "Ask Claw: fix \"<diagnostic>\"";
    TESTS = "refactor.rewrite.claw.tests", "Ask Claw: write tests for <symbol>";
    DOCS = "refactor.rewrite.claw.docs", "Ask Claw: document <symbol>";
    REVIEW = "source.claw.review", "Ask Claw: review this file";
    ACCEPT = "quickfix.claw.accept", "Claw: accept hunk <n>/<of> — <label>";
    REJECT = "quickfix.claw.reject", "Claw: reject hunk <n>/<of>";
    CHANGE = "quickfix.claw.change", "Claw: change hunk <n>/<of>…";
    RESOLVE = "quickfix.claw.resolve", "Claw: take <mine|Claw's|both>, hunk <n>/<of>";
    WHY = "quickfix.claw.why", "Claw: why?";
    ACCEPT_FILE = "refactor.rewrite.claw.acceptFile", "Claw: accept all <n> hunks in this file";
    ACCEPT_ALL = "refactor.rewrite.claw.acceptAll", "Claw: accept all <n> hunks in <m> files";
    REJECT_ALL = "refactor.rewrite.claw.rejectAll", "Claw: reject all";
    UNDO = "refactor.rewrite.claw.undo", "Claw: undo \"<what was accepted last>\"";
    CANCEL = "refactor.claw.cancel", "Claw: stop \"<title>\"";
}
