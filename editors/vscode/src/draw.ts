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
import type { Hunk, Review } from "./review";

/** What one editor shows. */
export interface Drawing {
  /** Lines that would go. */
  old: DecorationOptions[];
  /** The text of lines that would come, after the lines where they stand. */
  new: DecorationOptions[];
  conflicts: DecorationOptions[];
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
    conflicts: window.createTextEditorDecorationType({ isWholeLine: true, backgroundColor: new ThemeColor("merge.currentContentBackground") }),
  };
  const draw = (editor: TextEditor): void => {
    const drawing = drawingOf(review.in(editor.document.uri), editor.document);
    editor.setDecorations(types.old, drawing.old);
    editor.setDecorations(types.new, drawing.new);
    editor.setDecorations(types.conflicts, drawing.conflicts);
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
  const drawing: Drawing = { old: [], new: [], conflicts: [] };
  for (const hunk of hunks.filter(({ change }) => change !== "rename")) {
    const lines = hunk.oldLines.map((_, index) => hunk.line + index).filter((line) => line < document.lineCount);
    for (const line of lines) {
      (hunk.conflict ? drawing.conflicts : drawing.old).push({ range: document.lineAt(line).range });
    }
    // Lines that only come stand after the line above them; before the first line there is none, so after the first.
    const places = lines.length > 0 ? lines : [Math.min(Math.max(hunk.line - 1, 0), document.lineCount - 1)];
    for (const [index, line] of places.entries()) {
      // A new line beside each old one, and what is left beside the last.
      const texts = index === places.length - 1 ? hunk.newLines.slice(index) : hunk.newLines.slice(index, index + 1);
      if (texts.length === 0) {
        continue;
      }
      const end = document.lineAt(line).range.end;
      const contentText = `→ ${texts.map((text) => text.trim()).join(" ⏎ ")}`.slice(0, longest);
      drawing.new.push({ range: new Range(end, end), renderOptions: { after: { contentText } } });
    }
  }
  return drawing;
}
