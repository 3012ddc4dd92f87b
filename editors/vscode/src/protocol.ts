/** What Claw's server says beyond the protocol: only to a client that declares `experimental.claw`. */

import type { Diagnostic } from "vscode-languageclient/node";

/** `claw/proposal`: everything a session proposes, after each change. */
export interface ProposalParams {
  session: string;
  files: ProposedFile[];
}

export interface ProposedFile {
  uri: string;
  change: "edit" | "create" | "delete" | "rename";
  /** Of a renamed file: where it is now. */
  old_uri?: string;
  hunks: ProposedHunk[];
}

export interface ProposedHunk {
  hunk: string;
  state: "pending" | "accepted" | "rejected" | "conflict" | "unverified";
  /** First line of the old text, 1-based. */
  start_line: number;
  old_text: string;
  new_text: string;
  /** Of a conflict: what the user made of the old text. */
  mine?: string;
  symbol?: string;
  summary?: string;
  /** What to look at before accepting it: `hidden_characters`, `syntax`, `protected`. */
  flags?: string[];
  /** Hunks without which this one makes no sense. */
  needs?: string[];
}

/** `claw/input`, answered with the text or null. */
export interface InputParams {
  prompt: string;
  default?: string;
}

/** `claw/diagnostics`: of these documents, or of all. */
export interface DiagnosticsParams {
  uris?: string[];
}

export interface DiagnosticsResult {
  items: { uri: string; diagnostics: Diagnostic[] }[];
}

/** `claw/event`: one line of the session's trace. */
export interface ClawEvent {
  session: string;
  turn: string;
  seq: number;
  time: string;
  type: string;
  [field: string]: unknown;
}

/** What a command of the server answers. */
export interface CommandResult {
  ok: boolean;
  message?: string;
  session?: string;
  turn?: string;
  /** What a query tells, to be read. */
  text?: string;
  /** Files of which something was left out: the server has said so by itself. */
  skipped?: string[];
}

/** The client capability that makes the server send all this. */
export const experimental = { claw: { events: true, review: 1, input: true, diagnostics: true } };
