// server: fresh
// An administrator adds people and gives them roles. A viewer sees everything of
// the product and no way to change it; a developer moves a countermeasure, says
// something about it and finds what is theirs under "Assigned to me".
import { assert, eventually, firstStart, open, rest, signIn } from "../rig.mjs";

const password = "correct horse battery staple";
const people = {
  viewer: { name: "Vera Viewer", email: "vera@example.org", password },
  developer: { name: "Dan Developer", email: "dan@example.org", password },
};

export default async function () {
  const { page, shot, axe, done } = await open({ path: "/admin/people" });
  await firstStart(page);
  const product = await rest(page, "POST", "/products/sample", {});
  const other = await rest(page, "POST", "/products", { name: "Somebody else's" });
  const at = (p, path) => p.goto(new URL(path, page.url()).href);
  const of = `/products/${product.id}`;

  // Two accounts, and a role for each.
  await at(page, "/admin/people");
  const dialog = page.getByRole("dialog");
  for (const who of Object.values(people)) {
    await page.getByRole("button", { name: "Add a person" }).click();
    await dialog.getByLabel("Name", { exact: true }).fill(who.name);
    await dialog.getByLabel("E-mail").fill(who.email);
    await dialog.getByLabel("First password").fill(who.password);
    await axe("add a person");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText(`${who.name} may sign in now`).first().waitFor();
    await page.getByRole("row", { name: new RegExp(who.name) }).waitFor();
  }
  await shot("people");
  await at(page, `/admin/roles?product=${product.id}`);
  for (const [role, who] of Object.entries(people)) {
    await page.getByRole("combobox", { name: "Add a person" }).click();
    await page.getByRole("option", { name: new RegExp(who.name) }).click();
    await page.getByLabel("As", { exact: true }).selectOption(role);
    await page.getByRole("button", { name: "Give the role" }).click();
    await page.getByText(`${who.name} is ${role} now`).first().waitFor();
    await eventually("the role", () => page.getByLabel(`Role of ${who.name}`, { exact: true }).inputValue(), role);
  }
  const matrix = page.getByRole("table", { name: "What each role may do" });
  await matrix.getByRole("columnheader", { name: "Approver" }).waitFor();
  const row = matrix.getByRole("row").filter({ hasText: /read/i }).first();
  assert.equal(await row.getByRole("img", { name: "yes" }).count(), 5, "roles that may read");
  await axe("roles");
  await shot("people-roles");

  await viewer(of, product, other, at);
  await developer(of, product, page, at);

  await done();
}

/** viewer reads everything and finds nothing to change. */
async function viewer(of, product, other, at) {
  const { page, shot, axe, done } = await open({ allowed: [/status of 40[34]/] });
  await signIn(page, people.viewer);
  await page.getByRole("link", { name: product.name }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Somebody else's" }).count(), 0, "a product that is not theirs");
  await axe("a viewer's portfolio");

  const changing = /^(add|new|change|accept|refuse|delete|archive|import|publish|save|upload|comment$|owner of|state of|status of|select)/i;
  for (const [place, ready] of [
    ["overview", "Overview"],
    ["threats", "Threats"],
    ["countermeasures", "Countermeasures"],
    ["review", "Review"],
    ["questionnaire", "Questionnaire"],
    ["history", "History"],
    ["settings", "Settings"],
  ]) {
    await at(page, `${of}/${place}`);
    await page.getByRole("heading", { name: ready, exact: true }).first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll("main [aria-label=Loading], main [aria-busy=true]").length === 0);
    const there = await page.locator("main").locator("button:enabled, input[type=checkbox]:enabled, textarea:enabled").all();
    const names = await Promise.all(there.map((b) => b.evaluate((el) => (el.getAttribute("aria-label") ?? el.textContent ?? "").trim())));
    assert.deepEqual(
      names.filter((n) => changing.test(n)),
      [],
      `what a viewer could change at ${place}`,
    );
  }
  const threat = (await rest(page, "GET", `${of}/threats?sort=-rating&limit=1`)).items[0];
  await at(page, `${of}/threats?open=${threat.id}`);
  const drawer = page.getByRole("dialog");
  await drawer.getByText(threat.title).first().waitFor();
  assert.equal(await drawer.getByRole("button", { name: /^(Change|Status of|Owner of|More$)/ }).count(), 0, "a viewer's ways to change a threat");
  await drawer.getByRole("tab", { name: /^Comments/ }).click();
  await drawer.getByText("Writing comments takes the right of a developer.").waitFor();
  await axe("a viewer's threat");
  await shot("people-viewer");

  await at(page, `/products/${other.id}/threats`);
  await page.getByText("There is nothing here, or you may not see it").waitFor();
  await axe("not theirs");
  await shot("people-not-theirs");
  await at(page, "/admin/people");
  await page.getByText("Only administrators of the installation see this").waitFor();
  await done();
}

/** developer works on a countermeasure that an administrator gave them. */
async function developer(of, product, admin, at) {
  const { items } = await rest(admin, "GET", `${of}/countermeasures?state=recommended,required&limit=1`);
  const work = items[0];
  // The administrator gives it away in the drawer.
  await at(admin, `${of}/countermeasures?open=${work.id}`);
  const given = admin.getByRole("dialog").first();
  await given.getByRole("button", { name: /^Owner of .*Change it$/ }).click();
  await admin.getByRole("option", { name: new RegExp(people.developer.name) }).click();
  await admin.getByText(`${people.developer.name} owns it now`).first().waitFor();

  const { page, shot, axe, done } = await open({ path: "/assigned" });
  await signIn(page, people.developer);
  const mine = page.getByRole("link", { name: new RegExp(escaped(work.title)) });
  await mine.waitFor();
  await axe("assigned to me");
  await shot("people-assigned");
  await mine.click();
  await page.waitForURL((u) => u.pathname === `${of}/countermeasures` && u.searchParams.get("open") === work.id);
  const drawer = page.getByRole("dialog").first();
  await drawer.getByRole("button", { name: /^State of .*Change it$/ }).click();
  assert.ok(await page.getByRole("menuitem", { name: /^Rejected/ }).isDisabled(), "a developer rejects nothing");
  await page.getByRole("menuitem", { name: /^Implemented/ }).click();
  await page
    .getByText(/is now implemented/)
    .first()
    .waitFor();
  await eventually("the state", () => rest(page, "GET", `${of}/countermeasures/${work.id}`).then((c) => c.state), "implemented");

  // What is said, changed and taken back; the administrator sees it without doing anything.
  await drawer.getByRole("tab", { name: /^Comments/ }).click();
  await given.getByRole("tab", { name: /^Comments/ }).click();
  await drawer.getByLabel("Write a comment").fill("Done on the staging server");
  await drawer.getByRole("button", { name: "Comment", exact: true }).click();
  const said = drawer.getByRole("article", { name: `Comment by ${people.developer.name}` });
  await said.getByText("Done on the staging server").waitFor();
  await given.getByText("Done on the staging server").waitFor();
  await axe("a comment");
  await said.getByRole("button", { name: "This comment" }).click();
  await page.getByRole("menuitem", { name: "Change" }).click();
  await drawer.getByLabel("Change the comment").fill("Done everywhere");
  await page.keyboard.press("Control+Enter");
  await said.getByText("Done everywhere").waitFor();
  await said.getByText("edited").waitFor();
  await given.getByText("Done everywhere").waitFor();
  await shot("people-comment");
  await said.getByRole("button", { name: "This comment" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByText("The comment is deleted").first().waitFor();
  await said.waitFor({ state: "hidden" });
  await drawer.getByText("Nobody has said anything yet.").waitFor();
  assert.equal((await rest(page, "GET", `${of}/comments?object=countermeasure/${work.id}`)).items.length, 0, `comments of ${product.name}`);
  await done();
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
