// server: demo
// The first load, from the door to the portfolio, stays small; the editor comes
// only when it is opened, and its layout engine only when it is used.
import { assert, open, server, signIn } from "../rig.mjs";

const limit = 220_000;

export default async function () {
  const { page, done } = await open({ path: "/favicon-none", allowed: [/./] });
  const sizes = [];
  const names = new Set();
  page.on("requestfinished", (r) => {
    const url = new URL(r.url());
    if (url.pathname.startsWith("/api/")) return;
    names.add(url.pathname);
    sizes.push(r.sizes().then((s) => [url.pathname, s.responseBodySize]));
  });
  // What was read to get here does not count, and is not taken from the cache.
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
  await page.context().clearCookies();
  await page.goto(server.url);
  await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
  await signIn(page);
  await page.getByRole("heading", { name: "Portfolio" }).waitFor();
  await page.getByText("Parcel desk").first().waitFor();
  const all = await Promise.all(sizes);
  const total = all.reduce((n, [, size]) => n + size, 0);
  const list = all
    .sort((a, b) => b[1] - a[1])
    .map(([name, size]) => `${size} ${name}`)
    .join("\n");
  console.log(`first load: ${total} bytes\n${list}`);
  assert.ok(total > 50_000 && total < limit, `the first load is ${total} bytes, want below ${limit}\n${list}`);
  assert.ok(![...names].some((n) => /elk|xyflow|place-/.test(n)), `the editor is in the first load: ${[...names]}`);
  await done();
}
