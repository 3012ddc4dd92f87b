/** The language client: starting the server, its settings, and the messages that only Claw has. */

import { commands, languages, type LogOutputChannel, Uri, window, workspace } from "vscode";
import {
  type Diagnostic,
  type ExecuteCommandSignature,
  type FeatureState,
  LanguageClient,
  type LanguageClientOptions,
  State,
  type StaticFeature,
} from "vscode-languageclient/node";
import { choose } from "./asking";
import { findProgram } from "./program";
import { Progresses } from "./progress";
import {
  type ClawEvent,
  type CommandResult,
  type DiagnosticsParams,
  type DiagnosticsResult,
  experimental,
  type InputParams,
  type ProposalParams,
} from "./protocol";
import type { Review } from "./review";
import { programSetting, serverSettings } from "./settings";

export class Server {
  private client: LanguageClient | undefined;

  constructor(
    private readonly log: LogOutputChannel,
    private readonly review: Review,
  ) {}

  /** @throws ProgramMissing, or what the client says when the server does not start */
  async start(): Promise<void> {
    const command = findProgram(programSetting());
    const client = new LanguageClient("claw", "Claw", { command, args: ["lsp", "--stdio"] }, this.options());
    const progresses = new Progresses((token) => void client.sendNotification("window/workDoneProgress/cancel", { token }));
    client.clientOptions.middleware = {
      ...client.clientOptions.middleware,
      handleWorkDoneProgress: (token, value) => progresses.update(token, value),
    };
    client.registerFeature(new ClawCapability());
    client.onNotification("claw/proposal", (proposal: ProposalParams) => this.review.set(proposal));
    client.onNotification("claw/event", (event: ClawEvent) => this.logEvent(event));
    client.onRequest("window/showMessageRequest", choose);
    client.onRequest("claw/input", ({ prompt, default: value }: InputParams) => askUser(prompt, value));
    client.onRequest("claw/diagnostics", (params?: DiagnosticsParams) => diagnostics(client, params));
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped) {
        progresses.clear();
        this.review.clear();
      }
    });
    this.client = client;
    await client.start();
    // Commands that older servers would take for another are offered only where the server says that it has them.
    const announced = client.initializeResult?.capabilities.experimental as { claw?: { preview?: unknown } } | undefined;
    void commands.executeCommand("setContext", "claw.canPreview", announced?.claw?.preview === true);
  }

  async stop(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.dispose();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Tells the server that settings have changed. */
  async settingsChanged(): Promise<void> {
    const settings = { claw: { ...serverSettings(), trusted: workspace.isTrusted } };
    await this.client?.sendNotification("workspace/didChangeConfiguration", { settings });
  }

  /** Runs a command of the server. What it refuses is shown with its reason. */
  async command(name: string, argument: object = {}): Promise<CommandResult | undefined> {
    if (!this.client) {
      void window.showErrorMessage("Claw's server does not run. “Claw: Restart Server” starts it.");
      return undefined;
    }
    const result = await this.client.sendRequest<CommandResult | null>("workspace/executeCommand", { command: name, arguments: [argument] });
    return refused(name, result);
  }

  private options(): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      initializationOptions: { ...serverSettings(), trusted: workspace.isTrusted },
      outputChannel: this.log,
      middleware: {
        // The extension draws hunks itself: the server's hints and lenses would say everything twice.
        handleDiagnostics: (uri, _, next) => next(uri, []),
        provideCodeLenses: () => [],
        executeCommand: async (name: string, arguments_: unknown[], next: ExecuteCommandSignature) =>
          refused(name, (await next(name, arguments_)) as CommandResult | null),
        workspace: {
          // The client would send the settings as VS Code has them, `claw.settings` as a key of its own.
          didChangeConfiguration: async () => this.settingsChanged(),
          configuration: (params) => params.items.map(({ section }) => (section === "claw" ? { ...serverSettings(), trusted: workspace.isTrusted } : null)),
        },
      },
    };
  }

  private logEvent({ type, session, ...fields }: ClawEvent): void {
    // Streamed text is whole in the model's response; the rest is one line each.
    if (type !== "text" && type !== "reasoning" && type !== "tool_output") {
      const detail = fields["message"] ?? fields["tool"] ?? fields["status"] ?? fields["task"] ?? "";
      this.log.info(`${session.slice(-6)} ${type} ${typeof detail === "string" ? detail : ""}`.trimEnd());
    }
  }
}

/** Shows why a command was refused, or what it left out. */
function refused(name: string, result: CommandResult | null): CommandResult | undefined {
  if (result?.ok === false) {
    void window.showWarningMessage(`Claw: ${result.message ?? `${name} failed`}`);
  } else if (result?.message && !result.skipped) {
    void window.showInformationMessage(`Claw: ${result.message}`);
  }
  return result ?? undefined;
}

async function askUser(prompt: string, value: string | undefined): Promise<string | null> {
  return (await window.showInputBox({ prompt, ignoreFocusOut: true, ...(value === undefined ? {} : { value }) })) ?? null;
}

/** What all other servers say of these documents, or of all. */
async function diagnostics(client: LanguageClient, params: DiagnosticsParams | undefined): Promise<DiagnosticsResult> {
  const all = params?.uris
    ? params.uris.map((text) => Uri.parse(text, true)).map((uri) => [uri, languages.getDiagnostics(uri)] as const)
    : languages.getDiagnostics();
  const items = all.map(async ([uri, found]) => ({
    uri: client.code2ProtocolConverter.asUri(uri),
    diagnostics: (await client.code2ProtocolConverter.asDiagnostics(found.filter(({ source }) => source !== "claw"))) as Diagnostic[],
  }));
  return { items: (await Promise.all(items)).filter((item) => item.diagnostics.length > 0) };
}

/** Declares what this client can show, so that the server sends it. */
class ClawCapability implements StaticFeature {
  fillClientCapabilities(capabilities: { experimental?: unknown }): void {
    capabilities.experimental = { ...(capabilities.experimental as object | undefined), ...experimental };
  }

  initialize(): void {}

  getState(): FeatureState {
    return { kind: "static" };
  }

  clear(): void {}
}
