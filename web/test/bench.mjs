// How fast the diagram editor is, in a real browser on made-up drawings of growing
// size. Needs a server with the page: BENCH_URL, BENCH_EMAIL and BENCH_PASSWORD.
// Prints the median of RUNS (5) runs of each; measure on a machine that does nothing else.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const env = (name, otherwise) => process.env[name] || otherwise || assert.fail(`${name} is not set`);
const url = env("BENCH_URL");
const runs = Number(env("RUNS", "5"));
const sizes = env("SIZES", "100,300,900,1000,1800,3000").split(",").map(Number);

const browser = await chromium.launch({
  executablePath: env("CHROMIUM", "/usr/bin/chromium"),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
page.on("pageerror", (e) => console.error(`exception: ${e}`));
page.setDefaultTimeout(60_000);
await page.goto(url);
await page.getByLabel("E-mail").fill(env("BENCH_EMAIL"));
await page.getByLabel("Password").fill(env("BENCH_PASSWORD"));
await page.getByRole("button", { name: "Sign in" }).click();
await page.getByRole("navigation", { name: "Places" }).first().waitFor();

const sorted = (list) => [...list].sort((a, b) => a - b);
const at = (list, part) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))] ?? 0;
const median = (list) => at(list, 0.5);

/** measured opens a drawing of n components and drives it once. */
async function measured(n) {
  await page.goto(`${url}/bench/editor?n=${n}`);
  await page.waitForFunction(() => window.editorBench);
  const open = await page.evaluate(() => window.editorBench.open);
  await page.waitForTimeout(300);
  const mounted = await page.evaluate(() => window.editorBench.mounted());
  const drag = await page.evaluate(() => window.editorBench.drag(2000));
  const pan = await page.evaluate(() => window.editorBench.pan(2000));
  await page.evaluate(() => window.editorBench.fit());
  const whole = await page.evaluate(() => window.editorBench.mounted());
  const far = await page.evaluate(() => window.editorBench.pan(1500));
  const moved = await page.evaluate(() => window.editorBench.drag(1500));
  const inked = await page.evaluate(() => window.editorBench.inked());
  assert.ok(whole.far ? inked > 0.01 : whole.nodes >= n, `all ${n} components are seen: ${whole.nodes} mounted, ${inked} of the picture has ink`);
  return {
    open,
    nodes: mounted.nodes,
    flows: mounted.flows,
    drag50: at(drag, 0.5),
    drag95: at(drag, 0.95),
    pan95: at(pan, 0.95),
    wholeNodes: whole.nodes,
    far95: at(far, 0.95),
    moved95: at(moved, 0.95),
  };
}

await measured(50); // Everything is read and compiled once.
const heads = ["components", "open ms", "nodes", "flows", "drag p50", "drag p95", "pan p95", "all: nodes", "all: pan p95", "all: drag p95"];
console.log(heads.map((h) => h.padStart(13)).join(""));
for (const n of sizes) {
  const all = [];
  for (let i = 0; i < runs; i++) all.push(await measured(n));
  const row = [
    n,
    ...["open", "nodes", "flows", "drag50", "drag95", "pan95", "wholeNodes", "far95", "moved95"].map(
      (k) => Math.round(median(all.map((m) => m[k])) * 10) / 10,
    ),
  ];
  console.log(row.map((v) => String(v).padStart(13)).join(""));
}
await browser.close();
