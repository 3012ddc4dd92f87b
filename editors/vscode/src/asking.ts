/** Questions of the server: a command that is long is read whole before it is allowed. */

import { window } from "vscode";
import { type MessageActionItem, MessageType, type ShowMessageRequestParams } from "vscode-languageclient/node";

/** A notification shows this much and still leaves room; VS Code itself cuts one after 1,000 characters. */
const SHORT = 300;

const READ: MessageActionItem = { title: "Read and Decide…" };

/** As the language client does it, but for what a notification would not show whole. Anything but a button of the question is a no. */
export async function choose({ type, message, actions }: ShowMessageRequestParams): Promise<MessageActionItem | null> {
  const items = actions ?? [];
  if (message.length <= SHORT) {
    return (await notify(type, message, items)) ?? null;
  }
  // Not at once in a window of its own: what the user types just now must not answer it.
  if ((await notify(type, `${message.slice(0, SHORT)}…`, [READ])) !== READ) {
    return null;
  }
  return (await window.showWarningMessage("Claw asks", { modal: true, detail: message }, ...items)) ?? null;
}

function notify(type: MessageType, message: string, items: MessageActionItem[]): Thenable<MessageActionItem | undefined> {
  switch (type) {
    case MessageType.Error:
      return window.showErrorMessage(message, ...items);
    case MessageType.Warning:
      return window.showWarningMessage(message, ...items);
    default:
      return window.showInformationMessage(message, ...items);
  }
}
