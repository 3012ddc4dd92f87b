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
  const arguments_ = [{ session: hunk.session, hunk: hunk.id }];
  const lenses = [
    new CodeLens(place, { title: `Claw ${hunk.number}/${review.pending().length}: ${hunk.title}`, command: "claw.ui.next", tooltip: "Go to the next hunk" }),
    new CodeLens(place, { title: "$(check) Accept", command: "claw.ui.accept", arguments: arguments_ }),
    new CodeLens(place, { title: "$(close) Reject", command: "claw.ui.reject", arguments: arguments_ }),
  ];
  if (hunk.change === "edit") {
    lenses.push(new CodeLens(place, { title: "$(diff) Diff", command: "claw.ui.diff", arguments: [hunk.uri] }));
  }
  return lenses;
}
