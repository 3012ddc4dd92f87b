/** Where the `claw` program is. */

import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

export class ProgramMissing extends Error {}

/**
 * The file to run: the setting if it is set, else the first in PATH.
 * @throws ProgramMissing, with a message for the user
 */
export function findProgram(setting: string | undefined): string {
  if (setting) {
    const path = setting.replace(/^~(?=[/\\])/, homedir());
    if (!isProgram(path)) {
      throw new ProgramMissing(`The setting claw.path names ${path}, which is not a program.`);
    }
    return path;
  }
  const names = process.platform === "win32" ? ["claw.exe", "claw.cmd"] : ["claw"];
  for (const folder of (process.env["PATH"] ?? "").split(delimiter).filter(Boolean)) {
    const found = names.map((name) => join(folder, name)).find(isProgram);
    if (found) {
      return found;
    }
  }
  throw new ProgramMissing("There is no claw in PATH. Install it, or name it in the setting claw.path.");
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
