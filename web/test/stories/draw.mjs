// server: fresh
// A product is drawn from an empty sheet with the pointer: what is drawn, what the rules
// make of it, several sheets, everything taken back and done again, arranged, found, exported.
import { readFileSync } from "node:fs";
import { begin, canvas, connect, drag, drawing, element, middle, name, names, panel, pull, saved, spot, standing, stored } from "../drawing.mjs";
import { assert, eventually, firstStart, open, rest } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, done } = await open({ path: "/" });
  await firstStart(page);
  const other = await begin(page, "Returns counter");
  const product = await created(page, shot, axe);
  await drawn(page, product, shot, axe);
  await described(page, product, shot, axe);
  await rules(page, product, shot, axe);
  await arranged(page, product, shot);
  await exported(page);
  await sheets(page, product, other, shot, axe);
  await turned(page, product, shot);
  await done();
}

/** created makes a product by the way that leads to an empty sheet. */
async function created(page, shot, axe) {
  await page.goto(new URL("/new", page.url()).href);
  await page.getByRole("button", { name: /^Diagram/ }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Parcel desk");
  await page.getByRole("button", { name: "Create and draw" }).click();
  await page.getByText("Draw how data moves").waitFor();
  await axe("an empty sheet");
  await shot("draw-empty");
  return new URL(page.url()).pathname.split("/")[2];
}

/** drawn draws a little of everything, from the palette and by keys. */
async function drawn(page, product, shot, axe) {
  await pull(page, "actor", await spot(page, 170, 250), "Customer");
  await pull(page, "process", await spot(page, 450, 250), "Shop");
  await page.mouse.move(...Object.values(await spot(page, 700, 250)));
  await page.keyboard.press("s");
  await name(page, "Orders");
  await saved(page);
  // A zone goes around what is selected.
  await element(page, "Shop").click();
  await element(page, "Orders").click({ modifiers: ["Shift"] });
  await page.keyboard.press("z");
  await name(page, "Our network");
  await pull(page, "boundary", await spot(page, 290, 280), "Internet edge");
  await pull(page, "text", await spot(page, 220, 520), "As of the first release");
  await connect(page, "Customer", "Shop", "place an order");
  await connect(page, "Shop", "Orders", "write orders");
  await element(page, "Shop").dblclick();
  await name(page, "Web shop");
  const d = await stored(page, product, "what was drawn", (d) => names(d).includes("Web shop"));
  assert.deepEqual(names(d), [
    "As of the first release",
    "Customer",
    "Internet edge",
    "Orders",
    "Our network",
    "Web shop",
    "place an order",
    "write orders",
  ]);
  const zone = d.zones[0].id;
  assert.deepEqual(
    d.components.map((c) => [c.name, c.kind, c.zone]),
    [
      ["Customer", "actor", undefined],
      ["Web shop", "process", zone],
      ["Orders", "store", zone],
    ],
    "components with their zones",
  );
  const order = d.flows.find((f) => f.name === "place an order");
  const crossed = await stored(page, product, "borders that the order crosses", (d) => d.facts[order.id].crosses?.length === 2);
  assert.deepEqual(crossed.facts[order.id].crosses, [zone, d.curves[0].id]);
  await element(page, "place an order, crosses a trust boundary").waitFor();
  assert.equal(await element(page, "place an order").locator("[data-gate]").count(), 2, "marks where it crosses");
  assert.equal(await element(page, "write orders").locator("[data-gate]").count(), 0, "marks on a flow inside");
  await page.keyboard.press("Escape");
  await page.keyboard.press("1");
  await axe("a drawing");
  await shot("draw-drawn");
}

/** choose takes a type of the library for what is selected. */
async function choose(page, text) {
  await panel(page).getByRole("combobox", { name: "Type" }).click();
  await page.keyboard.type(text);
  await page
    .getByRole("option", { name: new RegExp(text, "i") })
    .first()
    .click();
}

/** described gives types, properties and values in the panel. */
async function described(page, product, shot, axe) {
  const p = panel(page);
  await element(page, "Web shop").click();
  await choose(page, "web");
  await p
    .getByRole("status")
    .getByText(/\+\d+ threat/)
    .waitFor();
  await element(page, "Orders").click();
  await choose(page, "sql");
  await p.getByRole("button", { name: "Add: Assets stored" }).click();
  await page.getByPlaceholder("Assets stored").fill("Customer data");
  await page.getByRole("option", { name: /Use “Customer data”/ }).click();
  await page.keyboard.press("Escape");
  await p.getByText("Customer data").first().waitFor();
  await element(page, "place an order").locator("text").first().click();
  await p.getByLabel("Protocol").fill("HTTP");
  await p.getByLabel("Protocol").press("Enter");
  const encrypted = p.getByLabel(/encrypt/i).first();
  await encrypted.selectOption("no");
  await element(page, "Our network").getByText("Our network").click();
  await p.getByRole("spinbutton", { name: "Trust" }).fill("80");
  await p.getByRole("spinbutton", { name: "Trust" }).press("Enter");
  await saved(page);
  const d = await stored(page, product, "the properties", (d) => d.zones[0].trust === 80);
  const of = (n) => [...d.components, ...d.flows].find((e) => e.name === n);
  assert.ok(of("Web shop").type && of("Orders").type, "types");
  assert.deepEqual(of("Orders").stores, [d.assets[0].id], "what is stored");
  assert.equal(of("place an order").protocol, "HTTP");
  assert.ok(Object.values(of("place an order").attributes ?? {}).includes("no"), "not encrypted");
  assert.ok(!d.zones[0].guess, "a trust that was said is no guess");
  await axe("properties");
  await shot("draw-described");
}

/** rules accepts what the rules bring, and finds it in the drawing. */
async function rules(page, product, shot, axe) {
  const p = panel(page);
  await element(page, "Web shop").click();
  await p
    .getByRole("status")
    .getByText(/\+\d+ threat/)
    .waitFor();
  await p.locator("summary").first().getByRole("status").click();
  await shot("draw-strip");
  await axe("what the rules would add");
  await p.getByRole("link", { name: "Review" }).click();
  await page.getByRole("button", { name: "Accept all" }).click();
  await page.getByText("Nothing to review", { exact: true }).waitFor();
  await page.getByRole("navigation", { name: "Places of the product" }).getByRole("link", { name: "Diagram" }).click();
  await page.locator('[data-el][aria-label*="open threat"]').first().waitFor();
  await coloured(page, product);
  await element(page, "Web shop").click();
  await p.getByRole("region", { name: "Threats" }).getByRole("listitem").first().waitFor();
  const show = p.getByRole("button", { name: "Show how it is reached" }).first();
  await show.focus();
  await show.click();
  const way = async () => page.locator("[data-el] path.motion-safe\\:animate-\\[march_0\\.7s_linear_infinite\\], [data-el].ring-critical").count();
  await eventually("the way to the threat", way, (n) => n >= 1);
  await axe("the way to a threat");
  await shot("draw-way");
  await p.getByRole("button", { name: "Hide how it is reached" }).first().click();
  await eventually("the way is gone", way, 0);

  const threats = (await rest(page, "GET", `/products/${product}/threats?sort=-rating&limit=100`)).items;
  const d = await drawing(page, product);
  const at = d.components.find((c) => c.name === "Orders").id;
  const threat = threats.find((t) => t.where === at);
  assert.ok(threat, "a threat at the store");
  await page.goto(new URL(`/products/${product}/threats?open=${threat.id}`, page.url()).href);
  await page.getByRole("link", { name: "Show on the diagram" }).click();
  await panel(page).getByRole("heading", { name: "Orders" }).waitFor();
  await eventually("the way to the threat of the link", way, (n) => n >= 2);
  await shot("draw-threat");
  await panel(page)
    .getByRole("button", { name: new RegExp(threat.title.slice(0, 20)) })
    .first()
    .click();
  await page.getByRole("dialog").getByText(threat.title).first().waitFor();
  await page.keyboard.press("Escape");
  await page.goto(new URL(`/products/${product}/diagram`, page.url()).href);
  await element(page, "Web shop").waitFor();
}

/** coloured looks for the colour of its rating on every component and flow; what a flow crosses with does not change it. */
async function coloured(page, product) {
  const d = await stored(
    page,
    product,
    "ratings in the drawing",
    (d) => d.components.some((c) => d.facts[c.id]?.band) && d.flows.some((f) => d.facts[f.id]?.band),
  );
  const token = (name) =>
    page.evaluate((name) => {
      const probe = document.createElement("i");
      probe.style.color = `var(--${name})`;
      document.body.append(probe);
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    }, name);
  await page.keyboard.press("Escape");
  for (const c of d.components) {
    const edge = element(page, c.name).locator("span.inset-y-0");
    const band = d.facts[c.id]?.band;
    if (!band) assert.equal(await edge.count(), 0, `the edge of ${c.name}, which has no threat`);
    else await eventually(`the colour of ${c.name}, ${band}`, () => edge.evaluate((e) => getComputedStyle(e).backgroundColor), await token(band));
  }
  for (const f of d.flows) {
    const line = element(page, f.name).locator("path").nth(1);
    const want = await token(d.facts[f.id]?.band ?? "control");
    await eventually(`the colour of ${f.name}`, () => line.evaluate((e) => getComputedStyle(e).stroke), want);
  }
}

/** mini counts what the small map shows: its pixels that are not empty. */
const mini = (page) =>
  page.locator("[data-chrome] canvas").evaluate((c) => {
    // Read from a copy: read again and again itself, the browser would warn.
    const copy = new OffscreenCanvas(c.width, c.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(c, 0, 0);
    const { data } = copy.getImageData(0, 0, c.width, c.height);
    let n = 0;
    for (let i = 3; i < data.length; i += 4) if (data[i] > 60) n++;
    return n;
  });

/** mapped goes nearer until there is more than what is seen, for only then there is a small map, and back again. */
async function mapped(page, what) {
  const nearer = page.getByRole("button", { name: "Nearer", exact: true });
  const shown = async () => {
    await nearer.click();
    return mini(page);
  };
  await eventually(what, shown, (n) => n > 100);
  await page.getByRole("button", { name: "Fit" }).click();
  await eventually(
    "all of it is seen after the small map",
    () => outOfSight(page),
    (l) => l.length === 0,
  );
}

/** inSight tells which elements do not lie wholly on the free part of the sheet. */
async function outOfSight(page) {
  const frame = await canvas(page).boundingBox();
  return page.locator("[data-el]").evaluateAll(
    (all, f) =>
      all
        .filter((e) => {
          const b = e.getBoundingClientRect();
          return b.left < f.x || b.top < f.y || b.right > f.x + f.width || b.bottom > f.y + f.height;
        })
        .map((e) => e.getAttribute("aria-label")),
    frame,
  );
}

/** arranged brings boxes in line, edits several, lays everything out, finds, and sees everything. */
async function arranged(page, product, shot) {
  const p = panel(page);
  await mapped(page, "the small map is drawn");
  await element(page, "Customer").click();
  await drag(page, await middle(page, "Customer"), await spot(page, 180, 420));
  await element(page, "Customer").click();
  await p.getByLabel("Tags").fill("walk-in");
  await p.getByLabel("Tags").press("Enter");
  await element(page, "Web shop").click({ modifiers: ["Shift"] });
  await element(page, "Orders").click({ modifiers: ["Shift"] });
  await p.getByRole("heading", { name: "3 elements" }).waitFor();
  await p.getByRole("button", { name: "Different types" }).or(p.getByText("Different types")).first().waitFor();
  await p.getByRole("button", { name: "Align top" }).click();
  await p.getByRole("button", { name: "Same room between, across" }).click();
  await p.getByLabel("Tags").fill("first-release");
  await p.getByLabel("Tags").press("Enter");
  await shot("draw-several");
  await saved(page);
  const d = await stored(page, product, "aligned and tagged", (d) => d.components.every((c) => c.tags?.includes("first-release")));
  assert.deepEqual(d.components.find((c) => c.name === "Customer").tags, ["walk-in", "first-release"], "what one of several had before");
  const boxes = d.components.map((c) => c.box).sort((a, b) => a.x - b.x);
  assert.equal(new Set(boxes.map((b) => b.y)).size, 1, "tops in line");
  const gaps = boxes.slice(1).map((b, i) => Math.round(b.x - boxes[i].x - boxes[i].w));
  assert.ok(Math.abs(gaps[0] - gaps[1]) <= 1, `room between: ${gaps}`);

  const places = (d) => d.components.map((c) => [c.id, c.box.x, c.box.y]);
  await page.getByRole("button", { name: "Arrange automatically" }).click();
  const laid = await stored(page, product, "an automatic layout", (l) => JSON.stringify(places(l)) !== JSON.stringify(places(d)));
  assert.deepEqual(
    laid.components.map((c) => c.zone),
    d.components.map((c) => c.zone),
    "zones after the layout",
  );
  await eventually(
    "all of it is seen",
    () => outOfSight(page),
    (l) => l.length === 0,
  );
  await shot("draw-arranged");
  await page.getByRole("button", { name: "Undo: Arrange automatically" }).click();
  await stored(page, product, "the layout is taken back", (l) => JSON.stringify(places(l)) === JSON.stringify(places(d)));

  await page.getByRole("button", { name: "Find in the diagram" }).click();
  await page.getByPlaceholder("Name or kind").fill("Orders");
  await page.getByRole("option", { name: /^Orders/ }).click();
  await p.getByRole("heading", { name: "Orders" }).waitFor();
  await shot("draw-found");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Fit" }).click();
  await eventually(
    "all of it is seen again",
    () => outOfSight(page),
    (l) => l.length === 0,
  );
}

/** exported saves pictures and looks into them. */
async function exported(page) {
  const save = async (item) => {
    await page.getByRole("button", { name: "Export" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: item }).click()]);
    assert.match(file.suggestedFilename(), /^main-diagram\.(svg|png)$/);
    return readFileSync(await file.path());
  };
  const svg = (await save("Diagram as SVG")).toString();
  const shown = await page.evaluate((text) => {
    const doc = new DOMParser().parseFromString(text, "image/svg+xml");
    // A name may stand on two lines there.
    return { wrong: doc.querySelector("parsererror")?.textContent, text: doc.documentElement.textContent.replaceAll(/\s/g, "") };
  }, svg);
  assert.equal(shown.wrong, undefined, "the SVG parses");
  for (const text of ["Customer", "Web shop", "Orders", "Our network", "Internet edge", "As of the first release", "place an order", "write orders"])
    assert.ok(shown.text.includes(text.replaceAll(" ", "")), `the SVG names ${text}`);
  const png = await save("Diagram as PNG");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.ok(png.readUInt32BE(16) > 800 && png.readUInt32BE(20) > 300, `PNG of ${png.readUInt32BE(16)} by ${png.readUInt32BE(20)}`);
  assert.ok(png.length > 10_000, "the PNG has something in it");
}

/** moved puts sheets into another order with the mouse, and back. */
async function moved(page, product, shot) {
  const tab = (name) => page.getByRole("navigation", { name: "Diagrams" }).getByRole("button", { name });
  const [main, other] = [await tab("Main diagram").boundingBox(), await tab("Warehouse").boundingBox()];
  const from = { x: other.x + other.width / 2, y: other.y + other.height / 2 };
  const carry = async (x) => {
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(x, from.y, { steps: 6 });
  };
  await carry(main.x + 4);
  await page.keyboard.press("Escape");
  await page.mouse.up();
  await standing(page, product, ["Main diagram", "Warehouse"]);
  await carry(main.x + 4);
  await shot("draw-sheets-carried");
  await page.mouse.up();
  await standing(page, product, ["Warehouse", "Main diagram"]);
  await tab("Warehouse").and(page.locator("[aria-current=page]")).waitFor();
  await page.getByRole("button", { name: "Undo: Move diagram Warehouse" }).click();
  await standing(page, product, ["Main diagram", "Warehouse"]);
  await page.getByRole("button", { name: "This diagram" }).click();
  await page.getByRole("menuitem", { name: "Move left" }).click();
  await standing(page, product, ["Warehouse", "Main diagram"]);
  await page.getByRole("button", { name: "This diagram" }).click();
  await eventually("whether the first can go left", () => page.getByRole("menuitem", { name: "Move left" }).getAttribute("aria-disabled"), "true");
  await page.getByRole("menuitem", { name: "Move right" }).click();
  await standing(page, product, ["Main diagram", "Warehouse"]);
}

/** sheets adds a second sheet, carries elements to it and to another product, and deletes it. */
async function sheets(page, product, other, shot, axe) {
  const tabs = page.getByRole("navigation", { name: "Diagrams" });
  await element(page, "Web shop").click();
  await element(page, "Orders").click({ modifiers: ["Shift"] });
  await page.keyboard.press("Control+c");
  await page.getByRole("button", { name: "Add a diagram" }).click();
  await page.getByLabel("Title").last().fill("Back office");
  await axe("a new sheet");
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await page.getByText("Draw how data moves").waitFor();
  await tabs.locator("[aria-current=page]", { hasText: "Back office" }).waitFor();
  await canvas(page).focus();
  await page.keyboard.press("Control+v");
  await element(page, "Web shop").waitFor();
  await element(page, "write orders").waitFor();
  await page.getByRole("button", { name: "This diagram" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByRole("dialog").getByLabel("Title").fill("Warehouse");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await tabs.locator("[aria-current=page]", { hasText: "Warehouse" }).waitFor();
  await saved(page);
  await shot("draw-sheets");
  await moved(page, product, shot);
  await page.getByRole("button", { name: "This diagram" }).click();
  await page.getByRole("menuitem", { name: "Delete with what is drawn in it" }).click();
  await tabs.locator("[aria-current=page]", { hasText: "Main diagram" }).waitFor();
  await element(page, "Customer").waitFor();
  await tabs.getByText("Warehouse").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await tabs.locator("[aria-current=page]", { hasText: "Warehouse" }).waitFor();
  await element(page, "Orders").waitFor();
  await tabs.getByText("Main diagram").click();
  await element(page, "Customer").waitFor();

  await element(page, "Customer").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Control+c");
  await page.goto(new URL(`/products/${other}/diagram`, page.url()).href);
  await page.getByText("Draw how data moves").waitFor();
  await canvas(page).focus();
  await page.keyboard.press("Control+v");
  await element(page, "place an order").waitFor();
  const copy = await stored(page, other, "the copy in another product", (d) => d.components.length === 3 && d.flows.length === 2);
  const main = (await drawing(page, product)).components.map((c) => c.id);
  assert.deepEqual(
    copy.components.filter((c) => main.includes(c.id)),
    [],
    "ids that are in both products",
  );
  await shot("draw-pasted");
}

/** turned takes everything back to the empty sheet and does it again. */
async function turned(page, product, shot) {
  const id = await begin(page, "Lockers");
  await pull(page, "actor", await spot(page, 170, 250), "Courier");
  await pull(page, "process", await spot(page, 480, 250), "Locker");
  await connect(page, "Courier", "Locker", "open a door");
  await drag(page, await middle(page, "Locker"), await spot(page, 520, 400));
  await element(page, "Locker").click();
  await page.keyboard.press("z");
  await name(page, "Street");
  await element(page, "Courier").click();
  await page.keyboard.press("Delete");
  await saved(page);
  const before = await stored(page, id, "the deletion", (d) => d.components.length === 1);
  const undo = page.getByRole("button", { name: /^Undo: |^Nothing to undo/ });
  const redo = page.getByRole("button", { name: /^Redo: |^Nothing to redo/ });
  let steps = 0;
  for (; await undo.isEnabled(); steps++) {
    assert.ok(steps < 40, "steps to the empty sheet");
    await page.keyboard.press("Control+z");
  }
  await page.getByText("Draw how data moves").waitFor();
  await saved(page);
  await stored(page, id, "the empty sheet", (d) => names(d).length === 0);
  for (let n = 0; await redo.isEnabled(); n++) {
    assert.ok(n < steps, "steps to do again");
    await page.keyboard.press("Control+Shift+z");
  }
  await saved(page);
  const after = await stored(page, id, "everything again", (d) => names(d).length === names(before).length);
  const bare = (d) => [d.components, d.flows, d.zones].map((l) => l.map(({ id, name, box, zone }) => ({ id, name, box, zone })));
  assert.deepEqual(bare(after), bare(before), "what was done again");
  await page.reload();
  await element(page, "Locker").waitFor();
  await element(page, "Street").waitFor();
  assert.equal(await element(page, "Courier").count(), 0, "what was deleted stays so after a reload");
  await mapped(page, "the small map after a reload");
  await shot("draw-reloaded");
  await page.goto(new URL(`/products/${product}/diagram`, page.url()).href);
  await element(page, "Web shop").waitFor();
}
