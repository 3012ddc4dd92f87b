// Runs inside the extension host: the real API of VS Code, the installed extension, the real server.
const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const vscode = require("vscode");
const { tests, until } = require("./support");

const oldName = "make_default_short_help";
const newName = "summarize_help";

exports.run = async () => {
  const { test, end } = tests();

  const folder = vscode.workspace.workspaceFolders[0].uri;
  const file = (path) => vscode.Uri.joinPath(folder, path);
  const show = async (path) => vscode.window.showTextDocument(await vscode.workspace.openTextDocument(file(path)));
  const lineOf = (document, text) => document.positionAt(document.getText().indexOf(text)).line;
  const original = (path) => readFileSync(join(process.env.CLAW_TEST_CORPUS, path), "utf8");
  const disk = (path) => readFileSync(join(folder.fsPath, path), "utf8");

  let claw;
  await test("the .vsix activates", async () => {
    const extension = vscode.extensions.getExtension("claw.claw");
    assert(extension, "not installed");
    claw = await extension.activate();
    assert.strictEqual(claw.problem(), undefined);
    const commands = await vscode.commands.getCommands(true);
    assert(commands.includes("claw.ui.ask"));
    assert(commands.includes("claw.acceptHunk"), "the server's commands are not there: it does not run");
  });
  const pending = () => claw.pending();
  const places = () => pending().map((hunk) => `${hunk.uri.path.slice(folder.path.length + 1)}:${hunk.line + 1}`);

  const utils = await show("src/click/utils.py");
  const before = utils.document.getText();
  await test("the light bulb offers to ask", async () => {
    const line = lineOf(utils.document, `def ${oldName}`);
    utils.selection = new vscode.Selection(line, 0, line, 0);
    const actions = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", utils.document.uri, utils.selection);
    const titles = actions.map(({ title }) => title);
    assert(titles.some((title) => title.startsWith("Ask Claw…")), titles.join(" | "));
  });

  await test("ask: hunks come in four files", async () => {
    await vscode.commands.executeCommand("claw.ui.ask", `call it ${newName}, everywhere`);
    await until("six hunks", () => pending().length === 6, places);
    const files = new Set(pending().map(({ uri }) => uri.toString()));
    assert.strictEqual(files.size, 4, places().join(" "));
    assert.strictEqual(utils.document.getText(), before, "the document changed before anything was accepted");
  });

  await test("the hunk is drawn: the old line struck, the new text beside it", async () => {
    const drawing = claw.drawing();
    const line = lineOf(utils.document, `def ${oldName}`);
    assert.deepStrictEqual(drawing.old.map(({ range }) => range.start.line), [line]);
    assert.deepStrictEqual(drawing.new.map(({ renderOptions }) => renderOptions.after.contentText), [
      `→ def ${newName}(help: str, max_length: int = 45) -> str:`,
    ]);
  });

  const lensesOf = async (document) => (await vscode.commands.executeCommand("vscode.executeCodeLensProvider", document.uri, 100)).map(({ command, range }) => ({ ...command, line: range.start.line }));
  await test("one set of lenses, and no hint beside them", async () => {
    const lenses = await lensesOf(utils.document);
    const titles = lenses.map(({ title }) => title);
    assert.match(titles[0], /^Claw \d\/6: .* needs /);
    assert.deepStrictEqual(titles.slice(1), ["$(check) Accept", "Accept with 3 It Needs", "$(close) Reject", "Change…", "$(diff) Diff"]);
    assert.strictEqual(lenses[0].line, lineOf(utils.document, `def ${oldName}`));
    assert.deepStrictEqual(vscode.languages.getDiagnostics(utils.document.uri).filter(({ source }) => source === "claw"), []);
  });

  await test("accept by the lens; one undo takes it back, redo brings it again", async () => {
    const accept = (await lensesOf(utils.document)).find(({ title }) => title.endsWith("Accept"));
    await vscode.commands.executeCommand(accept.command, ...accept.arguments);
    const after = before.replaceAll(oldName, newName);
    await until("the accepted text", () => utils.document.getText() === after, () => utils.document.lineAt(55).text);
    await until("the hunk goes", () => pending().length === 5, places);
    assert.deepStrictEqual(claw.drawing(), { old: [], new: [], conflicts: [], incoming: [], warnings: [] });
    await vscode.window.showTextDocument(utils.document);
    await vscode.commands.executeCommand("undo");
    assert.strictEqual(utils.document.getText(), before);
    await vscode.commands.executeCommand("redo");
    assert.strictEqual(utils.document.getText(), after);
    await until("five hunks again", () => pending().length === 5, places);
  });

  await test("accept by the server's code action", async () => {
    const core = await show("src/click/core.py");
    const line = lineOf(core.document, `import ${oldName}`);
    const range = new vscode.Range(line, 0, line, 0);
    const actions = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", core.document.uri, range, "quickfix");
    const accept = actions.find(({ title }) => /^Claw: accept hunk \d\/\d/.test(title));
    assert(accept, actions.map(({ title }) => title).join(" | "));
    assert(await vscode.workspace.applyEdit(accept.edit));
    assert.strictEqual(core.document.lineAt(line).text, `from .utils import ${newName}`);
    await until("four hunks", () => pending().length === 4, places);
  });

  await test("reject at the cursor", async () => {
    const file = await show("tests/test_utils.py");
    const line = lineOf(file.document, `def test_${oldName}`);
    file.selection = new vscode.Selection(line, 0, line, 0);
    await vscode.commands.executeCommand("claw.ui.reject");
    await until("three hunks", () => pending().length === 3, places);
    assert(file.document.lineAt(line).text.startsWith(`def test_${oldName}(`));
  });

  const active = () => vscode.window.activeTextEditor?.document.uri;
  await test("next goes round all hunks; a new file has a preview", async () => {
    const seen = new Set();
    for (let step = 0; step < 3; step += 1) {
      await vscode.commands.executeCommand("claw.ui.next");
      seen.add(`${active().path}:${vscode.window.activeTextEditor.selection.start.line}`);
      if (active().scheme === "claw-proposed") {
        const text = vscode.window.activeTextEditor.document.getText();
        assert(text.startsWith(`from click.utils import ${newName}\n`), text);
        assert(active().path.endsWith("/tests/test_summarize_help.py"));
      }
    }
    assert.strictEqual(seen.size, 3, [...seen].join(" "));
  });

  await test("the diff shows the file as it would be", async () => {
    const core = await show("src/click/core.py");
    await vscode.commands.executeCommand("claw.ui.diff", core.document.uri);
    const proposed = await until("the proposed text", () => vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "claw-proposed" && uri.path.endsWith("/core.py")));
    assert.strictEqual(proposed.getText(), original("src/click/core.py").replaceAll(oldName, newName));
  });

  await test("accept all, save, and look at the disk", async () => {
    await vscode.commands.executeCommand("claw.ui.acceptAll");
    await until("nothing is left", () => pending().length === 0, places);
    await until("the previews close", () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).every(({ input }) => (input.modified ?? input.uri)?.scheme !== "claw-proposed"));
    // Not saveAll: it saves editors, and a document that was changed in the background gets its editor a moment later.
    for (const document of vscode.workspace.textDocuments.filter(({ isDirty }) => isDirty)) {
      assert(await document.save(), document.uri.path);
    }
    for (const path of ["src/click/utils.py", "src/click/core.py"]) {
      assert.strictEqual(disk(path), original(path).replaceAll(oldName, newName), path);
    }
    assert.strictEqual(disk("tests/test_utils.py"), original("tests/test_utils.py").replaceAll(`utils.${oldName}`, `utils.${newName}`));
    assert(disk("tests/test_summarize_help.py").startsWith(`from click.utils import ${newName}\n`));
  });

  end();
};
