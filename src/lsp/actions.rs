//! The code actions: everything a user can ask for or decide at a place in a document.
//!
//! Computed from what is at hand, in a few milliseconds: nothing here parses, diffs, reads a file or calls a model.

pub mod kinds;

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    CodeAction, CodeActionContext, CodeActionKind, CodeActionParams, CodeActionResponse, CodeActionTriggerKind,
    Command, Diagnostic, Message, Uri, WorkspaceEdit,
};
use tower_lsp::jsonrpc::Result;

use super::comments::{self, CommentAsk};
use super::convert;
use super::diagnostics::{self, headline};
use super::edits::{EditSupport, Step, text_edit};
use super::enclosing::Enclosing;
use super::host;
use super::keeper;
use super::needs;
use super::review::{PlacedFile, Review, ReviewFile, ReviewHunk, shorten};
use super::server::Server;
use crate::context::Focus;
use crate::event::{ChangeKind, HunkState, Mode};
use crate::text::{PositionEncoding, Text};
use crate::workspace::DocPath;

/// Characters of foreign text in a title.
const TITLE: usize = 80;

/// More diagnostics than these get no fix of their own.
const MOST_FIXES: usize = 10;

/// `textDocument/codeAction`.
pub async fn code_action(server: &Server, params: CodeActionParams) -> Result<Option<Vec<CodeActionResponse>>> {
    let owned = server.clone();
    let body = async move {
        let server = &owned;
        let automatic = params.context.trigger_kind == Some(CodeActionTriggerKind::Automatic);
        if !automatic {
            let path = server.state.with(|state| state.doc_path(&params.text_document.uri.0));
            keeper::first_parse(server, &path).await;
        }
        let Some((scene, literals)) = Scene::of(server, &params) else { return Ok(None) };
        if !automatic {
            let focus = Focus { path: scene.path.clone(), range: scene.selection.clone() };
            server.state.with(|state| state.focus = Some(focus));
        }
        host::remember(server, &scene.path, &scene.text, scene.version, &params.context.diagnostics);
        let offers = offers(&scene, &params.context);
        Ok(Some(offers.into_iter().map(|offer| offer.into_response(literals)).collect()))
    };
    server.request(body).await
}

/// `codeAction/resolve`: every action is whole as it is, and what is not ours comes back as it was.
pub async fn resolve(server: &Server, action: CodeAction) -> Result<CodeAction> {
    let _ = server;
    Ok(action)
}

/// Everything that the offers depend on, at one moment.
pub struct Scene {
    pub path: DocPath,
    /// As the editor spells it.
    pub uri: String,
    pub text: Text,
    pub version: i32,
    pub lossy: bool,
    pub language_id: String,
    /// Bytes; empty for a cursor.
    pub selection: Range<usize>,
    /// The innermost symbol around the selection, by the last parse.
    pub symbol: Option<Enclosing>,
    pub reviews: Vec<Arc<Review>>,
    pub running: Vec<RunningTurn>,
    pub undoable: Vec<Undoable>,
    pub encoding: PositionEncoding,
    pub edits: EditSupport,
    /// The client asks its user for a line of text on our request.
    pub input: bool,
}

/// A turn that could be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningTurn {
    pub session: String,
    pub title: String,
}

/// What was accepted last in a session, and can be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undoable {
    pub session: String,
    /// One line for the user.
    pub label: String,
}

/// A code action, in the form of which both an action and a bare command can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub title: String,
    pub kind: &'static str,
    pub edit: Option<WorkspaceEdit>,
    pub command: &'static str,
    pub arguments: Value,
    pub diagnostics: Vec<Diagnostic>,
    pub preferred: bool,
}

/// What is offered in `scene`, most likely first.
pub fn offers(scene: &Scene, context: &CodeActionContext) -> Vec<Offer> {
    let automatic = context.trigger_kind == Some(CodeActionTriggerKind::Automatic);
    let wanted = Wanted(context.only.as_deref());
    let mut offers = hunk_offers(scene, context);
    offers.extend(fix_offers(scene, context));
    if !automatic {
        offers.extend(ask_offers(scene));
        offers.extend(whole_offers(scene));
        offers.extend(undo_offers(scene));
        offers.extend(stop_offers(scene));
    }
    offers.retain(|offer| wanted.wants(offer.kind));
    offers
}

impl Scene {
    /// The scene of a request, and whether the client takes code actions or only commands. `None` for a document that is not
    /// open.
    fn of(server: &Server, params: &CodeActionParams) -> Option<(Scene, bool)> {
        server.state.with(|state| {
            let path = state.doc_path(&params.text_document.uri.0);
            let buffer = Arc::clone(state.workspace.buffers().get(&path)?);
            let encoding = state.client.encoding;
            let selection = convert::byte_range(&buffer.text, params.range, encoding)?;
            let symbols = state.reviews.symbols.get(&path);
            let undoable = state.sessions.values().filter_map(|entry| {
                let label = entry.session.undo_label()?;
                Some(Undoable { session: entry.session.id().to_owned(), label })
            });
            let running = state.sessions.values().filter(|entry| entry.session.is_running());
            let scene = Scene {
                uri: buffer.uri.to_string(),
                version: buffer.version,
                lossy: buffer.lossy,
                language_id: buffer.language_id.to_string(),
                symbol: symbols.and_then(|symbols| symbols.enclosing(&buffer.text, &selection)),
                selection,
                reviews: state.reviews.all(),
                running: running
                    .map(|entry| RunningTurn { session: entry.session.id().to_owned(), title: entry.title.clone() })
                    .collect(),
                undoable: undoable.collect(),
                encoding,
                edits: EditSupport::of(&state.client),
                input: state.client.claw.input,
                text: buffer.text.clone(),
                path,
            };
            Some((scene, state.client.code_action_literals))
        })
    }

    /// The lines that the selection touches.
    fn lines(&self) -> std::ops::RangeInclusive<usize> {
        self.text.line_of(self.selection.start)..=self.text.line_of(self.selection.end)
    }

    fn range_value(&self, range: &Range<usize>) -> Value {
        json!(convert::range(&self.text, range.clone(), self.encoding))
    }

    fn place(&self) -> Value {
        json!({"uri": self.uri, "range": self.range_value(&self.selection)})
    }

    /// A command's arguments: this place and more.
    fn arguments(&self, range: &Range<usize>, more: Value) -> Value {
        let mut arguments = json!({"uri": self.uri, "range": self.range_value(range)});
        if let (Some(arguments), Value::Object(more)) = (arguments.as_object_mut(), more) {
            arguments.extend(more);
        }
        arguments
    }
}

/// The `only` of a request.
struct Wanted<'a>(Option<&'a [CodeActionKind]>);

impl Wanted<'_> {
    /// LSP 3.17, "CodeActionKind": kinds are hierarchical, and the empty one holds all. What is for a whole file is only given
    /// to those who ask for it.
    fn wants(&self, kind: &str) -> bool {
        let holds = |asked: &CodeActionKind| {
            let asked = String::from(asked.clone());
            kind == asked || kind.strip_prefix(&asked).is_some_and(|rest| rest.starts_with('.'))
        };
        match self.0 {
            Some(only) if kind.starts_with("source.") => only.iter().any(holds),
            Some(only) => only.iter().any(|asked| *asked == CodeActionKind::Empty || holds(asked)),
            None => !kind.starts_with("source."),
        }
    }
}

impl Offer {
    pub fn new(title: String, kind: &'static str, command: &'static str, arguments: Value) -> Offer {
        Offer { title, kind, edit: None, command, arguments, diagnostics: Vec::new(), preferred: false }
    }

    /// As an action, or as a command for a client that knows only those. An edit makes the command unnecessary.
    fn into_response(self, literals: bool) -> CodeActionResponse {
        let command = Command {
            title: self.title.clone(),
            tooltip: None,
            command: self.command.to_owned(),
            arguments: Some(vec![self.arguments]),
        };
        if !literals {
            return CodeActionResponse::Command(command);
        }
        CodeActionResponse::CodeAction(CodeAction {
            title: self.title,
            kind: Some(CodeActionKind::new(self.kind)),
            diagnostics: (!self.diagnostics.is_empty()).then_some(self.diagnostics),
            is_preferred: self.preferred.then_some(true),
            command: self.edit.is_none().then_some(command),
            edit: self.edit,
            ..CodeAction::default()
        })
    }
}

// Hunks

fn hunk_offers(scene: &Scene, context: &CodeActionContext) -> Vec<Offer> {
    let automatic = context.trigger_kind == Some(CodeActionTriggerKind::Automatic);
    let mut offers = Vec::new();
    for review in &scene.reviews {
        let total = review.hunks().count();
        let mut number = 0;
        for file in &review.pending {
            let here = file.live == scene.path;
            let placed = file.placed(if here { &scene.text } else { &file.text });
            for hunk in &file.hunks {
                number += 1;
                // A file that does not exist yet can not be opened: its creation is offered wherever the user is.
                let anywhere = !automatic && hunk.whole_file && file.change == ChangeKind::Create;
                if (here && touches(scene, &placed, hunk)) || (!here && anywhere) {
                    offers.extend(decide_offers(scene, context, review, &placed, hunk, &format!("{number}/{total}")));
                }
            }
        }
    }
    offers
}

fn touches(scene: &Scene, placed: &PlacedFile<'_>, hunk: &ReviewHunk) -> bool {
    let Some(range) = placed.place(hunk) else { return false };
    let shown = placed.shown(hunk, range);
    let (first, last) = (scene.text.line_of(shown.start), scene.text.line_of(shown.end));
    let lines = scene.lines();
    *lines.start() <= last && first <= *lines.end()
}

fn decide_offers(
    scene: &Scene,
    context: &CodeActionContext,
    review: &Review,
    placed: &PlacedFile<'_>,
    hunk: &ReviewHunk,
    number: &str,
) -> Vec<Offer> {
    let address = json!({"session": review.session, "hunk": hunk.id});
    let told: Vec<Diagnostic> =
        context.diagnostics.iter().filter(|diagnostic| is_about(diagnostic, hunk)).cloned().collect();
    let mut offers = Vec::new();
    if hunk.can_be_accepted() && !scene.lossy {
        let label = shorten(&headline(placed.file(), hunk), TITLE);
        let title = format!("Claw: accept hunk {number} — {label}");
        let mut accept = Offer::new(title, kinds::ACCEPT, "claw.acceptHunk", address.clone());
        accept.edit = accept_edit(scene, placed, hunk);
        // What needs its own yes is not taken by a key that takes whatever is best.
        accept.preferred = hunk.goes_with_others();
        offers.push(accept);
        offers.extend(needs::offer(review, hunk, number));
    }
    if hunk.state == HunkState::Conflict && !hunk.whole_file && !scene.lossy && scene.edits.apply {
        for (what, take) in [("mine", "mine"), ("Claw's", "claw"), ("both", "both")] {
            let title = format!("Claw: take {what}, hunk {number}");
            let arguments = json!({"session": review.session, "hunk": hunk.id, "take": take});
            offers.push(Offer::new(title, kinds::RESOLVE, "claw.resolveHunk", arguments));
        }
    }
    offers.push(Offer::new(format!("Claw: reject hunk {number}"), kinds::REJECT, "claw.rejectHunk", address.clone()));
    offers.extend(change_offer(scene, placed, hunk, address, number));
    let why = scene.arguments(&scene.selection, json!({"session": review.session, "hunk": hunk.id}));
    offers.push(Offer::new("Claw: why?".to_owned(), kinds::WHY, "claw.explain", why));
    for offer in &mut offers {
        offer.diagnostics.clone_from(&told);
    }
    offers
}

/// Making the hunk another: by a line of text where the client asks for one, else by a comment above it, which then asks in the
/// hunk's session.
fn change_offer(
    scene: &Scene,
    placed: &PlacedFile<'_>,
    hunk: &ReviewHunk,
    address: Value,
    number: &str,
) -> Option<Offer> {
    if !matches!(hunk.state, HunkState::Pending | HunkState::Conflict) {
        return None;
    }
    let mut offer = Offer::new(format!("Claw: change hunk {number}…"), kinds::CHANGE, "claw.changeHunk", address);
    if !scene.input {
        let here = placed.file().live == scene.path && !scene.lossy;
        let at = placed.place(hunk).filter(|_| here)?.start;
        offer.edit = Some(blank_ask_edit(scene, comments::syntax_of(&scene.language_id, &scene.uri), at)?);
    }
    Some(offer)
}

/// The edit that accepts the hunk in the text of this moment. Without one the action is the command, which says what to do.
fn accept_edit(scene: &Scene, placed: &PlacedFile<'_>, hunk: &ReviewHunk) -> Option<WorkspaceEdit> {
    let here = placed.file().live == scene.path;
    let step = placed.accept_step(hunk, here.then_some(scene.version), scene.encoding)?;
    scene.edits.workspace_edit(vec![step]).ok()
}

fn is_about(diagnostic: &Diagnostic, hunk: &ReviewHunk) -> bool {
    let id = diagnostic.data.as_ref().and_then(|data| data.get("hunk")).and_then(Value::as_str);
    diagnostic.source.as_deref() == Some(diagnostics::SOURCE) && id == Some(hunk.id.as_str())
}

// Fixes

fn fix_offers(scene: &Scene, context: &CodeActionContext) -> Vec<Offer> {
    let foreign =
        context.diagnostics.iter().filter(|diagnostic| diagnostic.source.as_deref() != Some(diagnostics::SOURCE));
    foreign
        .take(MOST_FIXES)
        .map(|diagnostic| {
            let first_line = message_of(diagnostic).lines().next().unwrap_or_default().trim();
            let title = format!("Ask Claw: fix \"{}\"", shorten(first_line, TITLE));
            let arguments = json!({"uri": scene.uri, "range": diagnostic.range, "diagnostics": [diagnostic]});
            let mut fix = Offer::new(title, kinds::FIX, "claw.fix", arguments);
            fix.diagnostics = vec![diagnostic.clone()];
            fix
        })
        .collect()
}

/// A diagnostic's message as text.
pub fn message_of(diagnostic: &Diagnostic) -> &str {
    match &diagnostic.message {
        Message::String(text) => text,
        Message::MarkupContent(markup) => &markup.value,
    }
}

// Asks

fn ask_offers(scene: &Scene) -> Vec<Offer> {
    let syntax = comments::syntax_of(&scene.language_id, &scene.uri);
    let mut offers: Vec<Offer> =
        comments::find_asks(&scene.text, syntax, scene.lines()).iter().map(|ask| comment_offer(scene, ask)).collect();
    offers.push(blank_offer(scene, syntax));
    offers.push(explain_offer(scene));
    if let Some(symbol) = &scene.symbol {
        let ask = |verb: &str, kind: &'static str, instruction: String| {
            let arguments = scene.arguments(&symbol.range, json!({"instruction": instruction, "mode": "edit"}));
            Offer::new(format!("Ask Claw: {verb} {}", shorten(&symbol.name, TITLE)), kind, "claw.ask", arguments)
        };
        let name = &symbol.name;
        offers.push(ask("write tests for", kinds::TESTS, format!("Write tests for `{name}`.")));
        offers.push(ask("document", kinds::DOCS, format!("Document `{name}`.")));
    }
    let review =
        Offer::new("Ask Claw: review this file".to_owned(), kinds::REVIEW, "claw.review", json!({"uri": scene.uri}));
    offers.push(review);
    offers
}

fn comment_offer(scene: &Scene, ask: &CommentAsk) -> Offer {
    // The place is the selection where there is one: then the comment only says what to do with it.
    let range = if scene.selection.is_empty() { &ask.range } else { &scene.selection };
    let mode = match ask.mode {
        Mode::Edit => "edit",
        Mode::Explain => "explain",
        Mode::Plan => "plan",
    };
    let comment = scene.range_value(&ask.range);
    let mut arguments =
        scene.arguments(range, json!({"instruction": ask.instruction, "mode": mode, "comment": comment}));
    // Right above a hunk it speaks of the hunk.
    if let (Some(review), Some(arguments)) = (review_below(scene, &ask.range), arguments.as_object_mut()) {
        arguments.insert("session".to_owned(), json!(review.session));
    }
    let title = format!("Ask Claw: {}", shorten(&ask.instruction, TITLE));
    Offer::new(title, kinds::COMMENT, "claw.ask", arguments)
}

/// The review of a hunk that stands right below a comment.
fn review_below<'a>(scene: &'a Scene, comment: &Range<usize>) -> Option<&'a Review> {
    let line = scene.text.line_of(comment.end.saturating_sub(1)) + 1;
    let stands_there = |review: &&Arc<Review>| {
        review.files_at(&scene.path).any(|file| {
            let placed = file.placed(&scene.text);
            placed.hunks().any(|(_, range)| scene.text.line_of(range.start) == line)
        })
    };
    scene.reviews.iter().find(stands_there).map(Arc::as_ref)
}

fn blank_offer(scene: &Scene, syntax: comments::CommentSyntax) -> Offer {
    let mut offer = Offer::new("Ask Claw…".to_owned(), kinds::ASK, "claw.ask", scene.place());
    if !scene.input && !scene.lossy {
        offer.edit = blank_ask_edit(scene, syntax, scene.selection.start);
    }
    offer
}

fn blank_ask_edit(scene: &Scene, syntax: comments::CommentSyntax, at: usize) -> Option<WorkspaceEdit> {
    let edit = comments::blank_ask(&scene.text, syntax, at);
    let edit = text_edit(&scene.text, edit.range, &edit.insert, scene.encoding)?;
    let step = Step::Change { uri: Uri::from(scene.uri.as_str()), version: Some(scene.version), edits: vec![edit] };
    scene.edits.workspace_edit(vec![step]).ok()
}

fn explain_offer(scene: &Scene) -> Offer {
    let (what, range) = match &scene.symbol {
        _ if !scene.selection.is_empty() => ("selection".to_owned(), scene.selection.clone()),
        Some(symbol) => (shorten(&symbol.name, TITLE), symbol.range.clone()),
        None => (format!("line {}", scene.text.line_of(scene.selection.start) + 1), scene.selection.clone()),
    };
    let arguments = scene.arguments(&range, json!({}));
    Offer::new(format!("Ask Claw: explain {what}"), kinds::EXPLAIN, "claw.explain", arguments)
}

// What concerns more than one hunk

fn whole_offers(scene: &Scene) -> Vec<Offer> {
    let mut offers = Vec::new();
    let pending: Vec<&Arc<Review>> = scene.reviews.iter().filter(|review| review.hunks().next().is_some()).collect();
    for review in &pending {
        let of_session =
            if pending.len() > 1 { format!(" of \"{}\"", shorten(&review.title, 40)) } else { String::new() };
        let ready = |file: &ReviewFile| file.hunks.iter().filter(|hunk| hunk.goes_with_others()).count();
        let in_file =
            review.pending.iter().filter(|file| file.live == scene.path || file.path == scene.path).map(ready).sum();
        if in_file > 0 {
            let title = format!("Claw: accept {} in this file{of_session}", all_hunks(in_file));
            let arguments = json!({"session": review.session, "uri": scene.uri});
            offers.push(Offer::new(title, kinds::ACCEPT_FILE, "claw.acceptFile", arguments));
        }
        let in_all: usize = review.pending.iter().map(ready).sum();
        let files = review.pending.iter().filter(|file| ready(file) > 0).count();
        let arguments = json!({"session": review.session});
        if in_all > 0 {
            let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            let title = format!("Claw: accept {} in {files}{of_session}", all_hunks(in_all));
            offers.push(Offer::new(title, kinds::ACCEPT_ALL, "claw.acceptAll", arguments.clone()));
        }
        let title = format!("Claw: reject all{of_session}");
        offers.push(Offer::new(title, kinds::REJECT_ALL, "claw.rejectAll", arguments));
    }
    offers
}

fn all_hunks(count: usize) -> String {
    if count == 1 { "the 1 hunk".to_owned() } else { format!("all {count} hunks") }
}

fn undo_offers(scene: &Scene) -> Vec<Offer> {
    if !scene.edits.apply {
        return Vec::new();
    }
    let undo = |undoable: &Undoable| {
        let title = format!("Claw: undo \"{}\"", shorten(&undoable.label, TITLE));
        Offer::new(title, kinds::UNDO, "claw.undo", json!({"session": undoable.session, "last": true}))
    };
    scene.undoable.iter().map(undo).collect()
}

fn stop_offers(scene: &Scene) -> Vec<Offer> {
    let stop = |turn: &RunningTurn| {
        let title = format!("Claw: stop \"{}\"", shorten(&turn.title, TITLE));
        Offer::new(title, kinds::CANCEL, "claw.cancel", json!({"session": turn.session}))
    };
    scene.running.iter().map(stop).collect()
}

#[cfg(test)]
mod tests;
