// What the stories of the diagram editor share: where things are, and how a person draws.
import { assert, eventually, rest } from "./rig.mjs";

const literal = (s) => s.replace(/["\\]/g, "\\$&");

/** element is what is drawn under a name, as the canvas shows it. */
export const element = (page, name) => page.locator(`[data-el][aria-label^="${literal(name)}"]`);

/** canvas is the sheet. */
export const canvas = (page) => page.getByRole("application", { name: "Diagram" });

/** panel is what is told beside the sheet. */
export const panel = (page) => page.getByRole("complementary", { name: "Details" });

/** saved waits until the server has everything. */
export const saved = (page) => page.locator("[data-save=saved]").waitFor();

/** middle is where the middle of an element is on the screen. */
export async function middle(page, name) {
  const b = await element(page, name).boundingBox();
  assert.ok(b, `${name} is on the screen`);
  return { x: b.x + b.width / 2, y: b.y + b.height / 2 };
}

/** spot is a place on the screen, counted from the corner of the sheet. */
export async function spot(page, x, y) {
  const b = await canvas(page).boundingBox();
  return { x: b.x + x, y: b.y + y };
}

/** drag takes what is at one place to another. */
export async function drag(page, from, to) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 4 });
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
}

/** name types the name of what was just drawn, and takes it over. */
export async function name(page, text) {
  const field = canvas(page).getByRole("textbox", { name: "Name" });
  await field.waitFor();
  await page.keyboard.press("Control+a");
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
  await field.waitFor({ state: "detached" });
}

/** pull draws a new element from the palette at a place of the sheet. */
export async function pull(page, shape, at, text) {
  const b = await page.getByRole("button", { name: `Add ${shape}` }).boundingBox();
  await drag(page, { x: b.x + b.width / 2, y: b.y + b.height / 2 }, at);
  await name(page, text);
}

/** connect draws a flow from one element to another with the flow tool, and names it. */
export async function connect(page, from, to, text) {
  await page.keyboard.press("f");
  await drag(page, await middle(page, from), await middle(page, to));
  await name(page, text);
  await page.keyboard.press("v");
}

/** drawing is what the server has of a product's diagram. */
export const drawing = (page, product, diagram) => rest(page, "GET", `/products/${product}/drawing${diagram ? `?diagram=${diagram}` : ""}`);

/** stored waits until the server's drawing is as wanted, and gives it. */
export const stored = (page, product, what, want, diagram) => eventually(what, () => drawing(page, product, diagram), want);

/** addSheet adds an empty diagram, as somebody else would. */
export const addSheet = (page, product, id, title) =>
  rest(page, "POST", `/products/${product}/drawing/changes`, { changes: [{ kind: "diagrams", id, op: "put", element: { title } }] });

/** standing waits until the diagrams stand in an order, on the page and on the server. */
export async function standing(page, product, want) {
  const tabs = page.getByRole("navigation", { name: "Diagrams" }).getByRole("button");
  const list = want.join(", ");
  await eventually("the diagrams on the page", async () => (await tabs.allInnerTexts()).join(", "), list);
  await eventually("the diagrams on the server", async () => (await drawing(page, product)).diagrams.map((d) => d.title).join(", "), list);
}

/** names lists what a drawing has, sorted. */
export const names = (d) => ["zones", "components", "flows", "curves", "texts"].flatMap((k) => d[k].map((e) => e.name ?? e.text)).sort();

/** begin makes a product that has an empty sheet, and opens it. */
export async function begin(page, title) {
  const product = await rest(page, "POST", "/products", { name: title });
  await page.goto(new URL(`/products/${product.id}/diagram`, page.url()).href);
  await page.getByRole("button", { name: "Draw the first diagram" }).click();
  await page.getByText("Draw how data moves").waitFor();
  return product.id;
}

/**
 * told writes down from now on what is said beside the state of the work about other people, which stands
 * there for seconds only, and gives what it has.
 */
export async function told(page) {
  await page.evaluate(() => {
    globalThis.told = [];
    const note = () => {
      const text = document.querySelector("[data-save] > span:first-child")?.textContent ?? "";
      if (text && globalThis.told.at(-1) !== text) globalThis.told.push(text);
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () => page.evaluate(() => globalThis.told);
}
