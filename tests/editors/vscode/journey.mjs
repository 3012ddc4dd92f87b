// What a user does with mouse and keyboard in the workbench: ask from the palette, look at the hunks, accept one by its lens.
//
// With CLAW_TEST_PICTURE it also writes what is on the screen when the hunks are shown.
import { join } from "node:path";
import { openBrowser, run, startServer, work } from "./workbench.mjs";

const server = await startServer();
const { context, page } = await openBrowser({ width: 1000, height: 520 });
page.setDefaultTimeout(30_000);
let passed = 0;
let failed = 0;
async function step(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}: ${error}`);
    await page.screenshot({ path: join(run, "failed.png") });
    throw error;
  }
}

const line = (text) => page.locator(".editor-instance .view-line").filter({ hasText: text }).first();
const lens = (text) => page.locator(".codelens-decoration a, .codelens-decoration span").filter({ hasText: text }).first();

/** The palette (text begins with `>`) or the file picker. */
async function pick(text) {
  const input = page.locator(".quick-input-widget input.input");
  await page.keyboard.press(text.startsWith(">") ? "F1" : "Control+P");
  await input.waitFor({ state: "visible" });
  await input.fill(text);
  await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text.replace(/^>/, "") }).first().waitFor();
  await page.keyboard.press("Enter");
}

try {
  await step("the workbench loads", async () => {
    await page.goto(`${server.url}/?folder=${work}`);
    await page.locator(".explorer-folders-view .monaco-list-row").filter({ hasText: "src" }).waitFor();
  });
  await step("a file opens", async () => {
    await pick("utils.py");
    await line("import os").waitFor();
    await page.keyboard.press("Control+G");
    await page.locator(".quick-input-widget input.input").fill(":56");
    await page.keyboard.press("Enter");
    await line("def make_default_short_help").click();
  });
  await step("ask in the palette's box", async () => {
    await pick(">Claw: Ask");
    const box = page.locator(".quick-input-widget").filter({ hasText: "What should change?" }).locator("input.input");
    await box.waitFor();
    await box.fill("call it summarize_help, everywhere");
    await page.keyboard.press("Enter");
  });
  await step("the hunk is shown: lenses, the struck line, the new text", async () => {
    await lens("/6: ").waitFor();
    await lens("Accept").waitFor();
    await page.waitForFunction(() =>
      [...document.querySelectorAll(".editor-instance .view-line span")].some((span) => getComputedStyle(span, "::after").content.includes("def summarize_help")),
    );
    await page.locator(".statusbar-item").filter({ hasText: "Claw: 6 to review" }).waitFor();
  });
  const picture = process.env.CLAW_TEST_PICTURE;
  if (picture) {
    await page.keyboard.press("Control+B"); // room for the text
    await page.locator(".explorer-folders-view").waitFor({ state: "hidden" });
    await page.locator(".notification-toast").first().waitFor({ state: "hidden" });
    await page.screenshot({ path: picture });
  }
  await step("accept by its lens", async () => {
    await lens("Accept").click();
    await line("def summarize_help").waitFor();
    await page.locator(".statusbar-item").filter({ hasText: "Claw: 5 to review" }).waitFor();
  });
} catch {
  // Said above.
} finally {
  await context.close();
  server.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
