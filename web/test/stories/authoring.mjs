// server: fresh
// A security architect writes knowledge from nothing: a pattern, and a rule over a custom
// field that at first cannot be read, then never fires, and then brings the pattern; a
// questionnaire, tried out while it is written. Published, both are at work in products, whose states stay.
import { assert, eventually, firstStart, open, rest } from "../rig.mjs";

const rule = (when) => `rules:
  - rule: couriers-of-secrets
    title: "Couriers of secrets"
    for: product
    when: ${when}
    apply: [courier-impersonation]
    reason: Somebody said that what is carried is secret.
    tests:
      - name: fires
        model: {product: {custom: {data_class: secret}}}
        fires: [product]
      - name: silent
        model: {product: {custom: {data_class: public}}}
        fires: []
`;

export default async function () {
  const { page, shot, axe, done } = await open({ allowed: [/status of 422/] });
  await firstStart(page);
  const go = (path) => page.goto(new URL(path, page.url()).href);
  await rest(page, "PUT", "/fields/data_class", {
    name: "Data class",
    type: "choice",
    options: [
      { ref: "public", text: "Public" },
      { ref: "secret", text: "Secret" },
    ],
  });
  const product = await rest(page, "POST", "/products", {
    name: "Parcel desk",
    questionnaire: "web-product",
    answers: { database: ["sql"], reach: "internet" },
    custom: { data_class: "secret" },
  });
  const of = `/products/${product.id}`;
  await rest(page, "POST", `${of}/plan`, { all: true });
  const all = async (kind) => (await rest(page, "GET", `${of}/${kind}?limit=1000`)).items;
  const done1 = (await all("countermeasures"))[0];
  await rest(page, "POST", `${of}/edits`, { edits: [{ kind: "countermeasure", id: done1.id, set: { state: "implemented" } }] });

  // A pattern begins with a small sound text.
  const begin = async (kind, name, title = "New entry") => {
    await go("/library");
    await page.getByRole("button", { name: title }).click();
    const dialog = page.getByRole("dialog", { name: "New entry" });
    await dialog.getByLabel("Kind").selectOption({ label: kind });
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Begin" }).click();
    await page.getByRole("heading", { level: 1, name }).waitFor();
  };
  const area = page.getByRole("textbox", { name: /^Text of/ });
  const stored = () => page.getByText("Stored in the draft", { exact: true }).waitFor();
  const problems = page.getByRole("list", { name: "Problems" });
  await begin("Risk pattern", "Courier impersonation");
  await area.fill((await area.inputValue()).replace("title: What could go wrong", "title: A stranger collects a parcel as the courier"));
  await stored();
  await problems.getByText("is brought by no rule and no component type").waitFor();
  assert.equal(await problems.getByRole("listitem").count(), 1, "what is said of a new pattern");

  // A rule: a slip is told in words, at its place; what never fires is told by the check.
  await begin("Rule", "Couriers of secrets");
  await area.fill(rule(`product.custom["data_class"] = "secret"`));
  await problems.getByText('"=" is no operator; write == to compare').waitFor();
  await problems.getByRole("button", { name: "Line 5" }).waitFor();
  await axe("a slip in a condition");
  await shot("authoring-slip");
  await area.fill(rule(`product.custom["data_class"] == "secrets"`));
  await problems.waitFor({ state: "detached" });
  await stored();
  const dialog = page.getByRole("dialog");
  const check = async () => {
    await go("/library");
    await page.getByText("The draft changes 2 entries.").waitFor();
    await page.getByRole("button", { name: "Check", exact: true }).click();
  };
  await check();
  await dialog.getByText(/must be mended before the draft can be published/).waitFor();
  await dialog.getByText("test “fires”").waitFor();
  await axe("a rule that never fires");
  await shot("authoring-never");
  await dialog
    .getByRole("link", { name: /couriers-of-secrets/ })
    .first()
    .click();
  await area.waitFor();
  await area.fill(rule(`product.custom["data_class"] == "secret"`));
  await stored();

  // Tried on a product before anything is published.
  await page.getByRole("tab", { name: "Try on a product" }).click();
  await page.getByRole("combobox", { name: "Product" }).click();
  await page.getByRole("option", { name: "Parcel desk" }).click();
  await page.getByText("A stranger collects a parcel as the courier").first().waitFor();
  await axe("a rule that is tried");
  await shot("authoring-try");

  // A questionnaire, tried out while it is written.
  await begin("Questionnaire", "Courier service");
  await area.fill((await area.inputValue()).replace("title: What is to be known?", "title: Are there couriers?"));
  await stored();
  await page.getByRole("tab", { name: "Try it out" }).click();
  await page.getByRole("group", { name: "Are there couriers?" }).getByLabel("Yes").check();
  await page.getByRole("region", { name: "What the answers bring in" }).waitFor();
  await axe("a questionnaire that is tried");
  await shot("authoring-questions");

  // Published: the product gets a plan, and keeps what was reached; the questionnaire can be answered.
  await go("/library");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await dialog.getByLabel("Name").fill("Couriers");
  await dialog.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText("Version 1 is in force").first().waitFor();
  await go(`${of}/review`);
  await page.getByText("A stranger collects a parcel as the courier").first().waitFor();
  await page.getByRole("button", { name: "Accept all" }).click();
  await page.getByText("Nothing to review", { exact: true }).waitFor();
  const threat = await eventually(
    "the threat of the new pattern",
    async () => (await all("threats")).find((t) => t.title === "A stranger collects a parcel as the courier"),
    (t) => t !== undefined,
  );
  assert.equal((await all("countermeasures")).find((c) => c.id === done1.id)?.state, "implemented", "what was implemented before");
  await go(`${of}/threats?open=${threat.id}`);
  await page.getByRole("tab", { name: "Why" }).click();
  await page.getByRole("dialog").getByText("Somebody said that what is carried is secret.").first().waitFor();
  await go("/new");
  await page.getByRole("button", { name: /^Questionnaire/ }).click();
  const which = page.getByLabel("Questionnaire", { exact: true });
  await which.selectOption({ label: await which.getByRole("option", { name: /^Courier service/ }).innerText() });
  await page.getByRole("heading", { name: "New product from a questionnaire" }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("Night couriers");
  await page.getByRole("button", { name: "Create and continue" }).click();
  await page.getByRole("heading", { name: "First questions" }).waitFor();
  await page.getByRole("group", { name: "Are there couriers?" }).getByLabel("Yes").check();
  await page.getByText(/^1 of \d+ questions answered/).waitFor();
  await page.getByText("Stored", { exact: true }).waitFor();
  await axe("answering what was written");
  await shot("authoring-answered");
  await done();
}
