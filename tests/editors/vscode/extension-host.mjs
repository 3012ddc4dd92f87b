// Runs a file of suite/ inside the extension host of a real VS Code, with the packaged extension installed. Exit 0: all passed.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBrowser, run, startServer, work } from "./workbench.mjs";

const suite = join(dirname(fileURLToPath(import.meta.url)), "suite");
const server = await startServer();
const { context, page } = await openBrowser();
let exit = 1;
try {
  let ended;
  const end = new Promise((resolve) => (ended = resolve));
  // The workbench calls these when the extension host ends, and with what the tests print.
  await page.exposeFunction("codeAutomationExit", (code) => ended(code));
  await page.exposeFunction("codeAutomationLog", (_, texts) => texts.filter((text) => /^(ok|FAIL) |\d+ passed/m.test(String(text))).forEach((text) => console.log(text)));
  // A released workbench takes extensionTestsPath only with this option, which no flag of code-server sets.
  await page.addInitScript(() => {
    const original = Element.prototype.getAttribute;
    Element.prototype.getAttribute = function (name) {
      const value = original.call(this, name);
      if (this.id !== "vscode-workbench-web-configuration" || name !== "data-settings") {
        return value;
      }
      const settings = JSON.parse(value);
      settings.developmentOptions = { ...settings.developmentOptions, enableSmokeTestDriver: true };
      return JSON.stringify(settings);
    };
  });
  const remote = `vscode-remote://${new URL(server.url).host}`;
  const payload = JSON.stringify([
    ["extensionDevelopmentPath", remote + suite],
    ["extensionTestsPath", `${remote}${suite}/${process.argv[2]}`],
  ]);
  await page.goto(`${server.url}/?folder=${work}&payload=${encodeURIComponent(payload)}`);
  const code = await Promise.race([end, new Promise((resolve) => setTimeout(resolve, 120_000, "no end after 120 s"))]);
  if (code === 0) {
    exit = 0;
  } else {
    await page.screenshot({ path: join(run, "failed.png") });
    console.log(`extension host: ${code}`);
  }
} finally {
  await context.close();
  server.stop();
}
process.exit(exit);
