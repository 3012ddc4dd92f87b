/**
 * The text of a hunk, opened to be changed before it is accepted. It is a document of the editor's own that is kept in memory:
 * saving keeps the draft, and only the command in its title bar accepts it, so that a setting which saves by itself accepts nothing.
 */

import {
  Disposable,
  EventEmitter,
  type ExtensionContext,
  type FileChangeEvent,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  TabInputText,
  Uri,
  window,
  workspace,
} from "vscode";
import type { Hunk, Review } from "./review";
import type { Server } from "./server";

/** The scheme of the documents; session and hunk stand in the query. */
export const editScheme = "claw-edit";

export class Edits implements FileSystemProvider {
  private readonly drafts = new Map<string, Uint8Array>();
  private readonly changed = new EventEmitter<FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;

  constructor(
    context: ExtensionContext,
    private readonly server: Server,
    private readonly review: Review,
  ) {
    context.subscriptions.push(
      workspace.registerFileSystemProvider(editScheme, this, { isCaseSensitive: true }),
      review.onDidChange(() => this.closeDecided()),
    );
  }

  async open(hunk: Hunk): Promise<void> {
    const uri = Uri.from({ scheme: editScheme, path: hunk.uri.path, query: JSON.stringify([hunk.session, hunk.id]) });
    this.drafts.set(uri.toString(), new TextEncoder().encode(hunk.newText));
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: false });
  }

  /** Accepts the hunk of the shown draft with the text as it is now. */
  async accept(): Promise<void> {
    const document = window.activeTextEditor?.document;
    const hunk = document && this.hunkOf(document.uri);
    if (!hunk) {
      void window.showInformationMessage("No text of a hunk is open here. “Claw: Edit Hunk Before Accepting” opens one.");
      return;
    }
    const text = document.getText();
    const result = await this.server.command("claw.acceptHunk", { session: hunk.session, hunk: hunk.id, text });
    if (result?.ok) {
      // Saved first: an editor with changes asks before it closes.
      await document.save();
      await this.close(document.uri);
    }
  }

  private hunkOf(uri: Uri): Hunk | undefined {
    if (uri.scheme !== editScheme) {
      return undefined;
    }
    const [session, id] = JSON.parse(uri.query) as [string, string];
    return this.review.find(session, id);
  }

  private async close(uri: Uri): Promise<void> {
    const tabs = window.tabGroups.all.flatMap((group) => group.tabs);
    await window.tabGroups.close(tabs.filter(({ input }) => input instanceof TabInputText && input.uri.toString() === uri.toString()));
    this.drafts.delete(uri.toString());
  }

  /** A draft of a hunk that was decided elsewhere is of no use, but what was typed into it is not thrown away. */
  private closeDecided(): void {
    for (const document of workspace.textDocuments) {
      if (document.uri.scheme === editScheme && !document.isDirty && !this.hunkOf(document.uri)) {
        void this.close(document.uri);
      }
    }
  }

  readFile(uri: Uri): Uint8Array {
    const draft = this.drafts.get(uri.toString());
    if (!draft) {
      throw FileSystemError.FileNotFound(uri);
    }
    return draft;
  }

  writeFile(uri: Uri, content: Uint8Array): void {
    this.drafts.set(uri.toString(), content);
  }

  stat(uri: Uri): { type: FileType; ctime: number; mtime: number; size: number } {
    return { type: FileType.File, ctime: 0, mtime: 0, size: this.readFile(uri).length };
  }

  watch(): Disposable {
    return new Disposable(() => undefined);
  }

  readDirectory(): [string, FileType][] {
    return [];
  }

  createDirectory(uri: Uri): void {
    throw FileSystemError.NoPermissions(uri);
  }

  delete(uri: Uri): void {
    throw FileSystemError.NoPermissions(uri);
  }

  rename(uri: Uri): void {
    throw FileSystemError.NoPermissions(uri);
  }
}
