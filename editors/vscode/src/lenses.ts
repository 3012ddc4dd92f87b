/** A line above each hunk: what it is, and accept, reject, diff. The server's own lenses are not shown: they say the same. */

import { CodeLens, type ExtensionContext, EventEmitter, languages, Range } from "vscode";
import { fileOf, scheme } from "./preview";
import { type Hunk, rangeOf, type Review } from "./review";

export function provideLenses(context: ExtensionContext, review: Review): void {
  const changed = new EventEmitter<void>();
  context.subscriptions.push(
    changed,
    review.onDidChange(() => changed.fire()),
    languages.registerCodeLensProvider([{ scheme: "file" }, { scheme: "untitled" }, { scheme }], {
      onDidChangeCodeLenses: changed.event,
      provideCodeLenses: (document) => {
        if (document.uri.scheme !== scheme) {
          return review.in(document.uri).flatMap((hunk) => lensesOf(hunk, review, rangeOf(hunk, document)));
        }
        const file = fileOf(document.uri).toString();
        const created = review.pending().filter((hunk) => hunk.change === "create" && hunk.uri.toString() === file);
        return created.flatMap((hunk) => lensesOf(hunk, review, new Range(0, 0, 0, 0)));
      },
    }),
  );
}

function lensesOf(hunk: Hunk, review: Review, range: Range): CodeLens[] {
  const place = new Range(range.start, range.start);
  const named = { session: hunk.session, hunk: hunk.id };
  const lens = (title: string, command: string, ...given: unknown[]): CodeLens => new CodeLens(place, { title, command, arguments: given });
  const warning = hunk.warnings.length > 0 ? `$(warning) ${hunk.warnings.join("; ")} · ` : "";
  const needed = review.neededBy(hunk).map(({ number }) => number);
  const needs = needed.length > 0 ? ` · needs ${needed.join(", ")}` : "";
  const title = `${warning}Claw ${hunk.number}/${review.pending().length}: ${hunk.title}${needs}`;
  const lenses = [new CodeLens(place, { title, command: "claw.ui.next", tooltip: "Go to the next hunk" })];
  if (hunk.conflict && hunk.change === "edit") {
    lenses.push(
      lens("Keep Mine", "claw.ui.takeMine", named),
      lens("Take Claw's", "claw.ui.takeClaw", named),
      lens("Take Both", "claw.ui.takeBoth", named),
    );
  } else {
    if (!hunk.conflict) {
      lenses.push(lens("$(check) Accept", "claw.ui.accept", named));
      if (needed.length > 0) {
        lenses.push(lens(`Accept with ${needed.length} It Needs`, "claw.ui.acceptWithNeeds", named));
      }
    }
    lenses.push(lens("$(close) Reject", "claw.ui.reject", named));
  }
  if (hunk.change === "edit") {
    lenses.push(lens("Change…", "claw.ui.change", named), lens("$(diff) Diff", "claw.ui.diff", hunk.uri));
  }
  return lenses;
}
