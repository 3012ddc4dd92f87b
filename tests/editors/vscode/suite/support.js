// What the suites share.

/** Waits until a condition holds, and tells its value. */
exports.until = async (what, condition, seen) => {
  const start = Date.now();
  for (;;) {
    const value = await condition();
    if (value) {
      return value;
    }
    if (Date.now() - start > 30_000) {
      throw new Error(`never: ${what}${seen ? `; seen: ${JSON.stringify(seen())}` : ""}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Runs tests one after the other: what follows stands on what went before. */
exports.tests = () => {
  const lines = [];
  let passed = 0;
  const test = async (name, body) => {
    try {
      await body();
      passed += 1;
      lines.push(`ok   ${name}`);
    } catch (error) {
      lines.push(`FAIL ${name}: ${error.stack}`);
      console.log(lines.join("\n"));
      throw new Error(`${name}: ${error.message}`);
    }
  };
  const end = () => {
    lines.push(`${passed} passed, 0 failed`);
    console.log(lines.join("\n"));
  };
  return { test, end };
};
