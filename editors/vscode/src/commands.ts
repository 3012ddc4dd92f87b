/** The commands of the palette, the menus and the lenses, but for those about one hunk (`deciding.ts`). */

import { commands, type ExtensionContext, type OutputChannel, Selection, TextEditorRevealType, Uri, window, workspace } from "vscode";
import { type Previews, scheme, shownFile } from "./preview";
import { type Hunk, type Review, rangeOf } from "./review";
import type { Server } from "./server";
import type { Views } from "./views";

/** A position as the protocol writes it. */
interface Place {
  line: number;
  character: number;
}

export function registerCommands(
  context: ExtensionContext,
  server: Server,
  review: Review,
  previews: Previews,
  views: Views,
  log: OutputChannel,
): void {
  const register = (name: string, body: (argument?: unknown) => unknown): void => {
    context.subscriptions.push(commands.registerCommand(`claw.ui.${name}`, body));
  };
  register("ask", (instruction) => ask(server, typeof instruction === "string" ? instruction : undefined));
  register("explain", () => server.command("claw.explain", focus()));
  register("next", () => jump(review, previews, 1));
  register("prev", () => jump(review, previews, -1));
  register("diff", (uri) => {
    const file = uri instanceof Uri ? uri : shownFile();
    return file && previews.diff(file);
  });
  register("acceptFile", () => acceptFile(server, review));
  register("acceptAll", () => server.command("claw.acceptAll"));
  register("acceptAllPreview", () => server.command("claw.acceptAll", { preview: true }));
  register("rejectAll", () => server.command("claw.rejectAll"));
  register("cancel", () => server.command("claw.cancel"));
  // The server asks which.
  register("setModel", () => server.command("claw.setModel"));
  register("context", () => showContext(views));
  register("map", () => views.show("claw.map", focus(), "Claw map"));
  // The answer is a message.
  register("blame", () => server.command("claw.blame", focus()));
  // The server has it opened.
  register("conversation", () => server.command("claw.openConversation", {}));
  register("trace", () => views.show("claw.trace", {}, "Claw trace"));
  register("restart", () => server.restart());
  register("log", () => log.show());
}

async function ask(server: Server, given: string | undefined): Promise<void> {
  // Taken before the box opens: the question is about what was selected when it was asked.
  const where = focus();
  const instruction = given ?? (await window.showInputBox({ title: "Ask Claw", prompt: "What should change?", ignoreFocusOut: true }));
  if (instruction?.trim()) {
    await server.command("claw.ask", { instruction: instruction.trim(), ...where });
  }
}

/** What an ask would send, without asking. */
async function showContext(views: Views): Promise<void> {
  const where = focus();
  const prompt = "What would you ask? It is sent nowhere.";
  const instruction = await window.showInputBox({ title: "Claw: Show Context", prompt, ignoreFocusOut: true });
  if (instruction !== undefined) {
    await views.show("claw.context", { instruction: instruction.trim(), ...where }, "Claw context.md");
  }
}

/** The document that is shown, and the selection. */
function focus(): { uri?: string; range?: { start: Place; end: Place } } {
  const editor = window.activeTextEditor;
  if (!editor || (editor.document.uri.scheme !== "file" && editor.document.uri.scheme !== "untitled")) {
    return {};
  }
  const { start, end } = editor.selection;
  const range = { start: { line: start.line, character: start.character }, end: { line: end.line, character: end.character } };
  return { uri: editor.document.uri.toString(), range };
}

async function acceptFile(server: Server, review: Review): Promise<void> {
  const file = shownFile()?.toString();
  const hunks = review.pending().filter(({ uri }) => uri.toString() === file);
  for (const session of new Set(hunks.map((hunk) => hunk.session))) {
    await server.command("claw.acceptFile", { session, uri: hunks[0]?.target.toString() });
  }
}

/** Goes to the next hunk (1) or the previous one (-1): in this document first, then in the files after or before it. */
async function jump(review: Review, previews: Previews, direction: 1 | -1): Promise<void> {
  const hunks = review.pending();
  const editor = window.activeTextEditor;
  const file = shownFile()?.toString();
  const isPreview = editor?.document.uri.scheme === scheme;
  const line = editor?.selection.active.line ?? 0;
  const here = hunks.filter(({ uri }) => uri.toString() === file);
  const beyond = isPreview ? [] : here.filter((hunk) => (direction === 1 ? hunk.line > line : hunk.line < line));
  const inside = direction === 1 ? beyond[0] : beyond.at(-1);
  // Numbers begin with 1, so the number of a hunk is the index of the one after it.
  const outside = direction === 1 ? (here.at(-1)?.number ?? 0) : (here[0]?.number ?? 1) - 2;
  const target = inside ?? hunks.at(outside % hunks.length);
  if (target) {
    await show(target, previews);
  } else {
    void window.showInformationMessage("Nothing waits for review.");
  }
}

async function show(hunk: Hunk, previews: Previews): Promise<void> {
  if (hunk.change === "create") {
    await previews.open(hunk);
    return;
  }
  const document = await workspace.openTextDocument(hunk.uri);
  const editor = await window.showTextDocument(document);
  const range = rangeOf(hunk, document);
  editor.selection = new Selection(range.start, range.start);
  editor.revealRange(range, TextEditorRevealType.InCenterIfOutsideViewport);
}
