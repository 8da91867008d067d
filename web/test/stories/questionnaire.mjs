// server: fresh
// A product by questionnaire: the preview changes with every answer, answers are
// there after a break, the review brings in what was accepted, each threat says
// why it is here, and another answer later retires and adds without touching
// what a person wrote.
import { assert, eventually, firstStart, open, rest } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, done } = await open();
  await firstStart(page);
  await page.getByRole("button", { name: /^Answer a questionnaire/ }).click();
  await page.getByRole("heading", { name: "New product from a questionnaire" }).waitFor();
  const choose = (answer) => page.getByLabel(answer, { exact: true }).check();
  const brings = page.getByRole("region", { name: "What the answers bring in" });
  const sums = () => brings.getByRole("status").innerText();
  const answered = async () => Number.parseInt(await page.getByText(/^\d+ of \d+ questions answered/).innerText(), 10);

  // The first step: a question that only some answers ask.
  await page.getByLabel("Name", { exact: true }).fill("Parcel desk");
  const which = page.getByLabel("Questionnaire", { exact: true });
  await which.selectOption({ label: await which.getByRole("option", { name: /^Web product/ }).innerText() });
  await page.getByLabel("Data about people (names, addresses, orders, usage)", { exact: true }).waitFor();
  assert.equal(await answered(), 0, "questions answered at first");
  const people = page.getByRole("group", { name: "About how many people are in that data?" });
  assert.equal(await people.count(), 0, "a question about people before there is data about them");
  await choose("Data about people (names, addresses, orders, usage)");
  await people.waitFor();
  await choose("Thousands");
  await eventually("questions answered", answered, 2);
  await axe("first step");
  await shot("questionnaire-first");
  await page.getByRole("button", { name: "Create and continue" }).click();

  // The second: what the answers bring in is told while they are given.
  await page.getByRole("heading", { name: "Who reaches it" }).waitFor();
  const before = await sums();
  await choose("From the Internet, by anybody");
  await eventually("what the answers bring in", sums, (now) => now !== before);
  await eventually("questions answered", answered, 3);
  await page.getByRole("group", { name: "What comes in, one by one" }).getByLabel("New", { exact: true }).first().waitFor();
  await axe("second step");
  await shot("questionnaire-second");
  await page.getByText("Stored", { exact: true }).waitFor();
  const product = page.url().match(/products\/([^/]+)/)[1];
  await eventually("answers that are stored", () => rest(page, "GET", `/products/${product}/answers`).then((a) => a.answers.reach?.[0]), "internet");

  // A break, and back.
  await page.goto(new URL("/", page.url()).href);
  await page.getByRole("link", { name: "Parcel desk" }).first().click();
  await page.getByRole("link", { name: "Questionnaire", exact: true }).click();
  await page.getByRole("button", { name: /Who reaches it$/ }).click();
  assert.ok(await page.getByLabel("From the Internet, by anybody", { exact: true }).isChecked(), "an answer after the break");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "How users sign in" }).waitFor();
  await choose("The product itself, with passwords");
  await page.getByRole("group", { name: "Who uses a second factor?" }).waitFor();
  await choose("Nobody");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "How it is run" }).waitFor();
  // The second of two fast clicks is a step too, where the page did not move under the pointer.
  await page.getByRole("button", { name: "Continue" }).dispatchEvent("click", { detail: 2 });
  await page.getByRole("heading", { name: "What it is built with" }).waitFor();
  await choose("Pages made by the server");
  await choose("In a relational database (SQL)");
  const uploads = page.getByRole("group", { name: "Can people upload files?" });
  await uploads.getByLabel("Yes").check();
  const fetches = page.getByRole("group", { name: /^Does the server fetch addresses/ });
  await fetches.getByLabel("No").check();
  await page.getByRole("button", { name: "Review the plan" }).last().click();

  // The review: one step, then the rest.
  await page.getByRole("heading", { name: "Review", exact: true }).waitFor();
  const accept = page.getByRole("button", { name: /^Accept: / });
  await accept.first().waitFor();
  await axe("review");
  await shot("questionnaire-review");
  const step = page
    .getByRole("listitem")
    .filter({ has: page.getByText("Threat", { exact: true }) })
    .getByRole("button", { name: /^Accept: / })
    .first();
  const one = (await step.getAttribute("aria-label")).slice("Accept: ".length);
  await step.click();
  await page
    .getByText(/^1 step is accepted\.$/)
    .first()
    .waitFor();
  const all = async (kind) => (await rest(page, "GET", `/products/${product}/${kind}?limit=1000`)).items;
  assert.deepEqual(
    (await all("threats")).map((t) => t.title),
    [one],
    "threats after one step",
  );
  await page.getByRole("button", { name: "Accept all" }).click();
  await page
    .getByText(/accepted\. Nothing waits any more\.$/)
    .first()
    .waitFor();
  await page.getByText("Nothing to review").waitFor();

  // A threat says which rule and which answers brought it in; a person words it anew.
  const threats = await all("threats");
  assert.ok(threats.length > 5, `threats of the questionnaire: ${threats.length}`);
  const because = (t, question) => (t.why ?? []).some((w) => (w.facts ?? []).some((f) => f.name === `answers.${question}`));
  const gone = threats.find((t) => because(t, "uploads"));
  const kept = threats.find((t) => because(t, "reach") && !because(t, "uploads") && !because(t, "fetches"));
  assert.ok(gone && kept, "threats that follow from answers");
  await page.goto(new URL(`/products/${product}/threats?open=${gone.id}`, page.url()).href);
  await page.getByRole("tab", { name: "Why" }).click();
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("link", { name: "Answer: uploads" }).waitFor();
  await drawer.getByText("Rule and library").first().click();
  await drawer.getByText(gone.why[0].rule, { exact: true }).first().waitFor();
  await axe("why it is here");
  await shot("questionnaire-why");
  // What the rules brought has a CWE, and countermeasures that are required and recommended.
  await drawer.getByRole("tab", { name: "Details" }).click();
  await drawer
    .getByText(/^CWE-\d+$/)
    .first()
    .waitFor();
  const states = page.getByRole("table", { name: "Countermeasures" }).getByRole("row");
  for (const state of ["required", "recommended"]) {
    await page.goto(new URL(`/products/${product}/countermeasures?state=${state}`, page.url()).href);
    await states
      .filter({ hasText: new RegExp(state, "i") })
      .nth(1)
      .waitFor();
  }

  await page.goto(new URL(`/products/${product}/threats?open=${kept.id}`, page.url()).href);
  await drawer.getByRole("button", { name: /Change the title$/ }).click();
  await drawer.getByLabel("Title of the threat").fill("Worded by a person");
  await page.keyboard.press("Enter");
  await page.getByText("The title is changed").first().waitFor();

  // The way back from a reason to its question, and the other answer.
  await page.goto(new URL(`/products/${product}/threats?open=${gone.id}`, page.url()).href);
  await page.getByRole("tab", { name: "Why" }).click();
  await drawer.getByRole("link", { name: "Answer: uploads" }).click();
  await page.getByRole("heading", { name: "What it is built with" }).waitFor();
  await eventually("the question that is led to has the focus", () => uploads.evaluate((el) => el.contains(document.activeElement)), true);
  await uploads.getByLabel("No").check();
  await fetches.getByLabel("Yes").check();
  await page.getByRole("button", { name: "Review the plan" }).click();
  await page
    .getByText("Retired", { exact: true })
    .or(page.getByText("Removed", { exact: true }))
    .first()
    .waitFor();
  await accept.first().waitFor();
  await axe("what another answer changes");
  await shot("questionnaire-again");
  await page.getByRole("button", { name: "Accept all" }).click();
  await page
    .getByText(/accepted\. Nothing waits any more\.$/)
    .first()
    .waitFor();
  const after = await all("threats");
  assert.ok(!after.some((t) => t.id === gone.id && !t.retired), "the threat of the former answer is gone or retired");
  assert.ok(
    after.some((t) => because(t, "fetches") && !threats.some((o) => o.id === t.id)),
    "the other answer brings its threats",
  );
  assert.equal(after.find((t) => t.id === kept.id)?.title, "Worded by a person", "what a person wrote");
  await page.goto(new URL(`/products/${product}/threats?q=worded`, page.url()).href);
  await page.getByRole("row", { name: /Worded by a person/ }).waitFor();
  await done();
}
