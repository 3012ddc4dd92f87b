/** Claw in VS Code: wires the parts together. The work is done by the server, `claw lsp`. */

import { commands, type ExtensionContext, window, workspace } from "vscode";
import { registerCommands } from "./commands";
import { registerDeciding } from "./deciding";
import { drawHunks, type Drawing, drawingOf } from "./draw";
import { Edits } from "./edit";
import { provideLenses } from "./lenses";
import { Previews } from "./preview";
import { ProgramMissing } from "./program";
import { type Hunk, Review } from "./review";
import { Server } from "./server";
import { showStatus } from "./status";
import { Views } from "./views";

let server: Server | undefined;
let problem: string | undefined;

/** What other extensions, and tests, may call. */
export interface Api {
  /** Everything that waits for review. */
  pending(): readonly Hunk[];
  /** What the active editor shows of it. */
  drawing(): Drawing | undefined;
  /** Why the server does not run. */
  problem(): string | undefined;
}

export async function activate(context: ExtensionContext): Promise<Api> {
  const log = window.createOutputChannel("Claw", { log: true });
  const review = new Review();
  const running = new Server(log, review);
  server = running;
  context.subscriptions.push(log);

  drawHunks(context, review);
  provideLenses(context, review);
  showStatus(context, review);
  registerCommands(context, running, review, new Previews(context, review), new Views(context, running), log);
  registerDeciding(context, running, review, new Edits(context, running, review));

  context.subscriptions.push(
    workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration("claw.path")) {
        void start(() => running.restart());
      } else if (change.affectsConfiguration("claw")) {
        void running.settingsChanged();
      }
    }),
    workspace.onDidGrantWorkspaceTrust(() => void running.settingsChanged()),
  );
  await start(() => running.start());

  return {
    pending: () => review.pending(),
    problem: () => problem,
    drawing: () => {
      const document = window.activeTextEditor?.document;
      return document && drawingOf(review.in(document.uri), document);
    },
  };
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

/** Starts the server; a failure is one message that says what to do. */
async function start(begin: () => Promise<void>): Promise<void> {
  try {
    await begin();
    problem = undefined;
  } catch (error) {
    problem = error instanceof ProgramMissing ? error.message : `Claw's server did not start: ${String(error)}`;
    // Not awaited: the message may stand there for hours.
    void explain(problem);
  }
}

async function explain(message: string): Promise<void> {
  if (await window.showErrorMessage(message, "Open Settings")) {
    await commands.executeCommand("workbench.action.openSettings", "claw.path");
  }
}
