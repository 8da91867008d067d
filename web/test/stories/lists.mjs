// server: fresh
// Lists of thousands of rows. The first rows are there before the rest is read, and the
// list says how far it is; what concerns all rows waits for the last one. Only what is in
// view is on the page, wherever one is. A plan of many steps is answered one by one by keys.
import { readFileSync } from "node:fs";
import { assert, eventually, firstStart, open, rest } from "../rig.mjs";

const components = 14;
const threats = 2500;
/** However long a list is, no more of its rows are on the page. */
const mounted = 100;

/** large is a model file of ours with many components, and many threats that somebody wrote. */
function large() {
  const id = (i) => `thr_${String(i).padStart(20, "0")}`;
  const lines = ["threatloop: 1", "product:", "  id: large", "  name: Large", "components:"];
  for (let i = 0; i < components; i++) lines.push(`  - id: c${i}`, "    kind: process", "    type: web-application", `    name: Service ${i}`);
  lines.push("threats:");
  for (let i = 0; i < threats; i++) {
    // Neither their names nor their ids tell how they are rated.
    const n = (i * 1999) % threats;
    lines.push(
      `  - id: ${id(i)}`,
      `    where: c${i % components}`,
      `    title: Order ${n} is read by another`,
      "    categories:",
      '      - "stride:tampering"',
    );
    lines.push(
      `    impact: {confidentiality: ${n % 101}, integrity: 0, availability: 0}`,
      `    ease: ${20 + (n % 79)}`,
      "    status: open",
      "    origin: person",
    );
  }
  return `${lines.join("\n")}\n`;
}

export default async function () {
  const { page, shot, axe, settled, done } = await open();
  await firstStart(page);
  const product = await page.evaluate(async (model) => {
    const r = await fetch("/api/v1/imports?name=large.yaml", {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", "Idempotency-Key": "large" },
      body: model,
    });
    if (!r.ok) throw new Error(`import: ${r.status} ${await r.text()}`);
    return (await r.json()).product.id;
  }, large());
  const go = (place) => page.goto(new URL(`/products/${product}/${place}`, page.url()).href);
  await plan(page, { product, go, shot, axe, settled });
  await table(page, { product, go, shot, axe, settled });
  await triage(page, { product, go });
  await audit(page, { product });
  await done();
}

const failures = 1200;

/** triage reads what a report of many failures leaves to decide: its first rows before the rest, few of them on the page. */
async function triage(page, { product, go }) {
  const cases = Array.from({ length: failures }, (_, i) => `<testcase classname="many" name="case ${i}"><failure message="no"/></testcase>`).join("");
  const run = await page.evaluate(
    async ({ product, report }) => {
      const r = await fetch(`/api/v1/products/${product}/results?source=many&wait=20`, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream", "Idempotency-Key": "many" },
        body: report,
      });
      return { status: r.status, text: await r.text() };
    },
    { product, report: `<testsuites><testsuite name="many">${cases}</testsuite></testsuites>` },
  );
  assert.ok(run.status < 300, `the report: ${run.status} ${run.text}`);
  await eventually("what waits", async () => (await rest(page, "GET", `/products/${product}/evidence?triage=true&limit=1`)).total, failures);
  let release;
  const held = new Promise((r) => {
    release = r;
  });
  await page.route(/\/evidence\?.*cursor=/, async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  });
  await go("tests?view=triage");
  const rows = page.locator("[role=row][data-index]");
  await rows.first().waitFor();
  const status = page.getByRole("status").filter({ hasText: /row/ }).first();
  await eventually("how far triage is", () => status.textContent(), "100 of 1,200 rows read…");
  release();
  await eventually("all of triage", () => status.textContent(), "1,200 rows");
  const n = await rows.count();
  assert.ok(n >= 10 && n <= mounted, `${n} results are on the page, want 10 to ${mounted}`);
  // All of them are dismissed in as many requests as they take, not in one each.
  let sent = 0;
  page.on("request", (r) => {
    if (r.method() === "POST" && /\/triage/.test(r.url())) sent++;
  });
  await page.getByRole("checkbox", { name: "Select all rows" }).check();
  await page.getByRole("button", { name: "Dismiss", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Dismiss 1,200 results" });
  await dialog.getByLabel("Why").fill("Made for a trial");
  await dialog.getByRole("button", { name: "Dismiss", exact: true }).click();
  await page.getByText("Nothing waits for a decision").waitFor();
  assert.equal(sent, 2, "requests for 1,200 results");
}

/** audit finds what lies below what is loaded, by an address that says so. */
async function audit(page, { product }) {
  const latest = (await rest(page, "GET", `/products/${product}/audit?limit=1000`)).items;
  const old = "threat/thr_00000000000000000003";
  assert.ok(!latest.slice(0, 100).some((r) => r.object === old), `${old} is among the first rows`);
  await page.goto(new URL(`/admin/audit?product=${product}`, page.url()).href);
  const rows = page.locator("[role=row][data-index]");
  await rows.first().waitFor();
  const few = await rows.count();
  assert.ok(few <= mounted, `${few} rows of the audit trail are on the page, want at most ${mounted}`);
  await page.getByRole("searchbox", { name: "Search the audit trail" }).fill("thr_00000000000000000003");
  await eventually(
    "the one row of it",
    async () => (await rows.allInnerTexts()).map((t) => t.includes("Order 997 is read by another")).join(),
    "true",
  );
  await eventually("the search in the address", () => new URL(page.url()).searchParams.get("q"), "thr_00000000000000000003");
  await page.goto(new URL(`/admin/audit?product=${product}&source=tracker`, page.url()).href);
  await page.getByText("The whole trail was searched.").waitFor();
}

/** plan answers steps of a plan one by one, by keys, and sees both ends of it. */
async function plan(page, { product, go, shot, axe, settled }) {
  const steps = page.locator("li[data-index]");
  const few = async (when) => {
    const n = await steps.count();
    assert.ok(n >= 5 && n <= mounted, `${n} steps are on the page ${when}, want 5 to ${mounted}`);
  };
  const { items } = await rest(page, "GET", `/products/${product}/plan`);
  assert.ok(items.length > 1000, `the plan has ${items.length} steps, want more than 1,000`);
  await go("review");
  await steps.first().waitFor();
  await settled();
  await few("at the top");
  await axe("a large plan");
  await shot("lists-plan");
  const waiting = async () => Number((await page.getByRole("tab", { name: /^Plan/ }).innerText()).replace(/\D/g, ""));
  const before = await waiting();
  const first = steps.first().getByRole("button", { name: /^Accept:/ });
  const name = await first.getAttribute("aria-label");
  await first.focus();
  await page.keyboard.press("Enter");
  await eventually("one step fewer waits", waiting, before - 1);
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  const next = await eventually("the next step has the focus", focused, (label) => label.startsWith("Accept: ") && label !== name);
  await page.keyboard.press("Enter");
  await eventually("two steps fewer wait", waiting, before - 2);
  await eventually("the one after it has the focus", focused, (label) => label.startsWith("Accept: ") && label !== next);
  // A step that is scrolled out of view keeps the focus.
  const kept = await focused();
  const lastPlace = page.getByRole("region", { name: (await rest(page, "GET", `/products/${product}/plan`)).places.at(-1).where_name, exact: true });
  await eventually(
    "the end of the plan",
    async () => {
      await page.mouse.move(640, 500);
      await page.mouse.wheel(0, 40_000);
      await few("on the way down");
      return lastPlace.isVisible();
    },
    true,
  );
  assert.equal(await focused(), kept, "the focus after scrolling");
  await axe("the end of a large plan", { rules: ["wcag2a", "wcag2aa"], without: ["color-contrast"] });
}

/** table reads a table of many rows before and after the rest of it has come. */
async function table(page, { product, go, shot, axe, settled }) {
  const rows = page.locator("[role=row][data-index]");
  const status = page.getByRole("status").filter({ hasText: /row/ }).first();
  const total = (await rest(page, "GET", `/products/${product}/threats?limit=1&brief=true`)).total;
  assert.ok(total >= threats, `${total} threats, want at least ${threats}`);
  const said = total.toLocaleString("en");

  // The pages after the first are held back.
  let release;
  const held = new Promise((r) => {
    release = r;
  });
  await page.route(/\/threats\?.*cursor=/, async (route) => {
    await held;
    await route.continue().catch(() => undefined);
  });
  await go("threats");
  await rows.first().waitFor();
  await eventually("how far it is", () => status.textContent(), `100 of ${said} rows read…`);
  const all = page.getByRole("checkbox", { name: "Select all rows" });
  const csv = page.getByRole("button", { name: /^Export these rows as CSV/ });
  assert.ok(await all.isDisabled(), "all rows can be selected before they are there");
  assert.ok(await csv.isDisabled(), "rows are exported before they are there");
  assert.equal(await page.getByRole("table").getAttribute("aria-rowcount"), "-1", "the number of rows while it is not known");
  const highest = (await rest(page, "GET", `/products/${product}/threats?limit=1&brief=true&sort=-rating`)).items[0];
  assert.ok((await rows.first().innerText()).includes(highest.title), `the first row is ${await rows.first().innerText()}, want ${highest.title}`);
  await axe("a list that is being read");
  await shot("lists-reading");
  // Another order needs all of them.
  await page.getByRole("columnheader", { name: "Threat" }).getByRole("button").click();
  await page.getByText("Put in order once all rows are read").waitFor();
  assert.equal(await rows.count(), 0, "rows in an order that is not known yet");
  // A search says that it is not done.
  await page.getByRole("columnheader", { name: "Threat" }).getByRole("button").click();
  await page.getByRole("columnheader", { name: "Threat" }).getByRole("button").click();
  await page.getByRole("searchbox", { name: "Search threats" }).fill("no such order");
  await eventually("a search in what is read", () => status.textContent(), `0 match so far, 100 of ${said} rows read…`);
  release();
  await eventually("a search in all", () => status.textContent(), `0 of ${said} rows`);
  await page.getByText("Nothing matches").waitFor();
  await page.getByRole("searchbox", { name: "Search threats" }).fill("Order 1999 ");
  await eventually("the one row", () => status.textContent(), `1 of ${said} rows`);
  await page.getByRole("button", { name: "Clear", exact: true }).click();
  await eventually("all rows", () => status.textContent(), `${said} rows`);

  // Few rows are on the page, at either end.
  const few = async (when) => {
    const n = await rows.count();
    assert.ok(n >= 10 && n <= mounted, `${n} rows are on the page ${when}, want 10 to ${mounted}`);
  };
  await settled();
  await few("at the top");
  await rows.first().focus();
  await page.keyboard.press("End");
  await page.locator(`[role=row][data-index="${total - 1}"]`).waitFor();
  await eventually("the last row has the focus", () => page.evaluate(() => document.activeElement?.dataset.index), String(total - 1));
  await few("at the end");
  await page.keyboard.press("Home");
  await eventually("the first row has the focus", () => page.evaluate(() => document.activeElement?.dataset.index), "0");

  // The order is that of the figures, over all rows.
  const ratings = (await everyThreat(page, product)).map((t) => t.rating.current);
  const [download] = await Promise.all([page.waitForEvent("download"), csv.click()]);
  const lines = readFileSync(await download.path(), "utf8")
    .trim()
    .split("\r\n");
  assert.equal(lines.length, total + 1, "lines of the export, with its head");
  const column = lines[0].split(",").indexOf("Rating");
  const exported = lines.slice(1).map((l) => Number(l.split(",")[column]));
  assert.deepEqual(
    exported,
    ratings.sort((a, b) => b - a),
    "the ratings of the export",
  );
  await all.click();
  await page.getByRole("toolbar", { name: "The selection" }).getByText(`${said} threats`).waitFor();
  await few("with all selected");
  await shot("lists-selected");
}

/** everyThreat asks the interface for all of them, page by page. */
async function everyThreat(page, product) {
  const out = [];
  for (let cursor = ""; ; ) {
    const p = await rest(page, "GET", `/products/${product}/threats?limit=1000&brief=true${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    out.push(...p.items);
    if (!p.next) return out;
    cursor = p.next;
  }
}
