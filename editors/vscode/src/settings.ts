/** The user's settings as the server takes them: what is set and nothing else, so that its own configuration holds for the rest. */

import { workspace } from "vscode";

const keys = ["provider", "model", "baseUrl", "apiKeyEnv", "permissionMode"] as const;

/** For `initializationOptions`, and for `workspace/configuration` of the section `claw`. */
export function serverSettings(): Record<string, unknown> {
  const section = workspace.getConfiguration("claw");
  const settings: Record<string, unknown> = { ...section.get<Record<string, unknown>>("settings") };
  for (const key of keys) {
    const value = section.get<string>(key);
    if (value) {
      settings[key] = value;
    }
  }
  return settings;
}

/** The program of the setting; undefined: the one in PATH. */
export function programSetting(): string | undefined {
  return workspace.getConfiguration("claw").get<string>("path") || undefined;
}
