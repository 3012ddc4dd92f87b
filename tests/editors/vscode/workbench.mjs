// A real VS Code for a test: code-server with the packaged extension, and a browser that shows it. Everything is fresh.
//
// From the environment: CLAW_TEST_TOOLS (what tests/setup/all fetched), CLAW_TEST_RUN (a folder of the test's own),
// CLAW_TEST_WORK (the workspace), CLAW_TEST_PROGRAM (claw), CLAW_TEST_VSIX, CLAW_TEST_TURNS (the script of model turns).
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

function variable(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

export const work = variable("CLAW_TEST_WORK");
export const run = variable("CLAW_TEST_RUN");
const tools = variable("CLAW_TEST_TOOLS");
const { chromium } = createRequire(join(tools, "vscode/"))("playwright-core");

// Settings of the user, and of the machine: the machine-scoped ones only count there, for the extension host is a remote one.
const userSettings = {
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "files.autoSave": "off",
  "editor.minimap.enabled": false,
  "editor.accessibilitySupport": "off",
};
const machineSettings = {
  // The extension host's PATH is a login shell's, not the test's.
  "claw.path": variable("CLAW_TEST_PROGRAM"),
  "claw.provider": "script",
  "claw.settings": { script: variable("CLAW_TEST_TURNS") },
};

/** Starts the editor's server; `stop` ends it. */
export async function startServer() {
  const data = join(run, "data");
  const extensions = join(run, "extensions");
  mkdirSync(join(data, "User"), { recursive: true });
  mkdirSync(join(data, "Machine"), { recursive: true });
  writeFileSync(join(data, "User/settings.json"), JSON.stringify(userSettings));
  writeFileSync(join(data, "Machine/settings.json"), JSON.stringify(machineSettings));
  const program = join(tools, "vscode/code-server");
  const folders = ["--user-data-dir", data, "--extensions-dir", extensions];
  const installed = spawnSync(program, [...folders, "--install-extension", variable("CLAW_TEST_VSIX")], { encoding: "utf8" });
  if (installed.status !== 0) {
    throw new Error(`the .vsix does not install: ${installed.stdout}${installed.stderr}`);
  }
  const options = ["--bind-addr", "127.0.0.1:0", "--auth", "none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust", "--disable-getting-started-override"];
  const server = spawn(program, [...options, ...folders], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let log = "";
  const url = await new Promise((resolve, reject) => {
    const listen = (chunk) => {
      log += chunk;
      const found = /HTTP server listening on (http:\S+?)\/?\s/.exec(log);
      if (found) {
        resolve(found[1]);
      }
    };
    server.stdout.on("data", listen);
    server.stderr.on("data", listen);
    server.on("exit", (code) => reject(new Error(`code-server ended with ${code}\n${log}`)));
  });
  return {
    url,
    // Its own process group: the extension host and Claw's server end with it.
    stop: () => {
      server.removeAllListeners("exit");
      try {
        process.kill(-server.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    },
  };
}

/** A browser window with nothing in it. */
export async function openBrowser(viewport = { width: 1280, height: 800 }) {
  const context = await chromium.launchPersistentContext(join(run, "browser"), {
    executablePath: "/usr/bin/chromium",
    headless: true,
    viewport,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return { context, page: context.pages()[0] ?? (await context.newPage()) };
}

/** Runs the steps of a user in the workbench. Ends the process: 0 if all passed. */
export async function journey(body) {
  const server = await startServer();
  const { context, page } = await openBrowser({ width: 1000, height: 520 });
  page.setDefaultTimeout(30_000);
  let passed = 0;
  let failed = 0;
  const step = async (name, action) => {
    try {
      await action();
      passed += 1;
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${error}`);
      await page.screenshot({ path: join(run, "failed.png") });
      throw error;
    }
  };
  /** The palette (text begins with `>`) or the file picker. */
  const pick = async (text) => {
    const input = page.locator(".quick-input-widget input.input");
    await page.keyboard.press(text.startsWith(">") ? "F1" : "Control+P");
    await input.waitFor({ state: "visible" });
    await input.fill(text);
    await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text.replace(/^>/, "") }).first().waitFor();
    await page.keyboard.press("Enter");
  };
  const line = (text) => page.locator(".editor-instance .view-line").filter({ hasText: text }).first();
  // Those of lines that are not on the screen stand in the page too, and nobody sees them.
  const lens = (text) => page.locator(".codelens-decoration a, .codelens-decoration span").filter({ hasText: text, visible: true }).first();
  /** The editor that is shown, by its name. */
  const tab = (name) => page.locator(".tabs-container .tab.active").filter({ hasText: name });
  try {
    await body({ page, url: server.url, step, pick, line, lens, tab });
  } catch (error) {
    if (failed === 0) {
      failed = 1;
      console.log(`FAIL ${error.stack}`);
    }
  } finally {
    await context.close();
    server.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}
