// server: fresh
// A model file becomes a product after a look at what was understood; the same file
// again changes nothing; what is no model, or cut short, is refused and stored nowhere.
import { readFileSync } from "node:fs";
import { assert, file, firstStart, open, rest } from "../rig.mjs";

const json = (name, buffer) => ({ name, mimeType: "application/json", buffer: Buffer.from(buffer) });

export default async function () {
  const { page, shot, axe, done } = await open({ allowed: [/status of (400|415|422)/] });
  await firstStart(page);
  await page.getByRole("button", { name: /^Import a model/ }).click();
  await page.getByRole("heading", { name: "New product from a model" }).waitFor();
  await axe("import");
  const choose = (what) => page.locator("input[type=file]").setInputFiles(what);
  const products = () => rest(page, "GET", "/products").then((p) => p.items.length);

  // What is no model.
  const model = readFileSync(file("diagram.json"), "utf8");
  for (const [name, content] of [
    ["notes.json", "These are notes, and no model."],
    ["other.json", '{"name": "something else", "version": "1.0.0"}'],
    ["cut.json", model.slice(0, model.length / 2)],
    ["empty.json", ""],
  ]) {
    await choose(json(name, content));
    const said =
      name === "empty.json"
        ? page.getByText("The file is empty.")
        : page.getByText(new RegExp(`“${name}” (is no model|was not taken).*Nothing was stored\\.`));
    await said.waitFor();
    assert.equal(await products(), 0, `products after ${name}`);
  }
  await choose(json("cut.json", model.slice(0, model.length / 2)));
  await page.getByText("“cut.json” is no model").waitFor();
  await axe("a file that was cut");
  await shot("import-refused");

  // What is one: looked at, named, made.
  await choose(file("diagram.json"));
  await page.getByText("This is what was understood. Nothing is stored yet.").waitFor();
  const count = async (of) =>
    Number(
      await page
        .locator("dl > div")
        .filter({ has: page.getByText(of, { exact: true }) })
        .locator("dd")
        .innerText(),
    );
  assert.deepEqual(
    [await count("processes"), await count("store"), await count("flows"), await count("threats")],
    [2, 1, 5, 2],
    "what was understood",
  );
  assert.equal(await products(), 0, "products while a file is looked at");
  await axe("preview");
  await shot("import-preview");
  await page.getByLabel("Name of the product").fill("Parcels");
  await page.getByRole("button", { name: "Create the product" }).click();
  await page.waitForURL(/\/products\/[^/]+\/review/);
  const product = page.url().match(/products\/([^/]+)/)[1];
  await page.getByRole("button", { name: "Accept all" }).click();
  await page.getByText("Nothing to review").waitFor();

  // Its threats, with their countermeasures.
  await page.goto(new URL(`/products/${product}/threats?origin=import`, page.url()).href);
  await page.getByRole("row", { name: /Delivery addresses can be read by guessing parcel numbers/ }).waitFor();
  await page.getByRole("row", { name: /Database opened from the office network/ }).click();
  const drawer = page.getByRole("dialog");
  await drawer
    .getByText(/The database listens on a network of its own/)
    .first()
    .waitFor();
  await axe("an imported threat");
  await shot("import-threat");

  // The same file again: nothing twice.
  const all = async () => {
    const ids = async (kind) => (await rest(page, "GET", `/products/${product}/${kind}?limit=1000`)).items.map((x) => x.id).sort();
    return { threats: await ids("threats"), countermeasures: await ids("countermeasures") };
  };
  const before = await all();
  await page.goto(new URL(`/products/${product}/questionnaire`, page.url()).href);
  await page.getByRole("button", { name: "Import a model" }).click();
  const dialog = page.getByRole("dialog", { name: "Import a model into this product" });
  await dialog.locator("input[type=file]").setInputFiles(json("cut.json", model.slice(0, model.length / 2)));
  await dialog.getByText("“cut.json” is no model").waitFor();
  await dialog.locator("input[type=file]").setInputFiles(file("diagram.json"));
  await dialog.getByText(/Would add 0, change 0 and leave/).waitFor();
  await axe("the same file again");
  await shot("import-again");
  await dialog.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
  await page.getByText("Nothing to review").waitFor();
  assert.deepEqual(await all(), before, "threats and countermeasures after the same file again");

  // A newer file is a difference, not a second model.
  const newer = JSON.parse(model);
  newer.detail.diagrams[0].cells.find((c) => c.data?.name === "Web API").data.name = "Parcel API";
  await page.goto(new URL(`/products/${product}/questionnaire`, page.url()).href);
  await page.getByRole("button", { name: "Import a model" }).click();
  await dialog.locator("input[type=file]").setInputFiles(json("diagram.json", JSON.stringify(newer)));
  await dialog.getByText(/A newer version of a file that was imported before\. Would add 0, change 1 and leave/).waitFor();
  await dialog.getByRole("region", { name: "Changed" }).getByText("Parcel API").first().waitFor();
  await axe("a newer file");
  await shot("import-newer");
  await dialog.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
  assert.deepEqual((await all()).threats, before.threats, "threats after a newer file, before its plan is accepted");

  await chosen(page, product, newer, shot, axe);
  await edited(page, product, newer, shot, axe);
  await exported(page, product, newer, shot, axe);
  await done();
}

/** chosen takes one of two changes of a newer file; the other is offered again. */
async function chosen(page, product, newer, shot, axe) {
  const names = () => rest(page, "GET", `/products/${product}/model`).then((m) => m.model.components.map((c) => c.name));
  const cells = newer.detail.diagrams[0].cells;
  cells.find((c) => c.data?.name === "Parcel API").data.name = "Parcel desk API";
  const store = cells.find((c) => c.shape === "store");
  store.data.name = "Parcel archive";
  const dialog = await importing(page, product, newer);
  const changed = dialog.getByRole("region", { name: "Changed" });
  await changed.getByRole("checkbox", { name: /Parcel desk API|Parcel API/ }).uncheck();
  await dialog.getByText("1 of 2 changes will be taken.").waitFor();
  await axe("a choice of changes");
  await shot("import-chosen");
  await dialog.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
  const now = await names();
  assert.ok(now.includes("Parcel archive") && now.includes("Parcel API"), `one of two changes was taken: ${now}`);
  const again = await importing(page, product, newer);
  await again.getByText(/Would add 0, change 1 and leave/).waitFor();
  await again.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
  assert.ok((await names()).includes("Parcel desk API"), "the other change, taken later");
  cells.find((c) => c.data?.name === "Parcel desk API").data.name = "Parcel API";
  const back = await importing(page, product, newer);
  await back.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
}

/** edited changes here what a newer file changes too: the edit is named before anything is stored, and stays. */
async function edited(page, product, newer, shot, axe) {
  const components = () => rest(page, "GET", `/products/${product}/model`).then((m) => m.model.components);
  const api = (await components()).find((c) => c.name === "Parcel API");
  const drawing = await rest(page, "GET", `/products/${product}/drawing`);
  const element = drawing.components.find((c) => c.id === api.id);
  await rest(page, "POST", `/products/${product}/drawing/changes`, {
    changes: [{ kind: "components", op: "put", id: api.id, version: drawing.versions[api.id], element: { ...element, name: "Parcel service" } }],
  });
  const cell = newer.detail.diagrams[0].cells.find((c) => c.data?.name === "Parcel API");
  cell.data.name = "Parcel gateway";
  const dialog = await importing(page, product, newer);
  const kept = dialog.getByRole("region", { name: "Your edits kept" });
  await kept.getByText("Parcel service").first().waitFor();
  await kept.getByText("Parcel gateway").last().waitFor();
  await shot("import-edit-kept");
  await dialog.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
  assert.ok(
    (await components()).some((c) => c.name === "Parcel service"),
    "what was set here after the import",
  );
  // The next version differs again: now the file's side is taken, and nothing asks any more.
  cell.data.name = "Parcel counter";
  const next = await importing(page, product, newer);
  const edits = next.getByRole("region", { name: "Your edits kept" });
  await edits.getByRole("radio", { name: "Keep ours", checked: true }).waitFor();
  await edits.getByRole("radio", { name: "Take the file’s" }).click();
  await next.getByText("1 edit made here will be given up for what the file says.").waitFor();
  await axe("a conflict settled for the file");
  await shot("import-theirs");
  await next.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
  assert.equal((await components()).find((c) => c.id === api.id).name, "Parcel counter", "what the file says");
  await (await importing(page, product, newer)).getByText(/Would add 0, change 0 and leave/).waitFor();
}

/** importing opens the import of a product with a file. */
async function importing(page, product, model) {
  await page.goto(new URL(`/products/${product}/questionnaire`, page.url()).href);
  await page.getByRole("button", { name: "Import a model" }).click();
  const dialog = page.getByRole("dialog", { name: "Import a model into this product" });
  await dialog.locator("input[type=file]").setInputFiles(json("diagram.json", JSON.stringify(model)));
  await dialog.getByRole("button", { name: "Import and review" }).waitFor();
  return dialog;
}

/** exported downloads the model in every format; what was written is read again and changes nothing, and the file is as it was given. */
async function exported(page, product, last, shot, axe) {
  await page.goto(new URL(`/products/${product}/overview`, page.url()).href);
  await page.getByRole("button", { name: "More about this product" }).click();
  await page.getByRole("menuitem", { name: /^Download the model/ }).click();
  const dialog = page.getByRole("dialog", { name: /^Download the model of/ });
  const take = async (name) => {
    const download = page.waitForEvent("download");
    await dialog.getByRole("link", { name }).first().click();
    return readFileSync(await (await download).path(), "utf8");
  };
  const given = await take(/^diagram\.json/);
  assert.deepEqual(JSON.parse(given), last, "the file as it was given");
  assert.match(await take(/^Threatloop/), /^threatloop: 1\n/);
  assert.ok(JSON.parse(await take(/^Open Threat Model/)).otmVersion, "an OTM file");
  const dragon = JSON.parse(await take(/^OWASP Threat Dragon/));
  await axe("download the model");
  await shot("export");
  await page.keyboard.press("Escape");
  const again = await importing(page, product, dragon);
  await again.getByText(/Would add 0, change 0 and leave/).waitFor();
}
