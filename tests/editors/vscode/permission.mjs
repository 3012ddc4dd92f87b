// A command is asked before it runs, and so is what the model wants to know.
import { journey, work } from "./workbench.mjs";

await journey(async ({ page, url, step, pick, line }) => {
  const command = "): ls src/click | tee modules.txt"; // and not the progress, which names it too
  const question = "Claw asks, for";
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
    await toast(command).waitFor();
    // The settings of the extension are ones that the server knows.
    if ((await toast("unknown key").count()) > 0) {
      throw new Error("the server does not know a setting");
    }
    for (const title of ["Allow once", "Allow for this session", "Deny"]) {
      await button(command, title).first().waitFor();
    }
  });
  await step("allowed once, it runs", async () => {
    await button(command, "Allow once").click();
    await toast(question).waitFor();
  });
  await step("the model's question is answered by a button", async () => {
    await toast(question).filter({ hasText: "Keep the list?" }).waitFor();
    await button(question, "Keep it").click();
    await toast(question).waitFor({ state: "hidden" });
  });
  await step("what the command made waits for review", async () => {
    await page.locator(".statusbar-item").filter({ hasText: "Claw: 1 to review" }).waitFor();
    await toast("Claw: list the modules").waitFor({ state: "hidden" });
  });
});
