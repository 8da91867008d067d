// server: fresh
// The main path of the diagram editor by keys alone: a product is made, drawn, connected,
// described, taken back and done again, and what the rules bring is reached.

import { addSheet, canvas, element, name, names, panel, saved, standing, stored } from "../drawing.mjs";
import { assert, eventually, firstStart, open, rest } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, done } = await open({ path: "/" });
  await firstStart(page);
  const { id } = await rest(page, "POST", "/products", { name: "Parcel desk" });
  await page.goto(new URL(`/products/${id}/diagram`, page.url()).href);
  const key = (k) => page.keyboard.press(k);
  await page.getByRole("button", { name: "Draw the first diagram" }).focus();
  await key("Enter");
  await page.getByText("Draw how data moves").waitFor();
  await canvas(page).focus();
  for (const [k, text] of [
    ["a", "Customer"],
    ["p", "Shop"],
    ["s", "Orders"],
  ]) {
    await key(k);
    await name(page, text);
    await saved(page);
    // Away from the middle, where the next one is drawn.
    for (let n = 0; n < (k === "a" ? 30 : k === "p" ? 1 : 0); n++) await key("Shift+ArrowLeft");
  }
  for (let n = 0; n < 25; n++) await key("Shift+ArrowRight");
  await key("z");
  await name(page, "Our network");

  // The customer is reached by Tab, and connected from the list.
  await key("Escape");
  const heading = panel(page).getByRole("heading", { level: 2 });
  const reach = async (text) => {
    await key("Escape");
    await canvas(page).focus();
    for (let n = 0; n < 12; n++) {
      await key("Tab");
      if ((await heading.innerText()) === text) return;
    }
    assert.fail(`${text} is not reached by Tab`);
  };
  const connect = async (from, to, text) => {
    await reach(from);
    await key("c");
    await page.getByPlaceholder("Name of the target").waitFor();
    await page.keyboard.type(to);
    await page.getByRole("option", { name: new RegExp(`^${to}`) }).waitFor();
    await key("Enter");
    await name(page, text);
  };
  await connect("Customer", "Shop", "place an order");
  await connect("Shop", "Orders", "write orders");
  await reach("Orders");
  await page.getByText(/^Orders, store, in Our network$/).waitFor({ state: "attached" });
  await key("F2");
  await name(page, "Order book");
  await axe("drawn by keys");
  await shot("draw-keys");

  // Properties: Enter leads to the fields, Escape back.
  await reach("Shop");
  await key("Enter");
  await eventually("the focus in the panel", () => page.evaluate(() => document.activeElement?.tagName), "INPUT");
  await page.keyboard.type("Web shop");
  await key("Tab");
  const d = await stored(page, id, "what was drawn by keys", (d) => names(d).includes("Web shop"));
  assert.deepEqual(names(d), ["Customer", "Order book", "Our network", "Web shop", "place an order", "write orders"]);
  assert.equal(d.flows.length, 2);

  // The menu, deleting, taking back, and doing it again.
  await reach("Order book");
  await key("Shift+F10");
  await page.getByRole("menuitem", { name: "Delete" }).waitFor();
  await axe("the menu");
  await page.keyboard.type("del");
  await eventually(
    "the focus on Delete",
    () => page.evaluate(() => document.activeElement?.textContent ?? ""),
    (t) => t.startsWith("Delete"),
  );
  await key("Enter");
  await element(page, "Order book").waitFor({ state: "detached" });
  await canvas(page).focus();
  await key("Control+z");
  await element(page, "write orders").waitFor();
  await key("Control+a");
  await key("Control+d");
  await eventually("everything twice", () => element(page, "Customer").count(), 2);
  await key("Control+z");
  await eventually("once again", () => element(page, "Customer").count(), 1);
  await key("Control+Shift+L");
  await stored(
    page,
    id,
    "an automatic layout",
    (l) => l.components[0].box.x !== d.components[0].box.x || l.components[0].box.y !== d.components[0].box.y,
  );
  await key("Control+f");
  await page.getByPlaceholder("Name or kind").waitFor();
  await page.keyboard.type("Customer");
  await key("Enter");
  await heading.getByText("Customer").waitFor();
  await key("Escape");
  await key("o");
  await page.getByRole("complementary", { name: "Outline" }).waitFor();
  await axe("the outline");

  // The diagrams' order: Shift and an arrow on a diagram, taken back from the sheet.
  await addSheet(page, id, "second", "Back office");
  await standing(page, id, ["Main diagram", "Back office"]);
  await page.getByRole("navigation", { name: "Diagrams" }).getByRole("button", { name: "Main diagram" }).focus();
  await key("Shift+ArrowRight");
  await standing(page, id, ["Back office", "Main diagram"]);
  await page.getByText("Main diagram is diagram 2 of 2 now").waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Main diagram", "the focus after the move");
  await canvas(page).focus();
  await key("Control+z");
  await standing(page, id, ["Main diagram", "Back office"]);
  await shot("draw-keys-outline");
  await saved(page);
  await done();
}
