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
    [await count("processes"), await count("stores"), await count("flows"), await count("threats")],
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
  await dialog.getByText(/^Would add 0, change 0 and leave/).waitFor();
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
  await dialog.getByText(/^Would add 0, change 1 and leave/).waitFor();
  await dialog.getByRole("button", { name: "Import and review" }).click();
  await page.waitForURL(/\/review/);
  assert.deepEqual((await all()).threats, before.threats, "threats after a newer file, before its plan is accepted");
  await done();
}
