// A command is asked before it runs, and so is what the model wants to know.
import { journey, work } from "./workbench.mjs";

await journey(async ({ page, url, step, pick, line }) => {
  const toast = (text) => page.locator(".notification-toast").filter({ hasText: text });
  const button = (text, title) => toast(text).locator(".monaco-button").filter({ hasText: title });
  await step("a file opens", async () => {
    await page.goto(`${url}/?folder=${work}`);
    await page.locator(".explorer-folders-view .monaco-list-row").filter({ hasText: "src" }).waitFor();
    await pick("utils.py");
    await line("import os").waitFor();
  });
  await step("ask", async () => {
    await pick(">Claw: Ask");
    const box = page.locator(".quick-input-widget").filter({ hasText: "What should change?" }).locator("input.input");
    await box.waitFor();
    await box.fill("list the modules");
    await page.keyboard.press("Enter");
  });
  await step("the command is shown with its answers", async () => {
    await toast("ls src/click | tee modules.txt").waitFor();
    for (const title of ["Allow once", "Allow for this session", "Deny"]) {
      await button("ls src/click | tee modules.txt", title).first().waitFor();
    }
  });
  await step("allowed once, it runs", async () => {
    await button("ls src/click | tee modules.txt", "Allow once").click();
    await toast("Keep the list?").waitFor();
  });
  await step("the model's question is answered by a button", async () => {
    await button("Keep the list?", "Keep it").click();
    await toast("Keep the list?").waitFor({ state: "hidden" });
  });
  await step("what the command made waits for review", async () => {
    await page.locator(".statusbar-item").filter({ hasText: "Claw: 1 to review" }).waitFor();
    await toast("The list is proposed.").waitFor();
  });
});
