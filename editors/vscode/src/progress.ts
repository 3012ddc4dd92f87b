/** What the turns are doing, with a button that stops them. VS Code shows a server's own progress without one. */

import { type Progress, ProgressLocation, window } from "vscode";
import type { ProgressToken, WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport } from "vscode-languageclient/node";

interface Running {
  progress: Progress<{ message?: string }>;
  end: () => void;
}

export class Progresses {
  private readonly running = new Map<ProgressToken, Running>();

  /** @param cancel tells the server that the user wants this to stop */
  constructor(private readonly cancel: (token: ProgressToken) => void) {}

  update(token: ProgressToken, value: WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd): void {
    switch (value.kind) {
      case "begin":
        this.begin(token, value);
        break;
      case "report":
        if (value.message !== undefined) {
          this.running.get(token)?.progress.report({ message: value.message });
        }
        break;
      case "end":
        this.running.get(token)?.end();
        this.running.delete(token);
        break;
    }
  }

  /** The server has gone: nothing runs any more. */
  clear(): void {
    for (const { end } of this.running.values()) {
      end();
    }
    this.running.clear();
  }

  private begin(token: ProgressToken, { title, message }: WorkDoneProgressBegin): void {
    this.running.get(token)?.end();
    const options = { location: ProgressLocation.Notification, title: `Claw: ${title}`, cancellable: true };
    // Kept before it is shown: the end may come before VS Code calls back.
    const reports: { message?: string }[] = message === undefined ? [] : [{ message }];
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.running.set(token, { progress: { report: (report) => reports.push(report) }, end });
    void window.withProgress(options, (progress, cancellation) => {
      reports.forEach((report) => progress.report(report));
      cancellation.onCancellationRequested(() => this.cancel(token));
      const running = this.running.get(token);
      if (running) {
        running.progress = progress;
      }
      return ended;
    });
  }
}
