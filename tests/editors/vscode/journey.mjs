// What a user does with mouse and keyboard in the workbench: ask from the palette, look at the hunks, accept one by its lens.
//
// With CLAW_TEST_PICTURE it also writes what is on the screen when the hunks are shown.
import { journey, work } from "./workbench.mjs";

await journey(async ({ page, url, step, pick, line, lens, tab }) => {
  await step("the workbench loads", async () => {
    await page.goto(`${url}/?folder=${work}`);
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
  await step("typing at the hunk makes a conflict, with lenses of its own", async () => {
    await line("def make_default_short_help").click();
    await page.keyboard.press("Home");
    await page.keyboard.type("async ");
    await lens("Take Both").waitFor();
    await page.locator(".statusbar-item").filter({ hasText: "Claw: 6 to review, 1 in conflict" }).waitFor();
    if (picture) {
      await page.screenshot({ path: picture.replace(/\.png$/, "-conflict.png") });
    }
  });
  await step("without the typing it is none", async () => {
    // One for the word, one for the space: VS Code decides.
    await page.keyboard.press("Control+Z");
    await page.keyboard.press("Control+Z");
    await lens("Accept").waitFor();
  });
  await step("accept by its lens", async () => {
    await lens("Accept").click();
    await line("def summarize_help").waitFor();
    await page.locator(".statusbar-item").filter({ hasText: "Claw: 5 to review" }).waitFor();
  });
  await step("a line tells which ask put it there", async () => {
    await pick(">Claw: Who Asked for This Line?");
    await page.locator(".notification-toast").filter({ hasText: "this line came of “call it summarize_help, everywhere”" }).waitFor();
    if (picture) {
      await page.screenshot({ path: picture.replace(/\.png$/, "-blame.png") });
    }
  });
  await step("what would be sent is shown, the map, and what was done", async () => {
    await pick(">Claw: Show Context");
    const box = page.locator(".quick-input-widget").filter({ hasText: "What would you ask?" }).locator("input.input");
    await box.waitFor();
    await box.fill("call it summarize_help");
    await page.keyboard.press("Enter");
    await tab("Claw context.md").waitFor();
    await line("What an ask would send").waitFor();
    await line("| ✓ | symbol |").waitFor();
    if (picture) {
      await page.screenshot({ path: picture.replace(/\.png$/, "-context.png") });
    }
    await pick(">Claw: Show Map");
    // By its tab: what stands in it may stand in what was shown before, and one that opens later takes the next box away.
    await tab("Claw map").waitFor();
    await line("src/click/utils.py").waitFor();
    await pick(">Claw: Show Trace");
    await tab("Claw trace").waitFor();
    await line("turn_start").waitFor();
    await pick(">Claw: Open Conversation");
    await tab("conversation.md").waitFor();
    await line("> call it summarize_help, everywhere").waitFor();
    if (picture) {
      await page.screenshot({ path: picture.replace(/\.png$/, "-conversation.png") });
    }
  });
});
