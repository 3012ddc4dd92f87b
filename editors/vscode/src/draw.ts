/**
 * Hunks in the text: lines that would go are struck, lines that would come stand after them in the colour of inserted text.
 * An editor of VS Code has no lines that are not in the document, so each new line is put at the end of an old one; the
 * whole picture is the diff (`preview.ts`).
 */

import {
  type DecorationOptions,
  Disposable,
  type ExtensionContext,
  OverviewRulerLane,
  Range,
  type TextDocument,
  type TextEditor,
  ThemeColor,
  window,
} from "vscode";
import { type Hunk, type Review, visible } from "./review";

/** What one editor shows. */
export interface Drawing {
  /** Lines that would go. */
  old: DecorationOptions[];
  /** The text of lines that would come, after the lines where they stand. */
  new: DecorationOptions[];
  /** Lines of the user that are in conflict with Claw's. */
  conflicts: DecorationOptions[];
  /** Claw's text for those, after them. */
  incoming: DecorationOptions[];
  /** What to look at before a hunk is accepted, at the end of its first line. */
  warnings: DecorationOptions[];
}

/** Longest text put at the end of a line. */
const longest = 300;

export function drawHunks(context: ExtensionContext, review: Review): void {
  const ruler = { overviewRulerColor: new ThemeColor("editorOverviewRuler.modifiedForeground"), overviewRulerLane: OverviewRulerLane.Left };
  const types = {
    old: window.createTextEditorDecorationType({
      ...ruler,
      isWholeLine: true,
      textDecoration: "line-through",
      opacity: "0.65",
      backgroundColor: new ThemeColor("diffEditor.removedLineBackground"),
    }),
    new: window.createTextEditorDecorationType({
      ...ruler,
      after: { color: new ThemeColor("claw.newForeground"), backgroundColor: new ThemeColor("diffEditor.insertedLineBackground"), margin: "0 0 0 2ch" },
    }),
    conflicts: window.createTextEditorDecorationType({ ...ruler, isWholeLine: true, backgroundColor: new ThemeColor("merge.currentContentBackground") }),
    incoming: window.createTextEditorDecorationType({
      after: { color: new ThemeColor("claw.newForeground"), backgroundColor: new ThemeColor("merge.incomingContentBackground"), margin: "0 0 0 2ch" },
    }),
    warnings: window.createTextEditorDecorationType({ after: { color: new ThemeColor("editorWarning.foreground"), margin: "0 0 0 2ch" } }),
  };
  const draw = (editor: TextEditor): void => {
    const drawing = drawingOf(review.in(editor.document.uri), editor.document);
    editor.setDecorations(types.old, drawing.old);
    editor.setDecorations(types.new, drawing.new);
    editor.setDecorations(types.conflicts, drawing.conflicts);
    editor.setDecorations(types.incoming, drawing.incoming);
    editor.setDecorations(types.warnings, drawing.warnings);
  };
  const drawAll = (): void => window.visibleTextEditors.forEach(draw);
  context.subscriptions.push(
    review.onDidChange(drawAll),
    window.onDidChangeVisibleTextEditors(drawAll),
    Disposable.from(...Object.values(types)),
  );
}

/** The decorations of a document's hunks. */
export function drawingOf(hunks: Hunk[], document: TextDocument): Drawing {
  const drawing: Drawing = { old: [], new: [], conflicts: [], incoming: [], warnings: [] };
  for (const hunk of hunks.filter(({ change }) => change !== "rename")) {
    const lines = hunk.liveLines.map((_, index) => hunk.line + index).filter((line) => line < document.lineCount);
    for (const line of lines) {
      (hunk.conflict ? drawing.conflicts : drawing.old).push({ range: document.lineAt(line).range });
    }
    // Lines that only come stand after the line above them; before the first line there is none, so after the first.
    const places = lines.length > 0 ? lines : [Math.min(Math.max(hunk.line - 1, 0), document.lineCount - 1)];
    const after = (line: number, contentText: string): DecorationOptions => {
      const end = document.lineAt(line).range.end;
      return { range: new Range(end, end), renderOptions: { after: { contentText: visible(contentText).slice(0, longest) } } };
    };
    if (hunk.conflict) {
      // All of Claw's text behind the user's: their lines do not belong together one by one.
      const text = hunk.newLines.length > 0 ? oneLine(hunk.newLines) : "takes these lines out";
      drawing.incoming.push(after(places.at(-1) ?? 0, `Claw: ${text}`));
    }
    for (const [index, line] of hunk.conflict ? [] : places.entries()) {
      // A new line beside each old one, and what is left beside the last.
      const texts = index === places.length - 1 ? hunk.newLines.slice(index) : hunk.newLines.slice(index, index + 1);
      if (texts.length > 0) {
        drawing.new.push(after(line, `→ ${oneLine(texts)}`));
      }
    }
    if (hunk.warnings.length > 0) {
      drawing.warnings.push(after(places[0] ?? 0, `▲ ${hunk.warnings.join("; ")}`));
    }
  }
  return drawing;
}

function oneLine(lines: string[]): string {
  return lines.map((text) => text.trim()).join(" ⏎ ");
}
