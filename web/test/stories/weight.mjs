// server: demo
// The first load, from the door to the portfolio, stays small; the editor comes
// only when it is opened, and its layout engine only when it is used.
import { assert, open, signIn } from "../rig.mjs";

const limit = 220_000;

export default async function () {
  const { page, done } = await open();
  await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
  await signIn(page);
  await page.getByRole("heading", { name: "Portfolio" }).waitFor();
  await page.getByText("Parcel desk").first().waitFor();
  // What the browser itself counted, compressed as it came.
  const all = await page.evaluate(() =>
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .map((e) => [new URL(e.name).pathname, e.encodedBodySize])
      .filter(([path]) => !path.startsWith("/api/")),
  );
  const total = all.reduce((n, [, size]) => n + size, 0);
  const list = all
    .sort((a, b) => b[1] - a[1])
    .map(([name, size]) => `${size} ${name}`)
    .join("\n");
  console.log(`first load: ${total} bytes\n${list}`);
  assert.ok(total > 100_000 && total < limit, `the first load is ${total} bytes, want below ${limit}\n${list}`);
  assert.ok(!all.some(([name]) => /elk|xyflow|canvas-|place-/.test(name)), `the editor is in the first load: ${list}`);
  await done();
}
