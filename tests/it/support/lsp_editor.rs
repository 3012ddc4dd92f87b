//! An editor for tests: open documents, files on disk, and workspace edits applied as real editors apply them, or not.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use claw::config::Environment;
use claw::lsp::{Patience, ServeOptions};
use claw::text::{Edit, Position, PositionEncoding, Text};
use serde_json::{Value, json};

use super::lsp_client::{LspClient, Outgoing, Reply, file_uri};
use super::mock_model::MockModel;

/// What the editor makes of `workspace/applyEdit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Applies {
    #[default]
    Honestly,
    /// Says that it did, and does nothing: Neovim with a stale edit.
    OnlyInWords,
    /// Does it and says that it did not: eglot in diff mode.
    Secretly,
    Refuses,
    /// Makes the first change of an edit and stops.
    TheFirstOnly,
    /// The user types ([`Editor::type_meanwhile`]) before the edit comes, and it is made all the same, whatever its version.
    Stale,
    /// Makes the first change of an edit, says that it made all, and that is that.
    Partly,
    /// Does nothing and never answers.
    Never,
    /// Never answers, and makes the edit with [`Editor::finish_late`].
    Late,
    /// Makes it, and then a formatter rewrites what was put in: `{ x }` becomes three lines.
    ThenFormats,
    /// The same in one change of the document.
    Formatted,
    /// Makes what the user ticked in the preview: what needs no confirmation.
    WhatIsTicked,
    /// Makes and opens files at once; their text and the answer come with [`Editor::finish_applying`].
    InSteps,
}

/// How an editor starts.
pub struct Setup {
    pub files: Vec<(&'static str, String)>,
    /// Model turns, one a line of the script.
    pub script: Vec<Value>,
    pub encodings: Option<Vec<&'static str>>,
    /// Variables besides those that name the folders.
    pub environment: Vec<(String, String)>,
    /// Merged over what an able client announces; `null` takes away.
    pub capabilities: Value,
    /// `experimental.claw`.
    pub claw: Value,
    /// Merged over the `initializationOptions` that name the script.
    pub settings: Value,
    pub applies: Applies,
    pub patience: Patience,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            files: Vec::new(),
            script: Vec::new(),
            encodings: None,
            environment: Vec::new(),
            capabilities: json!({}),
            claw: json!({"events": true, "review": 1}),
            settings: json!({}),
            applies: Applies::Honestly,
            patience: Patience::default(),
        }
    }
}

pub struct Editor {
    pub client: LspClient,
    pub folder: tempfile::TempDir,
    desk: Arc<Mutex<Desk>>,
}

struct Desk {
    open: BTreeMap<String, Open>,
    encoding: PositionEncoding,
    applies: Applies,
    /// The edit that was begun in steps.
    begun: Value,
    /// Document, text and what is typed over it, when the next edit comes.
    meanwhile: Option<(String, String, String)>,
    /// The action that the user chooses of a message.
    choice: Value,
    /// What the user does with a message that offers something, instead of that choice.
    on_message: Option<OnMessage>,
    /// Requests of the server, in order.
    asked: Vec<(String, Value)>,
    /// Answers to `claw/input`.
    input: Value,
    /// Answers to `claw/diagnostics`.
    diagnostics: Value,
    outgoing: Outgoing,
}

type OnMessage = Box<dyn FnMut(&Value) -> Reply + Send>;

struct Open {
    text: Text,
    version: i64,
}

impl Editor {
    pub async fn start(setup: Setup) -> Editor {
        Editor::start_in(tempfile::tempdir().expect("a temporary folder"), setup).await
    }

    /// Starts in the folder of an editor that has left: its files, script and state are there.
    pub async fn start_in(folder: tempfile::TempDir, setup: Setup) -> Editor {
        let root = folder.path().join("work");
        std::fs::create_dir_all(&root).expect("a folder");
        for (path, text) in &setup.files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let script = folder.path().join("script.jsonl");
        let lines: String = setup.script.iter().map(|turn| format!("{turn}\n")).collect();
        std::fs::write(&script, lines).expect("a script");
        let variable = |name: &str, path: PathBuf| (name.to_owned(), path.display().to_string());
        let own =
            [variable("CLAW_STATE_DIR", folder.path().join("state")), variable("HOME", folder.path().join("home"))];
        let environment: Environment = own.into_iter().chain(setup.environment).collect();
        let options = ServeOptions {
            environment: Some(environment),
            patience: setup.patience,
            broker: Some(env!("CARGO_BIN_EXE_claw").into()),
            ..ServeOptions::default()
        };
        let mut client = LspClient::in_memory(options);
        let desk = Arc::new(Mutex::new(Desk {
            open: BTreeMap::new(),
            encoding: PositionEncoding::Utf16,
            applies: setup.applies,
            begun: Value::Null,
            meanwhile: None,
            choice: Value::Null,
            on_message: None,
            asked: Vec::new(),
            input: Value::Null,
            diagnostics: Value::Null,
            outgoing: client.outgoing(),
        }));
        let answering = Arc::clone(&desk);
        client.on_request(move |method, params| answering.lock().expect("a desk").answer(method, params));
        for method in
            ["textDocument/publishDiagnostics", "$/progress", "window/logMessage", "claw/event", "claw/proposal"]
        {
            client.ignore(method);
        }
        let mut capabilities = able_client();
        if let Some(encodings) = &setup.encodings {
            capabilities["general"] = json!({"positionEncodings": encodings});
        }
        capabilities["experimental"] = json!({"claw": setup.claw});
        merge(&mut capabilities, &setup.capabilities);
        let mut settings = json!({"provider": "script", "script": script, "trusted": true});
        merge(&mut settings, &setup.settings);
        let result = client.initialize(capabilities, Some(&root), settings).await;
        desk.lock().expect("a desk").encoding = match result["capabilities"]["positionEncoding"].as_str() {
            Some("utf-8") => PositionEncoding::Utf8,
            Some("utf-32") => PositionEncoding::Utf32,
            _ => PositionEncoding::Utf16,
        };
        Editor { client, folder, desk }
    }

    /// Gives the model another script, for sessions that begin from now on.
    pub fn rewrite_script(&self, turns: &[Value]) {
        let lines: String = turns.iter().map(|turn| format!("{turn}\n")).collect();
        std::fs::write(self.folder.path().join("script.jsonl"), lines).expect("a script");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    pub fn uri(&self, name: &str) -> String {
        file_uri(&self.path(name))
    }

    /// Opens a file as it is on disk.
    pub fn open(&mut self, name: &str) -> String {
        let uri = self.uri(name);
        let text = std::fs::read_to_string(self.path(name)).expect("a file to open");
        self.desk().open_document(&uri, &text);
        uri
    }

    /// The text of a document: what is open, else the disk. `None` where there is nothing.
    pub fn text(&self, name: &str) -> Option<String> {
        let uri = self.uri(name);
        let open = self.desk().open.get(&uri).map(|open| open.text.to_string());
        open.or_else(|| std::fs::read_to_string(self.path(name)).ok())
    }

    /// Types `insert` over `old`, which must stand once in the document.
    pub fn type_over(&mut self, name: &str, old: &str, insert: &str) {
        let uri = self.uri(name);
        self.desk().type_over(&uri, old, insert);
    }

    /// The same, when the next edit is on its way ([`Applies::Stale`]).
    pub fn type_meanwhile(&mut self, name: &str, old: &str, insert: &str) {
        let uri = self.uri(name);
        self.desk().meanwhile = Some((uri, old.to_owned(), insert.to_owned()));
    }

    /// What the user chooses from now on when a message offers something.
    pub fn choose(&mut self, action: &str) {
        self.desk().choice = json!({"title": action});
    }

    /// What the user does with messages that offer something, from now on.
    pub fn on_message(&mut self, answer: impl FnMut(&Value) -> Reply + Send + 'static) {
        self.desk().on_message = Some(Box::new(answer));
    }

    /// Makes the edit that was not answered.
    pub fn finish_late(&mut self) {
        let mut desk = self.desk();
        let edit = desk.begun.take();
        desk.apply(&edit).expect("an edit that can be applied");
    }

    /// Whether the user was asked something that says this.
    pub fn was_asked(&self, words: &str) -> bool {
        let asked = self.asked("window/showMessageRequest");
        asked.iter().any(|message| message["message"].as_str().is_some_and(|message| message.contains(words)))
    }

    /// The range of `needle` in an open document, in the agreed encoding.
    pub fn range(&self, name: &str, needle: &str) -> Value {
        let desk = self.desk();
        let text = &desk.open[&self.uri(name)].text;
        let start = text.to_string().find(needle).unwrap_or_else(|| panic!("{needle:?} in {text}"));
        let position = |offset| {
            let Position { line, character } = text.position_at(offset, desk.encoding);
            json!({"line": line, "character": character})
        };
        json!({"start": position(start), "end": position(start + needle.len())})
    }

    pub async fn command(&mut self, command: &str, argument: Value) -> Value {
        let arguments = if argument.is_null() { json!([]) } else { json!([argument]) };
        self.client.request("workspace/executeCommand", json!({"command": command, "arguments": arguments})).await
    }

    /// Asks and waits until the turn has ended and its proposal was shown; the session.
    pub async fn ask(&mut self, argument: Value) -> String {
        let answer = self.command("claw.ask", argument).await;
        assert_eq!(answer["ok"], true, "{answer}");
        self.turn_end(&answer["turn"]).await;
        answer["session"].as_str().expect("a session").to_owned()
    }

    /// Waits for a turn's last event.
    pub async fn turn_end(&mut self, turn: &Value) -> Value {
        loop {
            let event = self.client.notification("claw/event").await;
            if event["type"] == "turn_end" && &event["turn"] == turn {
                return event;
            }
        }
    }

    /// Waits for a proposal that fits.
    pub async fn proposal(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let proposal = self.client.notification("claw/proposal").await;
            if fits(&proposal) {
                return proposal;
            }
        }
    }

    /// Waits until a proposal has this many hunks that are pending.
    pub async fn pending(&mut self, count: usize) -> Value {
        self.proposal(|proposal| states(proposal).iter().filter(|state| *state == "pending").count() == count).await
    }

    /// Waits for diagnostics of a document that fit.
    pub async fn diagnostics(&mut self, name: &str, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let uri = self.uri(name);
        loop {
            let published = self.client.notification("textDocument/publishDiagnostics").await;
            let diagnostics = published["diagnostics"].as_array().expect("a list").clone();
            if published["uri"] == uri && fits(&diagnostics) {
                return diagnostics;
            }
        }
    }

    pub async fn code_actions(&mut self, name: &str, range: Value, context: Value) -> Vec<Value> {
        let mut context = context;
        if context.get("diagnostics").is_none() {
            context["diagnostics"] = json!([]);
        }
        let params = json!({"textDocument": {"uri": self.uri(name)}, "range": range, "context": context});
        let actions = self.client.request("textDocument/codeAction", params).await;
        actions.as_array().cloned().unwrap_or_default()
    }

    /// What taking a code action does: its edit, then its command.
    pub async fn take(&mut self, action: &Value) -> Value {
        if let Some(edit) = action.get("edit") {
            self.desk().apply(edit).expect("an edit that can be applied");
        }
        match action.get("command") {
            Some(command) if command.is_object() => {
                let params = json!({"command": command["command"], "arguments": command["arguments"]});
                self.client.request("workspace/executeCommand", params).await
            }
            _ => Value::Null,
        }
    }

    /// Goes on, by talking to the server, until something is so.
    pub async fn until(&mut self, is_so: impl Fn(&Editor) -> bool) {
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while std::time::Instant::now() < patience {
            if is_so(self) {
                return;
            }
            self.command("claw.status", Value::Null).await;
            tokio::task::yield_now().await;
        }
        panic!("waited in vain");
    }

    /// Pieces of work whose progress has ended.
    pub fn progress_ended(&self) -> usize {
        self.client.unread_of("$/progress").filter(|params| params["value"]["kind"] == "end").count()
    }

    /// The server's requests of a method, in order.
    pub fn asked(&self, method: &str) -> Vec<Value> {
        self.desk().asked.iter().filter(|(asked, _)| asked == method).map(|(_, params)| params.clone()).collect()
    }

    pub fn answer_input(&mut self, answer: Value) {
        self.desk().input = answer;
    }

    pub fn answer_diagnostics(&mut self, answer: Value) {
        self.desk().diagnostics = answer;
    }

    pub fn applies(&mut self, applies: Applies) {
        self.desk().applies = applies;
    }

    /// Goes through with the edit that was begun in steps, and answers.
    pub fn finish_applying(&mut self) {
        {
            let mut desk = self.desk();
            let edit = desk.begun.take();
            desk.apply(&edit).expect("an edit that can be applied");
        }
        self.client.answer_held(json!({"applied": true}));
    }

    /// Leaves; fails if the server said something that the test did not read.
    pub async fn finish(self) {
        assert_eq!(self.client.finish().await, 0);
    }

    /// Leaves, and gives back the folder for [`Editor::start_in`].
    pub async fn leave(self) -> tempfile::TempDir {
        assert_eq!(self.client.finish().await, 0);
        self.folder
    }

    fn desk(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.desk.lock().expect("a desk")
    }
}

impl Desk {
    fn answer(&mut self, method: &str, params: &Value) -> Option<Reply> {
        self.asked.push((method.to_owned(), params.clone()));
        if method == "workspace/applyEdit" && self.applies == Applies::InSteps {
            self.begin_applying(&params["edit"]);
            return Some(Reply::Later);
        }
        if method == "workspace/applyEdit" && matches!(self.applies, Applies::Never | Applies::Late) {
            self.begun = params["edit"].clone();
            return Some(Reply::Silence);
        }
        if method == "window/showMessageRequest"
            && let Some(answer) = &mut self.on_message
        {
            return Some(answer(params));
        }
        let result = match method {
            "window/showMessageRequest" => self.choice.clone(),
            "client/registerCapability" | "client/unregisterCapability" => Value::Null,
            "workspace/applyEdit" => self.apply_edit(&params["edit"]),
            "window/showDocument" => json!({"success": true}),
            "window/workDoneProgress/create" | "workspace/codeLens/refresh" => Value::Null,
            "claw/input" => self.input.clone(),
            "claw/diagnostics" => self.diagnostics.clone(),
            _ => return None,
        };
        Some(Reply::Result(result))
    }

    fn apply_edit(&mut self, edit: &Value) -> Value {
        let refusal = |reason: &str| json!({"applied": false, "failureReason": reason});
        match self.applies {
            Applies::Honestly => match self.apply(edit) {
                Ok(()) => json!({"applied": true}),
                Err(reason) => refusal(&reason),
            },
            Applies::OnlyInWords => json!({"applied": true}),
            Applies::Secretly => {
                self.apply(edit).expect("an edit that can be applied");
                refusal("not by me")
            }
            Applies::Refuses => refusal("the user said no"),
            Applies::TheFirstOnly => {
                let mut part = edit.clone();
                part["documentChanges"].as_array_mut().expect("changes").truncate(1);
                self.apply(&part).expect("an edit that can be applied");
                json!({"applied": false, "failureReason": "disk full", "failedChange": 1})
            }
            Applies::Stale => {
                if let Some((uri, old, insert)) = self.meanwhile.take() {
                    self.type_over(&uri, &old, &insert);
                }
                self.apply(edit).expect("an edit that can be applied");
                json!({"applied": true})
            }
            Applies::Partly => {
                let mut part = edit.clone();
                let changes = part["documentChanges"].as_array_mut().expect("changes");
                changes.truncate(1);
                changes[0]["edits"].as_array_mut().expect("edits").truncate(1);
                self.apply(&part).expect("an edit that can be applied");
                json!({"applied": true})
            }
            Applies::ThenFormats => {
                self.apply(edit).expect("an edit that can be applied");
                let formatted = self.open.iter().map(|(uri, open)| (uri.clone(), open.text.to_string()));
                let formatted: Vec<(String, String)> = formatted.collect();
                for (uri, text) in formatted.into_iter().filter(|(_, text)| text.contains("{ 3; }")) {
                    self.type_over(&uri, "{ 3; }", "{\n    3;\n}");
                    assert!(!text.contains("{\n    3;"));
                }
                json!({"applied": true})
            }
            Applies::Formatted => {
                let text = edit.to_string().replace("{ 3; }", "{\\n    3;\\n}");
                self.apply(&serde_json::from_str(&text).expect("JSON")).expect("an edit that can be applied");
                json!({"applied": true})
            }
            Applies::WhatIsTicked => {
                let is_asked =
                    |id: &Value| edit["changeAnnotations"][id.as_str().expect("an id")]["needsConfirmation"] == true;
                let mut ticked = edit.clone();
                for change in ticked["documentChanges"].as_array_mut().expect("changes") {
                    change["edits"].as_array_mut().expect("edits").retain(|edit| !is_asked(&edit["annotationId"]));
                }
                self.apply(&ticked).expect("an edit that can be applied");
                json!({"applied": true})
            }
            Applies::InSteps | Applies::Never | Applies::Late => refusal("it is answered later"),
        }
    }

    fn type_over(&mut self, uri: &str, old: &str, insert: &str) {
        let text = self.open[uri].text.to_string();
        let start = text.find(old).unwrap_or_else(|| panic!("{old:?} in {text:?}"));
        self.change(uri, vec![Edit { range: start..start + old.len(), insert: insert.to_owned() }]);
    }

    /// Makes the files of an edit and opens them, empty.
    fn begin_applying(&mut self, edit: &Value) {
        let changes = edit["documentChanges"].as_array().expect("changes").iter();
        let (made, rest): (Vec<&Value>, Vec<&Value>) = changes.partition(|change| change["kind"] == "create");
        self.apply(&json!({"documentChanges": made})).expect("files that can be made");
        made.iter().for_each(|change| self.open_document(&uri_of(&change["uri"]), ""));
        self.begun = json!({"documentChanges": rest});
    }

    fn apply(&mut self, edit: &Value) -> Result<(), String> {
        for change in edit["documentChanges"].as_array().into_iter().flatten() {
            match change["kind"].as_str() {
                None => self.apply_text(&change["textDocument"], &change["edits"])?,
                Some("create") => {
                    let path = disk_path(&change["uri"]);
                    if path.exists() {
                        return Err(format!("{} exists", path.display()));
                    }
                    std::fs::create_dir_all(path.parent().expect("a folder")).map_err(|error| error.to_string())?;
                    std::fs::write(path, "").map_err(|error| error.to_string())?;
                }
                Some("rename") => {
                    let (from, to) = (uri_of(&change["oldUri"]), uri_of(&change["newUri"]));
                    let target = disk_path(&change["newUri"]);
                    std::fs::create_dir_all(target.parent().expect("a folder")).map_err(|error| error.to_string())?;
                    std::fs::rename(disk_path(&change["oldUri"]), target).map_err(|error| error.to_string())?;
                    if let Some(open) = self.close(&from) {
                        self.open_document(&to, &open.text.to_string());
                    }
                }
                Some("delete") => {
                    std::fs::remove_file(disk_path(&change["uri"])).map_err(|error| error.to_string())?;
                    self.close(&uri_of(&change["uri"]));
                }
                Some(other) => return Err(format!("no such change: {other}")),
            }
        }
        for (uri, edits) in edit["changes"].as_object().into_iter().flatten() {
            self.apply_text(&json!({"uri": uri, "version": null}), edits)?;
        }
        Ok(())
    }

    fn apply_text(&mut self, document: &Value, edits: &Value) -> Result<(), String> {
        let uri = uri_of(&document["uri"]);
        if !self.open.contains_key(&uri) {
            let text = std::fs::read_to_string(disk_path(&document["uri"])).map_err(|error| error.to_string())?;
            self.open_document(&uri, &text);
        } else if let Some(version) = document["version"].as_i64()
            && version != self.open[&uri].version
            && !matches!(self.applies, Applies::Stale | Applies::Late)
        {
            return Err(format!("{uri} is at another version"));
        }
        let (text, encoding) = (&self.open[&uri].text, self.encoding);
        let offset = |position: &Value| {
            let number =
                |name: &str| u32::try_from(position[name].as_u64().expect("a number")).expect("a small number");
            text.offset_at(Position { line: number("line"), character: number("character") }, encoding)
        };
        let edits = edits.as_array().expect("edits").iter().map(|edit| Edit {
            range: offset(&edit["range"]["start"])..offset(&edit["range"]["end"]),
            insert: edit["newText"].as_str().expect("text").to_owned(),
        });
        let edits = edits.collect();
        self.change(&uri, edits);
        Ok(())
    }

    /// Changes an open document and tells the server, by ranges, the last first.
    fn change(&mut self, uri: &str, mut edits: Vec<Edit>) {
        edits.sort_by_key(|edit| std::cmp::Reverse((edit.range.start, edit.range.end)));
        let encoding = self.encoding;
        let open = self.open.get_mut(uri).expect("an open document");
        let position = |offset| {
            let Position { line, character } = open.text.position_at(offset, encoding);
            json!({"line": line, "character": character})
        };
        let changes: Vec<Value> = edits
            .iter()
            .map(|edit| {
                let range = json!({"start": position(edit.range.start), "end": position(edit.range.end)});
                json!({"range": range, "text": edit.insert})
            })
            .collect();
        edits.reverse();
        open.text = open.text.apply_all(&edits).expect("edits that fit");
        open.version += 1;
        let document = json!({"uri": uri, "version": open.version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    fn open_document(&mut self, uri: &str, text: &str) {
        let language = if uri.ends_with(".py") { "python" } else { "rust" };
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.open.insert(uri.to_owned(), Open { text: Text::new(text), version: 1 });
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    fn close(&mut self, uri: &str) -> Option<Open> {
        let open = self.open.remove(uri)?;
        self.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
        Some(open)
    }

    fn notify(&self, method: &str, params: Value) {
        self.outgoing.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }
}

/// Settings of a server that asks `model`.
pub fn served_by(model: &MockModel) -> Value {
    json!({"provider": "openai", "baseUrl": model.base_url(), "model": "mock", "script": null})
}

/// The states of all hunks of a `proposal` object.
pub fn states(proposal: &Value) -> Vec<String> {
    let files = proposal["files"].as_array().into_iter().flatten();
    let hunks = files.flat_map(|file| file["hunks"].as_array().into_iter().flatten());
    hunks.map(|hunk| hunk["state"].as_str().unwrap_or_default().to_owned()).collect()
}

/// The ids of all hunks of a `proposal` object.
pub fn hunk_ids(proposal: &Value) -> Vec<String> {
    let files = proposal["files"].as_array().into_iter().flatten();
    let hunks = files.flat_map(|file| file["hunks"].as_array().into_iter().flatten());
    hunks.map(|hunk| hunk["hunk"].as_str().unwrap_or_default().to_owned()).collect()
}

fn able_client() -> Value {
    json!({
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": {"documentChanges": true, "resourceOperations": ["create", "rename", "delete"]},
            "codeLens": {"refreshSupport": true},
        },
        "textDocument": {
            "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor", "source"]}}},
            "hover": {"contentFormat": ["markdown"]},
        },
        "window": {"workDoneProgress": true, "showDocument": {"support": true}},
    })
}

/// Lays `over` upon `value`; `null` takes away.
fn merge(value: &mut Value, over: &Value) {
    let Value::Object(over) = over else { return };
    let Value::Object(value) = value else { return };
    for (key, over) in over {
        match over {
            Value::Null => drop(value.remove(key)),
            Value::Object(_) => merge(value.entry(key.clone()).or_insert_with(|| json!({})), over),
            other => drop(value.insert(key.clone(), other.clone())),
        }
    }
}

fn uri_of(value: &Value) -> String {
    value.as_str().expect("a URI").to_owned()
}

fn disk_path(uri: &Value) -> PathBuf {
    let url = url::Url::parse(&uri_of(uri)).expect("a URL");
    url.to_file_path().unwrap_or_else(|()| panic!("{url} is no file")).as_path().components().collect()
}
