/**
 * What waits for review. The server owns the proposal and sends all of it after each change; here it is only kept, in the
 * order of review, and given a place in documents.
 */

import { EventEmitter, Range, Uri, type TextDocument } from "vscode";
import type { ProposalParams, ProposedFile, ProposedHunk } from "./protocol";

/** A hunk that waits: `pending` or `conflict`. */
export interface Hunk {
  session: string;
  id: string;
  /** 1, 2, … among all that wait. */
  number: number;
  conflict: boolean;
  change: ProposedFile["change"];
  /** The file as it is now; of a created one, where it will be. */
  uri: Uri;
  /** Where it will be. */
  target: Uri;
  /** 0-based. */
  line: number;
  oldLines: string[];
  newLines: string[];
  newText: string;
  title: string;
}

export class Review {
  private readonly sessions = new Map<string, ProposedFile[]>();
  private readonly changed = new EventEmitter<void>();
  private hunks: readonly Hunk[] = [];

  /** What waits has changed. */
  readonly onDidChange = this.changed.event;

  set(proposal: ProposalParams): void {
    this.sessions.set(proposal.session, proposal.files);
    this.update();
  }

  /** The server has gone, and its proposals with it. */
  clear(): void {
    this.sessions.clear();
    this.update();
  }

  /** Everything that waits, in the order of review. */
  pending(): readonly Hunk[] {
    return this.hunks;
  }

  /** What waits in a document. */
  in(uri: Uri): Hunk[] {
    const key = uri.toString();
    return this.hunks.filter((hunk) => hunk.uri.toString() === key && hunk.change !== "create");
  }

  find(session: string, id: string): Hunk | undefined {
    return this.hunks.find((hunk) => hunk.session === session && hunk.id === id);
  }

  private update(): void {
    const waiting: Hunk[] = [];
    for (const [session, files] of this.sessions) {
      for (const file of files) {
        for (const hunk of file.hunks) {
          if (hunk.state === "pending" || hunk.state === "conflict") {
            waiting.push(place(session, file, hunk, waiting.length + 1));
          }
        }
      }
    }
    this.hunks = waiting;
    this.changed.fire();
  }
}

/** The lines that a hunk would replace: empty, before its first line, for one that only adds. */
export function rangeOf(hunk: Hunk, document: TextDocument): Range {
  const start = Math.min(hunk.line, document.lineCount);
  const end = hunk.change === "rename" ? start : Math.min(start + hunk.oldLines.length, document.lineCount);
  return document.validateRange(new Range(start, 0, end, 0));
}

/** The hunks that touch some lines (0-based, both included); one that only adds touches the lines on either side. */
export function touching(hunks: Hunk[], first: number, last: number): Hunk[] {
  return hunks.filter((hunk) => {
    const adds = hunk.oldLines.length === 0;
    const from = adds ? hunk.line - 1 : hunk.line;
    const to = adds ? hunk.line : hunk.line + hunk.oldLines.length - 1;
    return from <= last && first <= to;
  });
}

/** Text with all hunks of one file applied: what the file would be. */
export function applied(text: string, hunks: Hunk[]): string {
  const lines = text.split("\n");
  for (const hunk of hunks.filter(({ change }) => change !== "rename").toSorted((a, b) => b.line - a.line)) {
    const newLines = hunk.newText.split("\n");
    if (newLines.at(-1) === "") {
      newLines.pop();
    }
    lines.splice(hunk.line, hunk.oldLines.length, ...newLines);
  }
  return lines.join("\n");
}

function place(session: string, file: ProposedFile, hunk: ProposedHunk, number: number): Hunk {
  const target = Uri.parse(file.uri, true);
  const conflict = hunk.state === "conflict";
  const titles = {
    create: "new file",
    delete: "delete this file",
    rename: `move to ${file.uri.split("/").at(-1) ?? ""}`,
    edit: hunk.summary ?? hunk.symbol ?? "change",
  };
  return {
    session,
    id: hunk.hunk,
    number,
    conflict,
    change: file.change,
    uri: file.change === "rename" && file.old_uri ? Uri.parse(file.old_uri, true) : target,
    target,
    line: Math.max(hunk.start_line - 1, 0),
    oldLines: linesOf(hunk.old_text),
    newLines: linesOf(hunk.new_text),
    newText: hunk.new_text,
    title: warning(hunk) + titles[file.change] + (conflict ? " (conflict: these lines were changed since)" : ""),
  };
}

/** What to look at before the hunk is accepted, to stand in front of what it does. */
function warning(hunk: ProposedHunk): string {
  const words: Record<string, string> = {
    hidden_characters: "hides characters",
    syntax: "adds a syntax error",
    protected: "protected path",
  };
  const flags = hunk.flags ?? [];
  return flags.length > 0 ? `${flags.map((flag) => words[flag] ?? flag).join(", ")}: ` : "";
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === "") {
    lines.pop();
  }
  return lines;
}
