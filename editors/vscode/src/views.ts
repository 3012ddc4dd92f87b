/** What the server tells of its inside, as documents to be read: the context of an ask, the map, the trace of a session. */

import { EventEmitter, type ExtensionContext, Uri, window, workspace } from "vscode";
import type { Server } from "./server";

const scheme = "claw-view";

export class Views {
  private readonly texts = new Map<string, string>();
  private readonly changed = new EventEmitter<Uri>();

  constructor(
    context: ExtensionContext,
    private readonly server: Server,
  ) {
    context.subscriptions.push(
      workspace.registerTextDocumentContentProvider(scheme, {
        onDidChange: this.changed.event,
        provideTextDocumentContent: (uri) => this.texts.get(uri.toString()) ?? "",
      }),
      workspace.onDidCloseTextDocument(({ uri }) => {
        this.texts.delete(uri.toString());
      }),
    );
  }

  /** Opens the text that a command of the server answers with. One that takes long says so instead, by a message of its own. */
  async show(command: string, argument: object, name: string): Promise<void> {
    const result = await this.server.command(command, argument);
    if (result?.text === undefined) {
      return;
    }
    const uri = Uri.from({ scheme, path: `/${name}` });
    this.texts.set(uri.toString(), result.text);
    this.changed.fire(uri);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: false });
  }
}
