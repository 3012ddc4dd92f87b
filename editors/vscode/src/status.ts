/** The item in the status bar, and the context keys that menus look at. */

import { commands, type ExtensionContext, StatusBarAlignment, window } from "vscode";
import { fileOf, scheme } from "./preview";
import type { Review } from "./review";

export function showStatus(context: ExtensionContext, review: Review): void {
  const item = window.createStatusBarItem("claw.review", StatusBarAlignment.Left);
  item.name = "Claw";
  item.command = "claw.ui.next";
  const update = (): void => {
    const hunks = review.pending();
    const shown = window.activeTextEditor?.document.uri;
    const file = shown?.scheme === scheme ? fileOf(shown) : shown;
    const ours = hunks.filter(({ uri }) => uri.toString() === file?.toString());
    void commands.executeCommand("setContext", "claw.pending", hunks.length);
    void commands.executeCommand("setContext", "claw.pendingHere", ours.length > 0);
    const conflicts = hunks.filter(({ conflict }) => conflict).length;
    void commands.executeCommand("setContext", "claw.conflictHere", ours.some(({ conflict }) => conflict));
    void commands.executeCommand("setContext", "claw.accepted", review.accepted().length);
    const files = new Set(hunks.map(({ uri }) => uri.toString())).size;
    item.text = `$(diff) Claw: ${hunks.length} to review${conflicts > 0 ? `, ${conflicts} in conflict` : ""}`;
    item.tooltip = `${hunks.length} hunks in ${files} files wait for review. Go to the next.`;
    if (hunks.length > 0) {
      item.show();
    } else {
      item.hide();
    }
  };
  context.subscriptions.push(item, review.onDidChange(update), window.onDidChangeActiveTextEditor(update));
  update();
}
