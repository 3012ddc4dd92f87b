// The preview of what is accepted at once, ticked; what has something to look at waits for a yes of its own. Then a pick takes a hunk back.
//
// With CLAW_TEST_PICTURE it also writes what is on the screen when the preview is shown.
import { journey, work } from "./workbench.mjs";

await journey(async ({ page, url, step, pick, line, lens }) => {
  const counted = (text) => page.locator(".statusbar-item").filter({ hasText: text });
  await step("a file opens", async () => {
    await page.goto(`${url}/?folder=${work}`);
    await page.locator(".explorer-folders-view .monaco-list-row").filter({ hasText: "src" }).waitFor();
    await pick("utils.py");
    await line("import os").waitFor();
  });
  await step("ask: three hunks", async () => {
    await pick(">Claw: Ask");
    const box = page.locator(".quick-input-widget").filter({ hasText: "What should change?" }).locator("input.input");
    await box.waitFor();
    await box.fill("shorter words");
    await page.keyboard.press("Enter");
    await counted("Claw: 3 to review").waitFor();
  });
  await step("a hunk that hides a character says so above its lines", async () => {
    await pick(">Claw: Next Hunk");
    await lens("Accept").waitFor();
    await pick(">Claw: Next Hunk");
    await lens("hides").waitFor();
  });
  const rows = page.locator(".bulk-edit-panel .monaco-list-row");
  const ticked = (text) =>
    rows
      .filter({ hasText: text })
      .locator(".edit-checkbox")
      .first()
      .evaluate((box) => box.checked ?? box.getAttribute("aria-checked") === "true");
  await step("the preview opens", async () => {
    await page.keyboard.press("Control+B"); // room for it
    await pick(">Claw: Accept All with Preview");
    await rows.first().waitFor();
    await rows.filter({ hasText: "utils.py" }).first().waitFor();
    if (process.env.CLAW_TEST_PICTURE) {
      await page.screenshot({ path: process.env.CLAW_TEST_PICTURE });
    }
  });
  await step("what needs no look of its own is ticked, and what does is not offered here", async () => {
    const texts = (await rows.allInnerTexts()).join("\n");
    const offered = ["Turns a value into text", "Make room", "AGENTS.md"].map((text) => texts.includes(text));
    if (String(offered) !== "true,false,false" || !(await ticked("Turns a value into text"))) {
      throw new Error(`offered: ${offered} in ${texts}`);
    }
  });
  await step("apply takes it, and nothing else", async () => {
    await page.locator(".bulk-edit-panel .monaco-button").filter({ hasText: "Apply" }).click();
    await counted("Claw: 2 to review").waitFor();
    await page.keyboard.press("Control+G");
    await page.locator(".quick-input-widget input.input").fill(":47");
    await page.keyboard.press("Enter");
    await line('"""Turns a value into text."""').waitFor();
  });
  await step("a pick takes it back", async () => {
    await pick(">Claw: Undo Accepted Hunk");
    const item = page.locator(".quick-input-list .monaco-list-row").filter({ hasText: "utils.py" }).first();
    await item.waitFor();
    await item.click();
    await line('"""Converts a value into a valid string."""').waitFor();
  });
});
