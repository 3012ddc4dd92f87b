/** Commands that decide about a hunk: to take it, lines of it, or other text for it, to leave it, to settle a conflict. */

import { type ExtensionContext, commands, type QuickPickItem, window } from "vscode";
import type { Edits } from "./edit";
import { fileOf, scheme, shownFile } from "./preview";
import { appliedLine, type Hunk, paired, type Review, touching } from "./review";
import type { Server } from "./server";

type Take = "mine" | "claw" | "both";

export function registerDeciding(context: ExtensionContext, server: Server, review: Review, edits: Edits): void {
  const register = (name: string, body: (argument?: unknown, more?: unknown) => unknown): void => {
    context.subscriptions.push(commands.registerCommand(`claw.ui.${name}`, body));
  };
  /** The hunk that an argument names, else the one that is shown. */
  const one = (named: unknown, then: (hunk: Hunk) => unknown): unknown => {
    const hunk = meant(review, named)[0];
    return hunk && then(hunk);
  };
  register("accept", async (named) => {
    for (const hunk of meant(review, named)) {
      await server.command("claw.acceptHunk", address(hunk));
    }
  });
  register("acceptWithNeeds", (named) => one(named, (hunk) => server.command("claw.acceptHunk", { ...address(hunk), with_needs: true })));
  register("acceptLines", (lines) => one(undefined, (hunk) => acceptLines(server, review, hunk, lines)));
  register("edit", (named) => one(named, (hunk) => edit(edits, hunk)));
  register("acceptEdited", () => edits.accept());
  register("reject", async (named) => {
    for (const hunk of meant(review, named)) {
      await server.command("claw.rejectHunk", address(hunk));
    }
  });
  register("rejectWithReason", (given) =>
    one(undefined, async (hunk) => {
      const reason = await text(given, { title: "Reject Hunk", prompt: "Why not? The model is told." });
      return reason && server.command("claw.rejectHunk", { ...address(hunk), reason });
    }),
  );
  register("change", (named, given) =>
    one(named, async (hunk) => {
      const instruction = await text(given, { title: "Change Hunk", prompt: "What should it be instead?" });
      return instruction && server.command("claw.changeHunk", { ...address(hunk), instruction });
    }),
  );
  register("takeMine", (named) => one(named, (hunk) => resolve(server, hunk, "mine")));
  register("takeClaw", (named) => one(named, (hunk) => resolve(server, hunk, "claw")));
  register("takeBoth", (named) => one(named, (hunk) => resolve(server, hunk, "both")));
  register("undo", () => server.command("claw.undo"));
  register("undoPick", () => undoPick(server, review));
  register("redo", () => server.command("claw.redo"));
}

/** Accepts lines of a hunk: those that are selected, in the text or in the preview of what it would be; else those that are picked. */
async function acceptLines(server: Server, review: Review, hunk: Hunk, given: unknown): Promise<void> {
  const lines = isLines(given) ? given : (selectedLines(review, hunk) ?? (await pickLines(hunk)));
  if (lines) {
    await server.command("claw.acceptHunk", { ...address(hunk), lines });
  }
}

function selectedLines(review: Review, hunk: Hunk): [number, number] | undefined {
  const editor = window.activeTextEditor;
  if (!editor || editor.selection.isEmpty) {
    return undefined;
  }
  const { start, end } = editor.selection;
  // A selection that ends before the first character of a line does not touch that line.
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  if (editor.document.uri.scheme !== scheme) {
    return hunk.liveLines.length > 0 ? paired(hunk, start.line, last) : undefined;
  }
  const first = appliedLine(hunk, review.in(hunk.uri));
  const count = hunk.newLines.length;
  return count > 0 ? [Math.max(start.line - first + 1, 1), Math.min(last - first + 1, count)] : undefined;
}

async function pickLines(hunk: Hunk): Promise<[number, number] | undefined> {
  const texts = hunk.newLines.length > 0 ? hunk.newLines : hunk.oldLines;
  const items = texts.map((label, index): QuickPickItem & { line: number } => ({ label: label || " ", line: index + 1 }));
  const title = hunk.newLines.length > 0 ? "Lines to Accept" : "Lines to Take Out";
  const picked = await window.showQuickPick(items, { title, canPickMany: true, ignoreFocusOut: true });
  const [first, last] = [picked?.at(0)?.line, picked?.at(-1)?.line];
  if (!picked || first === undefined || last === undefined) {
    return undefined;
  }
  if (last - first + 1 !== picked.length) {
    void window.showWarningMessage("Pick lines that follow each other. The others can be accepted after them.");
    return undefined;
  }
  return [first, last];
}

async function edit(edits: Edits, hunk: Hunk): Promise<void> {
  if (hunk.conflict) {
    void window.showInformationMessage("This hunk is in conflict: keep yours, take Claw's, or take both first.");
  } else if (hunk.change === "delete" || hunk.change === "rename") {
    void window.showInformationMessage("This hunk puts in no text.");
  } else {
    await edits.open(hunk);
  }
}

async function resolve(server: Server, hunk: Hunk, take: Take): Promise<void> {
  await server.command("claw.resolveHunk", { ...address(hunk), take });
}

async function undoPick(server: Server, review: Review): Promise<void> {
  const accepted = review.accepted();
  if (accepted.length === 0) {
    void window.showInformationMessage("Nothing of this turn was accepted.");
    return;
  }
  const items = accepted.map(({ session, id, uri, title }) => ({ label: title, description: uri.path.split("/").at(-1) ?? "", session, id }));
  const picked = await window.showQuickPick(items, { title: "Take Back", matchOnDescription: true });
  if (picked) {
    await server.command("claw.undo", { session: picked.session, hunk: picked.id });
  }
}

/** The hunk that an argument names, as lenses do; else those that the selection touches. Says so if there is none. */
function meant(review: Review, named: unknown): Hunk[] {
  if (typeof named === "object" && named !== null && "session" in named && "hunk" in named) {
    const hunk = review.find(String(named.session), String(named.hunk));
    return hunk ? [hunk] : [];
  }
  const here = hunksHere(review);
  if (here.length === 0) {
    void window.showInformationMessage(review.pending().length > 0 ? "No hunk here. “Claw: Next Hunk” goes to one." : "Nothing waits for review.");
  }
  return here;
}

function hunksHere(review: Review): Hunk[] {
  const editor = window.activeTextEditor;
  if (!editor) {
    return [];
  }
  const { start, end, isEmpty } = editor.selection;
  if (editor.document.uri.scheme !== scheme) {
    const found = touching(review.in(editor.document.uri), start.line, end.line);
    return isEmpty ? found.slice(0, 1) : found;
  }
  const file = fileOf(editor.document.uri);
  const created = review.pending().filter((hunk) => hunk.change === "create" && hunk.uri.toString() === shownFile()?.toString());
  const hunks = review.in(file);
  const edited = hunks.filter((hunk) => {
    const first = appliedLine(hunk, hunks);
    return first <= end.line && start.line <= first + Math.max(hunk.newLines.length, 1) - 1;
  });
  return [...created, ...(isEmpty ? edited.slice(0, 1) : edited)];
}

function address({ session, id }: Hunk): { session: string; hunk: string } {
  return { session, hunk: id };
}

function isLines(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((line) => typeof line === "number");
}

/** What was given to a command, else what the user types into a box; undefined if that is nothing. */
async function text(given: unknown, options: { title: string; prompt: string }): Promise<string | undefined> {
  const typed = typeof given === "string" ? given : await window.showInputBox({ ...options, ignoreFocusOut: true });
  return typed?.trim() || undefined;
}
