// server: fresh
// The main path as somebody walks it who has no mouse: nothing here clicks, points or
// focuses; there are only keys, and what they lead to.
import { assert, eventually, open, rest } from "../rig.mjs";

const account = { name: "Ada Lovelace", email: "ada@example.org", password: "a long enough passphrase" };

export default async function () {
  const { page, shot, axe, done } = await open({ path: "/" });
  const { keyboard } = page;

  /** name is what a screen reader would call what has the focus. */
  const name = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      if (!at || at === document.body) return "";
      const by = at.getAttribute("aria-labelledby");
      const label = by
        ? by
            .split(" ")
            .map((id) => document.getElementById(id)?.textContent ?? "")
            .join(" ")
        : at.getAttribute("aria-label");
      const labels = [...(at.labels ?? [])].map((l) => l.textContent).join(" ");
      return (label || labels || at.textContent || at.getAttribute("placeholder") || "").replace(/\s+/g, " ").trim();
    });
  const role = () => page.evaluate(() => document.activeElement?.getAttribute("role") ?? document.activeElement?.tagName.toLowerCase() ?? "");
  /** focused waits until what is named has the focus. */
  const focused = (what) => eventually(`the focus on ${what}`, name, (n) => what.test(n));
  /** tab goes on, or back, until what is named has the focus. */
  const tab = async (what, { most = 60, back = false, as = "" } = {}) => {
    const seen = [];
    for (let i = 0; i <= most; i++) {
      const now = await name();
      if (what.test(now) && (!as || (await role()) === as)) return;
      seen.push(now.slice(0, 40));
      await keyboard.press(back ? "Shift+Tab" : "Tab");
    }
    assert.fail(`${what} is not reached within ${most} steps: ${seen.join(" | ")}`);
  };
  const press = (...keys) => keys.reduce((p, k) => p.then(() => keyboard.press(k)), Promise.resolve());
  const heading = (text) => page.getByRole("heading", { level: 1, name: text }).waitFor();
  const palette = async (text) => {
    await keyboard.press("Control+k");
    await page.getByPlaceholder("Search products, threats, places…").waitFor();
    await keyboard.type(text);
    await page.getByRole("option", { name: text, selected: true }).first().waitFor();
    await keyboard.press("Enter");
  };

  // The first start, out, and in again.
  await page.getByRole("heading", { name: "Welcome to Threatloop" }).waitFor();
  await tab(/^Name/);
  await keyboard.type(account.name);
  await tab(/^E-mail/);
  await keyboard.type(account.email);
  await tab(/^Password/);
  await keyboard.type(account.password);
  await keyboard.press("Enter");
  await heading("Portfolio");
  await palette("Sign out");
  await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
  await tab(/^E-mail/);
  await keyboard.type(account.email);
  await tab(/^Password/);
  await keyboard.type(account.password);
  await keyboard.press("Enter");
  await heading("Portfolio");

  // A product, from a few answers.
  await palette("New product");
  await heading("New product");
  await tab(/^Questionnaire/);
  await keyboard.press("Enter");
  await focused(/^Name/);
  await keyboard.type("Parcel desk");
  await tab(/^Questionnaire/);
  await keyboard.type("Web");
  await page
    .getByRole("radio", { name: /^Data about people/ })
    .or(page.getByRole("checkbox", { name: /^Data about people/ }))
    .first()
    .waitFor();
  await tab(/^Data about people/);
  await keyboard.press("Space");
  await page.locator("input:focus:checked").waitFor();
  await axe("the first questions");
  await tab(/^Create and continue/);
  await keyboard.press("Enter");
  await page.waitForURL(/\/products\/[^/]+\/questionnaire/);
  const product = new URL(page.url()).pathname.split("/")[2];
  const of = `/products/${product}`;
  const ask = (path) => rest(page, "GET", `${of}${path}`);
  await page.getByRole("button", { name: "Review the plan" }).first().waitFor();
  for (let i = 0; i < 60 && !(await page.evaluate(() => document.activeElement?.matches("main [type=radio], main [type=checkbox]"))); i++)
    await keyboard.press("Tab");
  await keyboard.press("Space");
  await page.locator("input:focus:checked").waitFor();
  await page.getByText("Stored", { exact: true }).waitFor();
  await shot("keys-questionnaire");
  await tab(/^Review the plan$/);
  await keyboard.press("Enter");

  // The plan.
  await page.waitForURL(/\/review/);
  await page.getByRole("button", { name: "Accept all" }).waitFor();
  await tab(/^Accept all$/);
  await keyboard.press("Enter");
  await page.getByText("Nothing to review", { exact: true }).waitFor();

  // A threat from the table, into its drawer and back to its row.
  await press("g", "t");
  await heading("Threats");
  await page.getByRole("table", { name: "Threats" }).waitFor();
  const intoRows = async () => {
    for (let i = 0; i < 60 && (await role()) !== "row"; i++) await keyboard.press("Tab");
    assert.equal(await role(), "row", "the rows are reached");
  };
  await intoRows();
  const first = await name();
  await keyboard.press("ArrowDown");
  await eventually("the focus on the next row", name, (n) => n !== first && n !== "");
  const row = await name();
  await keyboard.press("Enter");
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("heading", { name: "What makes it possible, and what helps" }).waitFor();
  await axe("a threat");
  await shot("keys-threat");
  await keyboard.press("Enter");
  await tab(/^Details$/, { as: "tab" });
  await keyboard.press("End");
  await focused(/^Comments/);
  await tab(/^Write a comment$/);
  await keyboard.type("Seen at the last review.");
  await keyboard.press("Control+Enter");
  await drawer
    .getByRole("article", { name: `Comment by ${account.name}` })
    .getByText("Seen at the last review.")
    .waitFor();
  await tab(/^Comments/, { back: true, as: "tab" });
  await keyboard.press("Home");
  await focused(/^Details$/);
  await tab(/^Owner of /);
  await keyboard.press("Enter");
  await page.getByRole("option", { name: /Ada Lovelace \(you\)/ }).waitFor();
  await keyboard.type("Ada");
  await page.getByRole("option", { name: /Ada Lovelace \(you\)/, selected: true }).waitFor();
  await keyboard.press("Enter");
  await drawer.getByRole("button", { name: /^Owner of .*: Ada Lovelace/ }).waitFor();
  await eventually("the focus where the owner was chosen", name, (n) => /^Owner of /.test(n));
  await keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  await eventually("the focus back on a row", role, "row");
  assert.ok((await name()).startsWith(row.slice(0, 20)), `the focus is back on the row it came from: ${await name()}, want ${row}`);

  // A countermeasure is required in its drawer.
  await press("g", "c");
  await heading("Countermeasures");
  await page.getByRole("table", { name: "Countermeasures" }).waitFor();
  const states = async () => new Map((await ask("/countermeasures?limit=1000")).items.map((c) => [c.id, c.state]));
  const before = await states();
  await intoRows();
  await keyboard.press("Enter");
  await drawer
    .getByRole("button", { name: /^State of / })
    .first()
    .waitFor();
  const opened = new URL(page.url()).searchParams.get("open");
  const target = before.get(opened) === "required" ? "Recommended" : "Required";
  await keyboard.press("Enter");
  await tab(/^State of /);
  await keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  // By arrows: of letters typed faster than the menu moves its focus, it forgets some.
  for (let n = 0; n < 6 && !(await name()).startsWith(target); n++) {
    const was = await name();
    await keyboard.press("ArrowDown");
    await eventually("the focus on another state", name, (now) => now !== was);
  }
  await eventually("the focus on the state", name, (n) => n.startsWith(target));
  await keyboard.press("Enter");
  await drawer
    .getByRole("button", { name: new RegExp(`^State of .*: ${target}`) })
    .first()
    .waitFor();
  await eventually("the state that is stored", async () => (await states()).get(opened), target.toLowerCase());
  await keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  await eventually("the focus back on the row", role, "row");

  // Several at once, and taken back from the notice.
  const was = await states();
  await press("x", "ArrowDown", "x", "ArrowDown", "x");
  await page.getByRole("toolbar", { name: "The selection" }).getByText("3 countermeasures").waitFor();
  await axe("three selected");
  await shot("keys-selected");
  await tab(/^State$/);
  await keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await keyboard.type("imp");
  await focused(/^Implemented/);
  await keyboard.press("Enter");
  const changed = async () => [...(await states())].filter(([id, s]) => was.get(id) !== s).length;
  await eventually("three countermeasures in another state", changed, 3);
  await page.getByRole("button", { name: "Undo" }).first().waitFor();
  await keyboard.press("F8");
  await tab(/^Undo$/, { most: 6 });
  await keyboard.press("Enter");
  await eventually("the change to be taken back", changed, 0);
  // From there the focus is back in the place.
  await eventually("the focus in the content", () => page.evaluate(() => !!document.activeElement?.closest("#content")), true);

  // The board, a card at a time.
  await tab(/^Table$/);
  await keyboard.press("ArrowRight");
  await focused(/^Board$/);
  await keyboard.press("Enter");
  await page.getByRole("region", { name: "Countermeasures by state" }).waitFor();
  const from = await states();
  const card = (await ask("/countermeasures?state=required&limit=1000")).items;
  assert.ok(card.length > 0, "there are required countermeasures to move");
  const lane = page.getByRole("region", { name: "Required", exact: true });
  const title = (await lane.getByRole("button").first().innerText()).trim();
  await tab(new RegExp(`^${title.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`), { most: 120 });
  await keyboard.press("Space");
  await page
    .getByRole("status")
    .getByText(/^Picked up /)
    .or(page.getByText(/^(Picked up|Over) /))
    .first()
    .waitFor();
  await keyboard.press("ArrowRight");
  await page.getByText("Over Implemented.").waitFor();
  await keyboard.press("Space");
  const moved = async () => [...(await states())].filter(([id, s]) => from.get(id) !== s).map(([, s]) => s);
  await eventually("one card in another column", moved, (list) => list.length === 1 && list[0] === "implemented");
  await shot("keys-board");
  await axe("the board");

  // The keys are listed, and out.
  await keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keys" });
  await keys.getByText("Show the keys").waitFor();
  await keys.getByText("Threats", { exact: true }).first().waitFor();
  await axe("the keys");
  await shot("keys-list");
  await keyboard.press("Escape");
  await keys.waitFor({ state: "hidden" });
  await palette("Sign out");
  await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
  await done();
}
