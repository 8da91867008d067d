// server: fresh
// Two people draw on one sheet: each sees the other's work with the name, a clash is shown
// with both values, and what is drawn while the server is away is kept and sent.

import {
  addSheet,
  begin,
  canvas,
  drag,
  drawing,
  element,
  middle,
  name,
  names,
  panel,
  pull,
  saved,
  spot,
  standing,
  stored,
  told,
} from "../drawing.mjs";
import { assert, eventually, firstStart, open, rest, signIn } from "../rig.mjs";

const password = "correct horse battery staple";
const people = {
  modeller: { name: "Erik Editor", email: "erik@example.org", password },
  viewer: { name: "Vera Viewer", email: "vera@example.org", password },
};

// What the story brings about: no network, an ended session, a stale batch, a batch that is not let through,
// and that somebody asks about an element while it is deleted.
const allowed = [/status of (401|404|412)/, /ERR_INTERNET_DISCONNECTED/, /ERR_NETWORK_CHANGED/, /ERR_FAILED/];

export default async function () {
  const a = await open({ path: "/", allowed });
  await firstStart(a.page);
  const product = await begin(a.page, "Parcel desk");
  await pull(a.page, "actor", await spot(a.page, 170, 250), "Customer");
  await pull(a.page, "process", await spot(a.page, 480, 250), "Shop");
  await saved(a.page);
  for (const [role, who] of Object.entries(people)) {
    const { id } = await rest(a.page, "POST", "/users", who);
    await rest(a.page, "PUT", `/products/${product}/members/${id}`, { role });
  }
  const b = await open({ path: `/products/${product}/diagram`, allowed });
  await signIn(b.page, people.modeller);
  await element(b.page, "Shop").waitFor();

  await seen(a, b, product);
  await order(a, b, product);
  await clash(a, b, product);
  await away(a, b, product);
  await expired(a, product);
  await left(a, product);
  await readers(product);
  await b.done();
  await a.done();
}

/** seen: what one draws the other sees by itself, and two moves at once are both kept. */
async function seen(a, b, product) {
  const [toA, toB] = [await told(a.page), await told(b.page)];
  await pull(a.page, "store", await spot(a.page, 640, 280), "Orders");
  await element(b.page, "Orders").waitFor();
  await eventually("what the other is told", toB, (list) => list.includes("Ada Lovelace changed Orders"));
  // The other's view is their own: what is drawn beside it would be at its edge, where a drag moves the sheet.
  await b.page.getByRole("button", { name: "Fit", exact: true }).click();
  await b.shot("draw-together-seen");
  const before = await drawing(a.page, product);
  await Promise.all([
    middle(a.page, "Customer").then(async (from) => drag(a.page, from, { x: from.x, y: from.y + 200 })),
    middle(b.page, "Orders").then(async (from) => drag(b.page, from, { x: from.x, y: from.y + 60 })),
  ]);
  const y = (d, n) => d.components.find((c) => c.name === n).box.y;
  await stored(a.page, product, "both moves", (d) => y(d, "Customer") > y(before, "Customer") && y(d, "Orders") > y(before, "Orders"));
  await eventually("what the first is told", toA, (list) => list.includes("Erik Editor changed Orders"));
}

/** order: one sees where the other puts a diagram; where both put the same one elsewhere, the second is asked. */
async function order(a, b, product) {
  await addSheet(a.page, product, "second", "Back office");
  await addSheet(a.page, product, "third", "Warehouse");
  for (const p of [a.page, b.page]) await standing(p, product, ["Main diagram", "Back office", "Warehouse"]);
  const move = async (page, by) => {
    await page.getByRole("button", { name: "This diagram" }).click();
    await page.getByRole("menuitem", { name: `Move ${by}` }).click();
  };
  await move(a.page, "right");
  await standing(b.page, product, ["Back office", "Main diagram", "Warehouse"]);
  await b.context.setOffline(true);
  await move(b.page, "left");
  await b.page.locator("[data-save=offline]").waitFor();
  await move(a.page, "right");
  await standing(a.page, product, ["Back office", "Warehouse", "Main diagram"]);
  await b.context.setOffline(false);
  await b.page.getByRole("button", { name: "1 conflict: choose" }).click();
  const dialog = b.page.getByRole("dialog", { name: "Two people changed the same" });
  await dialog.getByText("first", { exact: true }).waitFor();
  await dialog.getByText("behind Warehouse", { exact: true }).waitFor();
  await b.shot("draw-together-order");
  await dialog.getByRole("button", { name: "Keep yours" }).click();
  await b.page.keyboard.press("Escape");
  for (const p of [a.page, b.page]) await standing(p, product, ["Main diagram", "Back office", "Warehouse"]);
  await saved(b.page);
}

/** rename renames on the canvas without waiting for the server. */
async function rename(page, old, text) {
  await element(page, old).dblclick();
  await name(page, text);
}

/** clash: both rename the same, and one deletes what the other changes. */
async function clash(a, b, product) {
  await b.context.setOffline(true);
  await rename(b.page, "Shop", "Till");
  await b.page.locator("[data-save=offline]").waitFor();
  await rename(a.page, "Shop", "Counter");
  await saved(a.page);
  await b.context.setOffline(false);
  await b.page.getByRole("button", { name: "1 conflict: choose" }).click();
  const dialog = b.page.getByRole("dialog", { name: "Two people changed the same" });
  await dialog.getByText("Till", { exact: true }).last().waitFor();
  await dialog.getByText("Counter", { exact: true }).waitFor();
  await dialog.getByText(/^Ada Lovelace/).waitFor();
  await b.axe("a conflict");
  await b.shot("draw-together-conflict");
  await dialog.getByRole("button", { name: "Take this" }).click();
  await b.page.keyboard.press("Escape");
  await saved(b.page);
  for (const p of [a.page, b.page]) await element(p, "Counter").waitFor();

  await b.context.setOffline(true);
  await rename(b.page, "Orders", "Order book");
  await element(a.page, "Orders").click();
  await a.page.keyboard.press("Delete");
  await saved(a.page);
  await b.context.setOffline(false);
  await b.page.getByRole("button", { name: "1 conflict: choose" }).click();
  await b.shot("draw-together-deleted");
  await dialog.getByRole("button", { name: "Keep the element" }).click();
  await b.page.keyboard.press("Escape");
  await saved(b.page);
  await element(a.page, "Order book").waitFor();
  await stored(b.page, product, "the element that was kept", (d) => names(d).includes("Order book"));
}

/** away: without a server the work stays, over a reload too. */
async function away(a, b, product) {
  await a.context.setOffline(true);
  await pull(a.page, "actor", await spot(a.page, 170, 120), "Courier");
  await a.page.getByText("Unsaved, kept here").waitFor();
  await a.shot("draw-together-offline");
  await a.axe("offline");
  await a.context.setOffline(false);
  await saved(a.page);
  await element(b.page, "Courier").waitFor();
  // A reload that the server does not answer: what was kept is there when it does.
  await a.page.route("**/api/v1/products/*/drawing/changes", (r) => r.abort());
  await pull(a.page, "actor", await spot(a.page, 330, 120), "Auditor");
  await a.page.locator("[data-save=offline]").waitFor();
  a.page.on("dialog", (d) => d.accept());
  await a.page.reload();
  await element(a.page, "Auditor").waitFor();
  await a.page.unroute("**/api/v1/products/*/drawing/changes");
  await stored(a.page, product, "what was kept over a reload", (d) => names(d).includes("Auditor"));
  await saved(a.page);
}

/** expired: a session that ends while a name is typed takes nothing away, and the place stays. */
async function expired(a, product) {
  const b = await a.page.getByRole("button", { name: "Add process" }).boundingBox();
  await drag(a.page, { x: b.x + b.width / 2, y: b.y + b.height / 2 }, await spot(a.page, 600, 120));
  const field = canvas(a.page).getByRole("textbox", { name: "Name" });
  await field.waitFor();
  await saved(a.page);
  await a.page.keyboard.press("Control+a");
  await a.page.keyboard.type("Sorting");
  const where = new URL(a.page.url()).pathname;
  await a.context.clearCookies();
  await a.page.keyboard.press("Enter");
  const again = a.page.getByRole("dialog", { name: "Your session ended" });
  await again.waitFor();
  await a.shot("draw-together-expired");
  await again.getByLabel("Password", { exact: true }).fill("a long enough passphrase");
  await a.page.keyboard.press("Enter");
  await again.waitFor({ state: "hidden" });
  assert.equal(new URL(a.page.url()).pathname, where, "the place after signing in again");
  await stored(a.page, product, "what was drawn without a session", (d) => names(d).includes("Sorting"));
  await element(a.page, "Sorting").waitFor();
  await saved(a.page);
}

/** left: what somebody did not get sent before they signed out waits for them, and is not sent by who signs in next. */
async function left(a, product) {
  const changes = "**/api/v1/products/*/drawing/changes";
  const signOut = async (page, who) => {
    await page.getByRole("button", { name: who }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
  };
  await a.page.route(changes, (r) => r.abort());
  await pull(a.page, "actor", await spot(a.page, 600, 420), "Night shift");
  await a.page.locator("[data-save=offline]").waitFor();
  await signOut(a.page, "Ada Lovelace");
  await a.page.unroute(changes);
  await signIn(a.page, people.modeller);
  await element(a.page, "Counter").waitFor();
  assert.equal(await element(a.page, "Night shift").count(), 0, "what another person did not get sent");
  // In another tab its person comes back: this one asks who is here.
  const tab = await open({ path: `/products/${product}/diagram`, allowed, context: a.context });
  await element(tab.page, "Counter").waitFor();
  await signOut(tab.page, "Erik Editor");
  await a.page.getByRole("dialog", { name: "Your session ended" }).waitFor();
  await signIn(tab.page, { email: "ada@example.org", password: "a long enough passphrase" });
  await tab.done();
  await a.page.getByRole("button", { name: "Sign in as somebody else" }).click();
  await signIn(a.page, { email: "ada@example.org", password: "a long enough passphrase" });
  await element(a.page, "Night shift").waitFor();
  await stored(a.page, product, "what waited for its person", (d) => names(d).includes("Night shift"));
  await saved(a.page);
}

/** readers: who may not change the drawing, and who has no room to, look at it. */
async function readers(product) {
  for (const [width, who] of [
    [1280, people.viewer],
    [900, people.modeller],
    [390, people.modeller],
  ]) {
    const { page, shot, axe, done } = await open({ width, path: `/products/${product}/diagram`, allowed: [/status of 401/] });
    await signIn(page, who);
    await element(page, "Counter").waitFor();
    assert.equal(await page.getByRole("toolbar", { name: "Draw" }).count(), 0, `tools at ${width}`);
    assert.equal(await page.getByRole("button", { name: "Arrange automatically" }).count(), 0);
    await page
      .getByText(who === people.viewer ? "You may look at this diagram, not change it" : "On a screen this narrow the diagram is to look at")
      .waitFor();
    const before = await element(page, "Counter").boundingBox();
    await element(page, "Counter").click();
    await page.keyboard.press("Delete");
    await canvas(page).focus();
    await page.keyboard.press("p");
    assert.equal(await canvas(page).getByRole("textbox").count(), 0, "nothing new is drawn");
    assert.ok(before.width > 20, "large enough to see");
    if (who === people.viewer) {
      assert.ok(await panel(page).getByLabel("Name", { exact: true }).isDisabled(), "the name, to a viewer");
      assert.equal(await panel(page).locator("fieldset :is(input, select, textarea, button):enabled").count(), 0, "what a viewer could change");
    }
    await eventually("what is drawn stays", () => element(page, "Counter").count(), 1);
    await axe("to look at");
    await shot(`draw-look-${who.name.split(" ")[0].toLowerCase()}`);
    await done();
  }
}
