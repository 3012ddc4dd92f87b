// A turn that takes long: its hunks are decided while it runs, and a button stops it.
import { journey, work } from "./workbench.mjs";

await journey(async ({ page, url, step, pick, line, lens }) => {
  const toast = page.locator(".notification-toast").filter({ hasText: "Claw: take your time" });
  await step("a file opens", async () => {
    await page.goto(`${url}/?folder=${work}`);
    await page.locator(".explorer-folders-view .monaco-list-row").filter({ hasText: "src" }).waitFor();
    await pick("utils.py");
    await line("import os").waitFor();
  });
  await step("the turn is shown", async () => {
    await pick(">Claw: Ask");
    const box = page.locator(".quick-input-widget").filter({ hasText: "What should change?" }).locator("input.input");
    await box.waitFor();
    await box.fill("take your time");
    await page.keyboard.press("Enter");
    await toast.waitFor();
  });
  const counted = (text) => page.locator(".statusbar-item").filter({ hasText: text });
  await step("its hunks come while it runs, and one is accepted", async () => {
    await counted("Claw: 2 to review").waitFor();
    await pick(">Claw: Next Hunk");
    await lens("Accept").click();
    await line('"""Turns a value into text."""').waitFor();
    await counted("Claw: 1 to review").waitFor();
    await toast.waitFor();
  });
  await step("its button stops it", async () => {
    await toast.locator(".monaco-button").filter({ hasText: "Cancel" }).click();
    await toast.waitFor({ state: "hidden" });
    await counted("Claw: 1 to review").waitFor();
  });
});
