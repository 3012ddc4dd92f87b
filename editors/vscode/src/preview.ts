/** What files would be: virtual documents of the proposed text, for diffs and for files that do not exist yet. */

import { commands, EventEmitter, type ExtensionContext, TabInputText, TabInputTextDiff, Uri, window, workspace } from "vscode";
import { applied, type Hunk, type Review } from "./review";

/** The scheme of the documents; the file itself stands in the query. */
export const scheme = "claw-proposed";

export class Previews {
  private readonly changed = new EventEmitter<Uri>();

  constructor(
    context: ExtensionContext,
    private readonly review: Review,
  ) {
    context.subscriptions.push(
      workspace.registerTextDocumentContentProvider(scheme, {
        onDidChange: this.changed.event,
        provideTextDocumentContent: (uri) => this.content(fileOf(uri)),
      }),
      review.onDidChange(() => this.refresh()),
      workspace.onDidChangeTextDocument(({ document }) => {
        if (document.uri.scheme !== scheme && review.in(document.uri).length > 0) {
          this.changed.fire(previewOf(document.uri));
        }
      }),
    );
  }

  /** Opens a file that does not exist yet. */
  async open(hunk: Hunk): Promise<void> {
    await window.showTextDocument(await workspace.openTextDocument(previewOf(hunk.uri)), { preview: true });
  }

  /** The file as it is and as it would be, side by side. */
  async diff(uri: Uri): Promise<void> {
    const name = uri.path.split("/").at(-1) ?? "";
    await commands.executeCommand("vscode.diff", uri, previewOf(uri), `${name} (what Claw proposes)`);
  }

  private async content(uri: Uri): Promise<string> {
    const created = this.created(uri);
    if (created) {
      return created.newText;
    }
    const document = await workspace.openTextDocument(uri);
    return applied(document.getText(), this.review.in(uri));
  }

  private created(uri: Uri): Hunk | undefined {
    return this.review.pending().find((hunk) => hunk.change === "create" && hunk.uri.toString() === uri.toString());
  }

  /** Previews of what has been decided close; the others show what is proposed now. */
  private refresh(): void {
    for (const tab of window.tabGroups.all.flatMap((group) => group.tabs)) {
      const uri = tab.input instanceof TabInputTextDiff ? tab.input.modified : tab.input instanceof TabInputText ? tab.input.uri : undefined;
      if (uri?.scheme !== scheme) {
        continue;
      }
      const file = fileOf(uri);
      if (this.review.in(file).length === 0 && !this.created(file)) {
        void window.tabGroups.close(tab);
      } else {
        this.changed.fire(uri);
      }
    }
  }
}

/** The document that shows what a file would be. */
export function previewOf(file: Uri): Uri {
  return Uri.from({ scheme, path: file.path, query: file.toString() });
}

/** The file that a preview is of. */
export function fileOf(preview: Uri): Uri {
  return Uri.parse(preview.query, true);
}

/** The file that is shown, or that the shown preview is of. */
export function shownFile(): Uri | undefined {
  const uri = window.activeTextEditor?.document.uri;
  return uri?.scheme === scheme ? fileOf(uri) : uri;
}
