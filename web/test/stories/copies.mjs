// server: fresh
// The sample product is cloned, a template is made of the copy and a product of the
// template; one is archived, taken back, archived again and deleted by its name.
// Filters of the portfolio are in the address, and the heat map leads to threats.
import { assert, eventually, firstStart, open, rest } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, done } = await open();
  await firstStart(page);
  const home = () => page.goto(new URL("/", page.url()).href);
  const idHere = () => page.url().match(/products\/([^/]+)/)[1];
  const names = async (query = "") => (await rest(page, "GET", `/products?limit=1000${query}`)).items.map((p) => p.name).sort();
  await page.getByRole("button", { name: /^Try the sample product/ }).click();
  await page.waitForURL(/\/products\/[^/]+\/overview/);
  const sample = idHere();
  const { name } = await rest(page, "GET", `/products/${sample}`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();

  // A copy, by the menu of the portfolio.
  await home();
  await page.getByRole("button", { name: `More for ${name}` }).click();
  await page.getByRole("menuitem", { name: "Clone…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Second edition");
  await dialog.getByLabel("Team").fill("Night shift");
  await axe("clone");
  await shot("copies-clone");
  await dialog.getByRole("button", { name: "Clone", exact: true }).click();
  await page.getByText(`“Second edition” is a copy of “${name}”`).first().waitFor();
  await page.waitForURL((u) => /\/overview$/.test(u.pathname) && !u.pathname.includes(sample));
  const copy = idHere();
  const titles = async (id) => (await rest(page, "GET", `/products/${id}/threats?limit=1000`)).items.map((t) => t.title).sort();
  assert.deepEqual(await titles(copy), await titles(sample), "threats of the copy");

  // A template of it leaves the portfolio, and makes a product.
  await home();
  await page.getByRole("button", { name: "More for Second edition" }).click();
  await page.getByRole("menuitem", { name: "Make it a template" }).click();
  await page.getByText("“Second edition” is a template now").first().waitFor();
  await page.getByRole("link", { name: "Second edition" }).waitFor({ state: "hidden" });
  await page.goto(new URL("/new?how=template", page.url()).href);
  await page.getByLabel("Name", { exact: true }).fill("Third edition");
  await eventually("the only template is chosen", () => page.getByLabel("Template", { exact: true }).innerText(), "Second edition");
  await axe("from a template");
  await shot("copies-template");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.waitForURL(/\/products\/[^/]+\/overview/);
  assert.deepEqual(await titles(idHere()), await titles(copy), "threats of a product that was made of a template");

  // Filters stay in the address.
  await home();
  await page.getByRole("button", { name: "Team", exact: true }).click();
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox", { name: "Search products" }).fill("third");
  await page.getByRole("link", { name, exact: true }).waitFor({ state: "hidden" });
  await page.waitForURL(/q=third/);
  await page.reload();
  await page.getByRole("link", { name: "Third edition" }).waitFor();
  assert.equal(await page.getByRole("searchbox", { name: "Search products" }).inputValue(), "third", "the search after a reload");
  assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0, "what does not match, after a reload");
  await page.getByText("1 of 2").waitFor();

  // A cell of the heat map is its threats.
  await page.getByRole("button", { name: "Clear", exact: true }).click();
  await page
    .getByRole("radio", { name: "Heat map" })
    .or(page.getByRole("button", { name: "Heat map" }))
    .click();
  const cell = page.getByRole("link", { name: /^Third edition: \d+ open threats?, medium/ });
  const threats = Number((await cell.getAttribute("aria-label")).match(/: (\d+) /)[1]);
  await axe("heat map");
  await shot("copies-heat");
  await cell.click();
  await page.waitForURL(/\/threats\?.*band=medium/);
  await page.getByRole("table", { name: "Threats" }).waitFor();
  const rows = Number(await page.getByRole("table", { name: "Threats" }).getAttribute("aria-rowcount")) - 1;
  assert.equal(rows, threats, "threats of the cell");
  await shot("copies-cell");

  // Archived, taken back, archived again, deleted.
  const archive = async () => {
    await home();
    await page.getByRole("button", { name: "More for Third edition" }).click();
    await page.getByRole("menuitem", { name: "Archive" }).click();
    await page.getByText("“Third edition” is archived").first().waitFor();
    await page.getByRole("link", { name: "Third edition" }).waitFor({ state: "hidden" });
  };
  await archive();
  await page.getByRole("button", { name: "Undo" }).last().click();
  await page.getByRole("link", { name: "Third edition" }).waitFor();
  await archive();
  await page.goto(new URL("/?show=archived", page.url()).href);
  await page.getByRole("link", { name: "Third edition" }).waitFor();
  await axe("archived");
  await page.getByRole("button", { name: "More for Third edition" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const remove = dialog.getByRole("button", { name: "Delete for good" });
  await dialog.getByLabel(/^Type the name to confirm/).fill("third edition");
  assert.ok(await remove.isDisabled(), "deleting by another name");
  await dialog.getByLabel(/^Type the name to confirm/).fill("Third edition");
  await axe("delete");
  await shot("copies-delete");
  await remove.click();
  await page.getByText("“Third edition” is deleted").first().waitFor();
  await page.getByText("Nothing is archived").waitFor();
  assert.deepEqual(await names("&archived=true"), [], "archived products");
  assert.deepEqual(await names(), [name], "products that are left");
  await done();
}
