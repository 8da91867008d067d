// Every place and every state of it that opens over it, on a product that went round
// the loop, on one that was only imported, and on an empty one; in both themes, at
// the width given: a picture of each, no fault that axe finds, nothing that scrolls sideways.
import { readFileSync } from "node:fs";
import { assert, contrast, file, inScheme, open, rest, server, signIn } from "./rig.mjs";

// What depends on how it is painted, and is dear to ask for.
const painted = [contrast, "target-size"];
// What opens over a place stands beside the page, not in it.
const beside = "body > :not(#page):is([data-drawer], [data-modal], [data-radix-popper-content-wrapper])";

/** walk goes through all places at a width. */
export async function walk(width) {
  // A wrong password and a server that does not answer are brought about here.
  const { page, shot, axe, settled, done } = await open({ width, allowed: [/status of (401|404|422|503)/] });
  const faults = [];
  // Colours are the same at every width: they are asked for where there is the most to see.
  const desk = width > 1000;
  let scheme = "light";
  /**
   * look keeps a picture and asks axe, in the theme that is shown and then for the colours alone in the
   * other, which the next place begins with. over: it was opened over a place that was looked at without
   * it, so that of what is painted only what stands beside the page is asked for. Of a long list or table
   * the first rows are asked for: the others are made as they are.
   */
  const look = async (name, { over = false } = {}) => {
    const ask = async (what, options = {}) => what(name, { scheme, ...options }).catch((err) => faults.push(err.message));
    const leaveOut = over ? ["#page"] : [];
    await ask(shot);
    await page.evaluate(shorten);
    if (over) {
      await ask(axe, { without: painted });
      await ask(axe, { rules: desk ? painted : ["target-size"], leaveOut });
    } else await ask(axe, { without: desk ? [] : [contrast], leaveOut });
    if (!desk && !process.env.THREATLOOP_SCREENSHOTS) return page.evaluate(lengthen);
    scheme = scheme === "light" ? "dark" : "light";
    await inScheme(page, scheme);
    await ask(shot);
    if (desk) await ask(axe, { rules: [contrast], leaveOut });
    await page.evaluate(lengthen);
  };
  /** steps looks at places one by one. What opens over a place begins with the place read anew, the others are gone to as by a link. */
  const steps = async (list, { over = false } = {}) => {
    for (const [name, path, ...acts] of list) {
      try {
        if (over) await page.goto(server.url + path);
        else await page.evaluate(follow, path);
        await page.getByRole("main").waitFor();
        await settled();
        for (const act of acts) await act(page);
        if (over) await page.locator(beside).first().waitFor();
        if (acts.length > 0) await settled();
        await look(name, { over });
      } catch (err) {
        faults.push(`${name} at ${width}: ${err.message}`);
      }
    }
  };

  await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
  await look("sign-in");
  await page.getByLabel("E-mail").fill("nobody@example.org");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await look("sign-in-refused");
  await signIn(page);
  await page.getByText("Parcel desk").first().waitFor();
  const made = await others(page);
  await rest(page, "PATCH", `/products/${server.product}`, { standards: ["asvs-5.0:2", "api-top-10-2023"] });

  const first = (path) => rest(page, "GET", path).then((p) => p.items[0].id);
  const id = server.product;
  const threat = await first(`/products/${id}/threats?sort=-rating&limit=1`);
  const countermeasure = await first(`/products/${id}/countermeasures?state=implemented,required&limit=1`);
  const connection = await first("/connections");
  const run = await first(`/products/${id}/runs?limit=1`);
  const of = `/products/${id}`;
  const fresh = `/products/${made.fresh}`;
  const empty = `/products/${made.empty}`;
  await steps([
    ["portfolio", "/"],
    ["portfolio-heat", "/?view=heat"],
    ["portfolio-none", "/?q=nothing+has+this+name"],
    ["assigned", "/assigned"],
    ["new", "/new"],
    ["new-questionnaire", "/new?how=questionnaire"],
    ["new-import", "/new?how=import"],
    ["new-template", "/new?how=template"],
    ["trackers", "/trackers"],
    ["tracker", `/trackers/${connection}`],
    ["tracker-settings", `/trackers/${connection}?view=settings`],
    ["board", `/board/${connection}`],
    ["account", "/account"],
    ["admin-people", "/admin/people"],
    ["admin-roles", "/admin/roles"],
    ["admin-tokens", "/admin/tokens"],
    ["admin-audit", "/admin/audit"],
    ["admin-fields", "/admin/fields"],
    ["admin-instance", "/admin/instance"],
    ["library", "/library"],
    ["library-none", "/library?q=nothing+has+this+name"],
    ["library-versions", "/library?view=versions"],
    ["library-entry", "/library/rule/encrypted-flow"],
    ["library-pattern", "/library/pattern/sql-injection?tab=words"],
    ["library-questionnaire", "/library/questionnaire/web-product?tab=ask"],
    ["overview", `${of}/overview`],
    ["overview-empty", `${empty}/overview`],
    ["diagram", `${of}/diagram`],
    ["diagram-exposure", `${of}/diagram?threat=${threat}`],
    ["diagram-empty", `${empty}/diagram`],
    ["questionnaire", `${of}/questionnaire`],
    ["threats", `${of}/threats`],
    ["threats-chosen", `${of}/threats`, chosen],
    ["threats-empty", `${empty}/threats`],
    ["countermeasures", `${of}/countermeasures`],
    ["countermeasures-board", `${of}/countermeasures?as=board`],
    ["standards", `${of}/standards?standard=asvs-5.0`],
    ["standards-none", `${empty}/standards`],
    ["review", `${of}/review`],
    ["review-waiting", `${fresh}/review`],
    ["review-publish", `${of}/review?step=publish`],
    ["tests", `${of}/tests`],
    ["tests-empty", `${empty}/tests`],
    ["triage", `${of}/tests?view=triage`],
    ["tickets", `${of}/tickets`],
    ["tickets-empty", `${empty}/tickets`],
    ["history", `${of}/history`],
    ["settings", `${of}/settings`],
    ["nowhere", "/nowhere"],
    ["no-product", "/products/prd_00000000000000000000/overview"],
  ]);
  await steps(
    [
      ["palette", "/", keys("Control+k"), typed("par")],
      ["keys", "/", keys("?")],
      [
        "account-menu",
        "/",
        ...(desk ? [] : [press("Menu")]),
        (p) =>
          p
            .getByRole("button")
            .filter({ hasText: "admin" })
            .or(p.getByRole("button").filter({ hasText: /Ada$/ }))
            .last()
            .click(),
      ],
      ["trackers-connect", "/trackers", press("Connect a tracker")],
      ["library-new", "/library", press("New entry")],
      ["library-import", "/library", press("Import")],
      ["product-menu", `${of}/overview`, press("More about this product")],
      ["threats-filter", `${of}/threats`, press("Status", { exact: true })],
      ["threats-add", `${of}/threats`, press("Add a threat")],
      ["threat", `${of}/threats?open=${threat}`],
      ["threat-why", `${of}/threats?open=${threat}`, tab("Why")],
      ["threat-evidence", `${of}/threats?open=${threat}`, tab("Evidence")],
      ["threat-history", `${of}/threats?open=${threat}`, tab("History")],
      ["threat-comments", `${of}/threats?open=${threat}`, tab(/^Comments/)],
      ["threat-status", `${of}/threats?open=${threat}`, inDrawer(/^Status of/)],
      ["threat-accept", `${of}/threats?open=${threat}`, inDrawer(/^Status of/), item(/^Accept until/)],
      ["countermeasure", `${of}/countermeasures?open=${countermeasure}`],
      ["countermeasure-reject", `${of}/countermeasures?open=${countermeasure}`, inDrawer(/^State of/), item(/^Rejected/)],
      ["standards-clause", `${of}/standards?standard=asvs-5.0&clause=1.2.4`],
      ["standards-apply", `${of}/standards`, press("Apply a standard")],
      ["run", `${of}/tests?run=${run}`],
      ["export", `${of}/overview`, press("More about this product"), item(/^Download the model/), heading("As it was given")],
    ],
    { over: true },
  );
  await page.route("**/api/v1/connections*", (r) => r.fulfill({ status: 503, contentType: "application/json", body: `{"title":"Busy"}` }));
  await steps([["trackers-failed", "/trackers", (p) => p.getByRole("button", { name: "Try again" }).waitFor()]]);
  await page.unroute("**/api/v1/connections*");
  await steps([
    ["toast", `${empty}/overview`, press("More about this product"), item("Archive"), (p) => p.getByRole("button", { name: "Undo" }).waitFor()],
  ]);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText("This product is archived").waitFor({ state: "detached" });
  assert.deepEqual(faults, [], `every place in both themes at ${width}`);
  await done();
}

/** others makes a product that waits for its first review and one with nothing in it. */
async function others(page) {
  const fresh = await page.evaluate(
    async (body) => {
      const r = await fetch("/api/v1/imports?name=diagram.json&product_name=Parcel+lockers", {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream", "Idempotency-Key": crypto.randomUUID() },
        body,
      });
      if (!r.ok) throw new Error(await r.text());
      return r.json();
    },
    readFileSync(file("diagram.json"), "utf8"),
  );
  const empty = await rest(page, "POST", "/products", { name: "Returns counter", team: "Shop" });
  return { fresh: fresh.product?.id ?? fresh.product ?? fresh.id, empty: empty.id };
}

/** shorten takes in the page the later rows of long lists out of what is asked, and shows what is only drawn when it is scrolled to. */
function shorten() {
  for (const row of document.querySelectorAll("li:nth-child(n + 13), [role=row][data-index]")) {
    if (row.hidden || row.dataset.index < 12) continue;
    row.hidden = true;
    row.dataset.shortened = "";
  }
  // What the browser skips until then has neither its size nor its colours.
  for (const el of document.querySelectorAll("[class*=content-visibility]")) el.style.contentVisibility = "visible";
}

/** lengthen gives the page back what shorten took. */
function lengthen() {
  for (const row of document.querySelectorAll("[data-shortened]")) {
    row.hidden = false;
    delete row.dataset.shortened;
  }
  for (const el of document.querySelectorAll("[class*=content-visibility]")) el.style.contentVisibility = "";
}

/** follow goes in the page to another place of it, as a link does, and comes back when it is there. */
async function follow(path) {
  history.pushState({}, "", path);
  const router = globalThis.__TSR_ROUTER__;
  const there = () => router.state.status === "idle" && !router.state.isLoading && router.state.resolvedLocation?.href === router.state.location.href;
  do await new Promise((frame) => requestAnimationFrame(frame));
  while (!there());
}

const press =
  (name, { exact = false } = {}) =>
  (page) =>
    page.getByRole("button", { name, exact }).first().click();
const heading = (name) => (page) => page.getByRole("heading", { name }).waitFor();
const keys = (chord) => (page) => page.keyboard.press(chord);
const typed = (text) => async (page) => {
  await page.keyboard.type(text);
  await page.getByRole("option").first().waitFor();
};
const tab = (name) => async (page) => {
  await page.getByRole("tab", { name, selected: false }).click();
  await page.getByRole("tab", { name, selected: true }).waitFor();
};
const inDrawer = (name) => (page) => page.locator("[data-drawer]").getByRole("button", { name }).first().click();
const item = (name) => (page) => page.getByRole("menuitem", { name }).click();
const chosen = async (page) => {
  const boxes = page.getByRole("checkbox", { name: "Select this row" });
  await boxes.nth(0).click();
  await boxes.nth(1).click();
};
