// server: demo
// A standard with a level is applied and stays: what is covered, what proves it, and where
// the gaps are, clause by clause; taken back and brought back. Then the questions about a
// component, answered where it is drawn, and taken back as any edit.
import { readFileSync } from "node:fs";
import { element, panel, saved } from "../drawing.mjs";
import { assert, eventually, open, rest, server, signIn } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, done } = await open();
  await signIn(page);
  await kept(page, shot, axe);
  await clauses(page, shot, axe);
  await back(page);
  await asked(page, shot, axe);
  await done();
}

const of = `/products/${server.product}`;
const applied = (page) => rest(page, "GET", of).then((p) => (p.standards ?? []).join());

/** kept applies a standard up to a level, and then up to another. */
async function kept(page, shot, axe) {
  await page.goto(`${server.url}${of}/overview`);
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("n");
  await page.getByText("No standard is applied").waitFor();
  await axe("no standard");
  await page.getByRole("button", { name: "Choose a standard" }).click();
  const dialog = page.getByRole("dialog", { name: "Apply a standard" });
  await dialog.getByLabel(/^Level of OWASP Application Security/).selectOption({ label: "Up to level 1" });
  await axe("standards to apply");
  await dialog.getByRole("button", { name: /^Apply OWASP Application Security/ }).click();
  await page.getByRole("table", { name: /^Clauses of OWASP Application Security/ }).waitFor();
  assert.equal(await applied(page), "asvs-5.0:1", "standards of the product");
  const one = await total(page);
  await page.getByLabel(/^Level of OWASP Application Security/).selectOption({ label: "Up to level 2" });
  await eventually("standards of the product", () => applied(page), "asvs-5.0:2");
  await eventually(
    "clauses up to level 2",
    () => total(page),
    (n) => n > one,
  );
  await axe("a standard");
  await shot("standards-applied");
}

const total = async (page) => Number((await page.getByRole("status").filter({ hasText: "row" }).innerText()).match(/(\d+) rows/)?.[1]);

/** clauses asks what is proven and what serves it, and keeps the table as a file. */
async function clauses(page, shot, axe) {
  await page.getByRole("button", { name: /^Proven \d+/ }).click();
  assert.match(page.url(), /status=proven/, "the filter in the address");
  const row = page.getByRole("row").filter({ hasText: "Proven" }).first();
  await row.click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("heading", { name: "What serves it here" }).waitFor();
  await drawer
    .getByText(/ passed in run /)
    .first()
    .waitFor();
  await axe("a clause");
  await shot("standards-clause");
  await drawer.getByRole("listitem").getByRole("button").first().click();
  await drawer.getByRole("tab", { name: "Details" }).waitFor();
  await page.keyboard.press("Escape");
  await drawer.getByRole("heading", { name: "What serves it here" }).waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export these rows as CSV" }).click();
  const text = readFileSync(await (await download).path(), "utf8");
  assert.match(text, /^Clause,What it asks,Level,Status,Served by,Evidence,Evidence of\r\n/, "the head of the file");
  assert.ok(text.includes(",Proven,"), "a proven clause in the file");
}

/** back takes the standard back, and brings it in again by Undo. */
async function back(page) {
  await page.getByRole("button", { name: /^Take OWASP Application Security.* back$/ }).click();
  await eventually("standards after taking back", () => applied(page), "");
  await page.locator("[data-notices] > *").filter({ hasText: "is no longer applied" }).getByRole("button", { name: "Undo" }).click();
  await eventually("standards after Undo", () => applied(page), "asvs-5.0:2");
}

/** asked answers a question about a component in the editor, and takes the answer back. */
async function asked(page, shot, axe) {
  const model = await rest(page, "GET", `${of}/model`).then((m) => m.model);
  const api = model.components.find((c) => c.name === "Web API");
  const said = () => rest(page, "GET", `${of}/components/${api.id}/questionnaire`).then((q) => q.groups.flatMap((g) => g.questions)[0].value ?? "");
  assert.equal(await said(), "", "the answer before");
  await page.goto(`${server.url}${of}/diagram`);
  await element(page, "Web API").click();
  const answer = panel(page).getByLabel("Does it check who people are by itself?").last();
  await answer.selectOption("yes");
  await saved(page);
  await eventually("the answer that is stored", said, "yes");
  await axe("questions about a component");
  await shot("component-questions");
  await page.getByRole("button", { name: /^Undo: Answer / }).click();
  await eventually("the answer that was taken back", said, "");
}
