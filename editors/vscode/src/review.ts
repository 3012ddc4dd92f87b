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
  /** What stands there now: the old lines, or of a conflict what the user made of them. */
  liveLines: string[];
  newText: string;
  /** What to look at before accepting it, in words. */
  warnings: string[];
  /** Ids of hunks without which it makes no sense. */
  needs: string[];
  title: string;
}

/** A hunk that was accepted, and can be taken back. */
export interface Accepted {
  session: string;
  id: string;
  uri: Uri;
  title: string;
}

export class Review {
  private readonly sessions = new Map<string, ProposedFile[]>();
  private readonly changed = new EventEmitter<void>();
  private hunks: readonly Hunk[] = [];
  private taken: readonly Accepted[] = [];

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

  /** What was accepted, as far as the server still tells of it. */
  accepted(): readonly Accepted[] {
    return this.taken;
  }

  /** What waits and is needed by a hunk, directly or not. */
  neededBy(hunk: Hunk): Hunk[] {
    const found = new Set<Hunk>([hunk]);
    for (const { session, needs } of found) {
      this.hunks.filter((other) => other.session === session && needs.includes(other.id)).forEach((other) => found.add(other));
    }
    found.delete(hunk);
    return [...found];
  }

  find(session: string, id: string): Hunk | undefined {
    return this.hunks.find((hunk) => hunk.session === session && hunk.id === id);
  }

  private update(): void {
    const waiting: Hunk[] = [];
    const taken: Accepted[] = [];
    for (const [session, files] of this.sessions) {
      for (const file of files) {
        for (const hunk of file.hunks) {
          if (hunk.state === "pending" || hunk.state === "conflict") {
            waiting.push(place(session, file, hunk, waiting.length + 1));
          } else if (hunk.state === "accepted") {
            taken.push({ session, id: hunk.hunk, uri: Uri.parse(file.uri, true), title: titleOf(file, hunk) });
          }
        }
      }
    }
    this.hunks = waiting;
    this.taken = taken;
    this.changed.fire();
  }
}

/** The lines that a hunk would replace: empty, before its first line, for one that only adds. */
export function rangeOf(hunk: Hunk, document: TextDocument): Range {
  const start = Math.min(hunk.line, document.lineCount);
  const end = hunk.change === "rename" ? start : Math.min(start + hunk.liveLines.length, document.lineCount);
  return document.validateRange(new Range(start, 0, end, 0));
}

/** The hunks that touch some lines (0-based, both included); one that only adds touches the lines on either side. */
export function touching(hunks: Hunk[], first: number, last: number): Hunk[] {
  return hunks.filter((hunk) => {
    const adds = hunk.liveLines.length === 0;
    const from = adds ? hunk.line - 1 : hunk.line;
    const to = adds ? hunk.line : hunk.line + hunk.liveLines.length - 1;
    return from <= last && first <= to;
  });
}

/** Text with all hunks of one file applied: what the file would be, with Claw's text where there are conflicts. */
export function applied(text: string, hunks: Hunk[]): string {
  const lines = text.split("\n");
  for (const hunk of hunks.filter(({ change }) => change !== "rename").toSorted((a, b) => b.line - a.line)) {
    const newLines = hunk.newText.split("\n");
    if (newLines.at(-1) === "") {
      newLines.pop();
    }
    lines.splice(hunk.line, hunk.liveLines.length, ...newLines);
  }
  return lines.join("\n");
}

/** First line of a hunk's new text in what the file would be, 0-based. */
export function appliedLine(hunk: Hunk, hunks: Hunk[]): number {
  const above = hunks.filter(({ change, line }) => change !== "rename" && line < hunk.line);
  return above.reduce((line, { newLines, liveLines }) => line + newLines.length - liveLines.length, hunk.line);
}

/**
 * The lines of a hunk's new text that come in place of lines of the document; of its old text where it only deletes. Old and
 * new lines belong together in their order; what one side has more goes with the last of the other.
 * @returns 1-based, both included
 */
export function paired(hunk: Hunk, first: number, last: number): [number, number] {
  const count = hunk.newLines.length || hunk.oldLines.length;
  const from = Math.max(first - hunk.line + 1, 1);
  const to = last - hunk.line + 1;
  return [Math.min(from, count), to >= hunk.liveLines.length ? count : Math.min(to, count)];
}

const warnings: Record<string, string> = {
  hidden_characters: "hides characters",
  syntax: "adds a syntax error",
  protected: "protected path",
};

/** Text in which characters that can not be seen, or that show it in another order, are spelt out. */
export function visible(text: string): string {
  const hidden = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;
  return text.replace(hidden, (character) => `<U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}>`);
}

function titleOf(file: ProposedFile, hunk: ProposedHunk): string {
  const titles = {
    create: "new file",
    delete: "delete this file",
    rename: `move to ${file.uri.split("/").at(-1) ?? ""}`,
    edit: hunk.summary ?? hunk.symbol ?? "change",
  };
  return visible(titles[file.change]);
}

function place(session: string, file: ProposedFile, hunk: ProposedHunk, number: number): Hunk {
  const target = Uri.parse(file.uri, true);
  const conflict = hunk.state === "conflict";
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
    liveLines: linesOf(hunk.mine ?? hunk.old_text),
    newText: hunk.new_text,
    warnings: (hunk.flags ?? []).map((flag) => warnings[flag] ?? flag),
    needs: hunk.needs ?? [],
    title: conflict ? "conflict: you changed these lines" : titleOf(file, hunk),
  };
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.at(-1) === "") {
    lines.pop();
  }
  return lines;
}
