// Runs inside the extension host: hunks that wait while the user types, lines of them, their text edited, one made anew, undo and redo.
const assert = require("node:assert");
const vscode = require("vscode");
const { tests, until } = require("./support");

exports.run = async () => {
  const { test, end } = tests();
  const claw = await vscode.extensions.getExtension("claw.claw").activate();
  const folder = vscode.workspace.workspaceFolders[0].uri;
  const run = (name, ...given) => vscode.commands.executeCommand(`claw.ui.${name}`, ...given);

  const { document } = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder, "src/click/utils.py")));
  let text = document.getText();
  const original = text;
  /** The pending hunk that puts in this line first. */
  const hunk = (first) => claw.pending().find(({ newLines }) => newLines[0]?.trim() === first);
  const shown = () => claw.pending().map(({ line, oldLines, newLines, conflict }) => [line, conflict, oldLines, newLines]);
  const comes = (first) => until(`a hunk that puts in ${first}`, () => hunk(first), shown);
  /** The lines that are being accepted wait beside the others until they are seen in the text. */
  const waiting = (count) => until(`${count} hunks`, () => claw.pending().length === count, shown);
  /** Waits until the document is as it was but for one piece. */
  const becomes = async (old, replacement) => {
    assert(text.includes(old), old);
    const expected = text.replace(old, replacement);
    await until(replacement, () => document.getText() === expected, () => document.getText().split("\n").filter((line, index) => line !== expected.split("\n")[index]));
    text = expected;
  };
  const lineOf = (piece) => document.positionAt(document.getText().indexOf(piece)).line;
  const cursor = async (piece, lines = 0) => {
    const editor = await vscode.window.showTextDocument(document);
    const line = lineOf(piece);
    editor.selection = new vscode.Selection(line, 0, line + lines, 0);
    return editor;
  };
  const type = async (change) => {
    const editor = await vscode.window.showTextDocument(document);
    assert(await editor.edit(change));
    text = document.getText();
  };
  const lenses = async () => (await vscode.commands.executeCommand("vscode.executeCodeLensProvider", document.uri, 100)).map(({ command }) => command);
  const take = async (title) => {
    const lens = (await lenses()).find((command) => command.title === title);
    assert(lens, `no lens ${title}`);
    await vscode.commands.executeCommand(lens.command, ...lens.arguments);
  };

  await test("ask: four hunks", async () => {
    await run("ask", "shorter words");
    await waiting(4);
    assert.strictEqual(document.getText(), original);
  });

  await test("typing above moves them along", async () => {
    const { line } = hunk("total = 0");
    await type((edit) => edit.insert(new vscode.Position(0, 0), "# mine\n"));
    await until("the hunk moves", () => hunk("total = 0")?.line === line + 1, shown);
  });

  const mine = '    """Mine."""\n    # and mine\n';
  await test("typing at a hunk is a conflict, shown with both texts", async () => {
    const range = document.lineAt(lineOf("Converts a value")).rangeIncludingLineBreak;
    await type((edit) => edit.replace(range, mine));
    const conflict = await until("a conflict", () => claw.pending().find(({ conflict }) => conflict), shown);
    assert.deepStrictEqual(conflict.liveLines, ['    """Mine."""', "    # and mine"]);
    const { conflicts, incoming } = claw.drawing();
    assert.deepStrictEqual(conflicts.map(({ range }) => range.start.line), [range.start.line, range.start.line + 1]);
    assert.deepStrictEqual(incoming.map(({ renderOptions }) => renderOptions.after.contentText), ['Claw: """Turns a value into text."""']);
    const titles = (await lenses()).slice(0, 6).map(({ title }) => title);
    assert.match(titles[0], /^Claw 1\/4: .*conflict/);
    assert.deepStrictEqual(titles.slice(1), ["Keep Mine", "Take Claw's", "Take Both", "Change…", "$(diff) Diff"]);
  });

  await test("the diff shows Claw's text in its place", async () => {
    await run("diff", document.uri);
    const proposed = await until("the proposed text", () => vscode.workspace.textDocuments.find(({ uri }) => uri.scheme === "claw-proposed"));
    assert(proposed.getText().includes('-> str:\n    """Turns a value into text."""\n    if isinstance'), proposed.getText().slice(1000, 2000));
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  });

  await test("take both, in one step of undo", async () => {
    await cursor('"""Mine."""');
    await take("Take Both");
    const before = text;
    await becomes(mine, `${mine}    """Turns a value into text."""\n`);
    await waiting(3);
    await cursor('"""Mine."""');
    await vscode.commands.executeCommand("undo");
    assert.strictEqual(document.getText(), before);
    await vscode.commands.executeCommand("redo");
    assert.strictEqual(document.getText(), text);
  });

  await test("accept selected lines, and lines by number", async () => {
    await cursor("total_length = 0", 1);
    await run("acceptLines");
    await becomes("    total_length = 0\n", "    total = 0\n");
    await comes("last = len(words) - 1");
    await waiting(3);
    await cursor("last_index = len(words)");
    await run("acceptLines", [1, 1]);
    await becomes("    last_index = len(words) - 1\n", "    last = len(words) - 1\n");
    assert.deepStrictEqual((await comes('suffix = "..."')).newLines, ['    suffix = "..."', "    limit = max_length"]);
    await waiting(3);
  });

  await test("reject with a reason", async () => {
    await cursor("last = len(words) - 1");
    const answer = await run("rejectWithReason", "not these");
    assert(answer?.ok, JSON.stringify(answer));
    await waiting(2);
    assert.strictEqual(document.getText(), text);
  });

  await test("edit a hunk before accepting it", async () => {
    await cursor("# Account for the length");
    await run("edit");
    const editor = await until("the hunk's text", () => (vscode.window.activeTextEditor?.document.uri.scheme === "claw-edit" ? vscode.window.activeTextEditor : undefined));
    assert.strictEqual(editor.document.getText(), "    # Make room for the suffix.\n");
    assert.strictEqual(editor.document.languageId, "python");
    assert(await editor.edit((edit) => edit.insert(editor.document.lineAt(0).range.end, " But not much.")));
    assert(await editor.document.save());
    assert.strictEqual(document.getText(), text, "saving a draft accepts nothing");
    await run("acceptEdited");
    await becomes("# Account for the length of the suffix.", "# Make room for the suffix. But not much.");
    await waiting(1);
    await until("the draft closes", () => vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).every(({ input }) => input.uri?.scheme !== "claw-edit"));
  });

  await test("change a hunk", async () => {
    await cursor("# remove words");
    await run("change", undefined, "say leave out");
    await comes("# leave out words until it fits");
    await waiting(1);
  });

  await test("accept; undo after more typing, which stays; redo", async () => {
    await cursor("# remove words");
    await run("accept");
    await becomes("# remove words until the length is short enough", "# leave out words until it fits");
    await waiting(0);
    await type((edit) => edit.insert(new vscode.Position(lineOf("def make_str"), 0), "# typed later\n"));
    await run("undo");
    await becomes("# leave out words until it fits", "# remove words until the length is short enough");
    await cursor("# remove words");
    await vscode.commands.executeCommand("undo");
    assert(document.getText().includes("# leave out words"), "one step of undo");
    await vscode.commands.executeCommand("redo");
    assert.strictEqual(document.getText(), text);
    // The undone hunk can be brought back when the server has seen that it is gone.
    await until("brought back", async () => {
      await run("redo");
      return document.getText().includes("# leave out words");
    });
    await becomes("# remove words until the length is short enough", "# leave out words until it fits");
  });

  end();
};
