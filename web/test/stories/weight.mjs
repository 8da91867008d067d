// server: demo
// The first load, from the door to the portfolio, stays small; the editor comes
// only when it is opened, and its layout engine only when it is used. However large a
// drawing is, no more of it is mounted than what is seen and a little around.
import { assert, eventually, open, signIn } from "../rig.mjs";

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
  for (const n of [1000, 3000]) await mounted(page, n);
  await readable(page);
  await done();
}

/** mounted opens a drawing of n components, looks at a part of it and at all of it, and counts what is on the page. */
async function mounted(page, n) {
  await page.goto(new URL(`/bench/editor?n=${n}`, page.url()).href);
  await page.waitForFunction(() => globalThis.editorBench);
  const first = await page.evaluate(() => globalThis.editorBench.open.then(() => globalThis.editorBench.mounted()));
  const count = () => page.evaluate(() => globalThis.editorBench.mounted());
  const total = (m) => m.nodes + m.flows;
  // What lies around the view comes a few a frame when the view itself is painted.
  const most = total(first) + 40;
  await eventually("what lies around the view comes after it", count, (now) => total(now) > most);
  const part = await count();
  assert.ok(!part.far && part.nodes >= 40 && part.nodes <= 400, `of ${n} components ${part.nodes} boxes are mounted`);
  assert.ok(part.flows >= 40 && part.flows <= 700, `of ${n} components ${part.flows} lines are mounted`);
  await page.evaluate(() => globalThis.editorBench.pan(300));
  await eventually("what was passed by is taken away", count, (now) => now.nodes >= 20 && now.nodes <= 400 && now.flows <= 700);
  await page.evaluate(() => globalThis.editorBench.fit());
  const picture = async () => ({ ...(await count()), inked: await page.evaluate(() => globalThis.editorBench.inked()) });
  await eventually("all of it is a picture", picture, (now) => now.far && now.nodes === 0 && now.flows === 0 && now.inked > 0.01);
}

/** readable puts a box over the name of a flow and a flow over the title of a zone, and sees that both can be read. */
async function readable(page) {
  await page.goto(new URL("/bench/editor?n=16", page.url()).href);
  await page.waitForFunction(() => globalThis.editorBench);
  await page.evaluate(() => globalThis.editorBench.open.then(() => globalThis.editorBench.fit()));
  const name = page.locator("#el-f11 > text").first();
  await name.waitFor();
  const middle = async (at) => {
    const b = await at.boundingBox();
    return { x: b.x + b.width / 2, y: b.y + b.height / 2 };
  };
  const drop = async (id, to) => {
    const from = await middle(page.locator(`#el-${id}`));
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y, { steps: 4 });
    await page.mouse.up();
  };
  const was = await middle(name);
  await drop("c5", was);
  await eventually(
    "the name of a flow moves along its line from under a box",
    async () => ({ name: await name.boundingBox(), box: await page.locator("#el-c5").boundingBox() }),
    ({ name: n, box: b }) =>
      Math.abs(b.x + b.width / 2 - was.x) < 20 && (n.x + n.width <= b.x || b.x + b.width <= n.x || n.y + n.height <= b.y || b.y + b.height <= n.y),
  );
  // From the one end through the middle of the title, and beyond.
  const zone = page.locator("#el-z1_1");
  const [from, title] = [await middle(page.locator("#el-c11")), await middle(zone.locator("bdi"))];
  await drop("c12", { x: title.x + (title.x - from.x) * 0.9, y: title.y + (title.y - from.y) * 0.9 });
  const over = ({ x, y }) => {
    const all = document.elementsFromPoint(x, y);
    return { title: all.findIndex((e) => e.closest("#el-z1_1")), flow: all.findIndex((e) => e.closest("#el-f11")) };
  };
  await eventually(
    "the title of a zone lies above a flow",
    () => page.evaluate(over, title),
    (now) => now.title >= 0 && now.flow > now.title,
  );
}
