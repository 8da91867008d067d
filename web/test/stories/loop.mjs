// server: fresh
// Once round the loop by clicks: a drawing is imported and its plan accepted, tickets
// go out once, a closed one lowers the risk, a failing test takes that back and opens
// a vulnerability, a passing one proves it, and a refused ticket rejects what it was for.
import { readFileSync } from "node:fs";
import { assert, eventually, file, firstStart, open, rest } from "../rig.mjs";

const literal = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export default async function () {
  const { page, context, shot, axe, done } = await open({ path: "/" });
  await firstStart(page);
  const ask = (method, path, body) => rest(page, method, path, body);
  const at = (path) => new URL(path, page.url()).href;

  // The model: a file, looked at before it is stored, and its plan.
  await page.goto(at("/new"));
  await page.getByRole("button", { name: /^Import/ }).click();
  await page.locator("input[type=file]").setInputFiles(file("diagram.json"));
  await page.getByText("This is what was understood. Nothing is stored yet.").waitFor();
  await axe("what was understood");
  await shot("loop-understood");
  await page.getByLabel("Name of the product").fill("Parcel desk");
  await page.getByRole("button", { name: "Create the product" }).click();
  await page.waitForURL(/\/products\/[^/]+\/review/);
  const product = new URL(page.url()).pathname.split("/")[2];
  const of = `/products/${product}`;
  await page.getByRole("button", { name: "Accept all" }).waitFor();
  await axe("the plan");
  await shot("loop-plan");
  await page.getByRole("button", { name: "Accept all" }).click();
  await page.getByText("Nothing to review", { exact: true }).waitFor();
  await shot("loop-accepted");

  const all = async (kind) => (await ask("GET", `${of}/${kind}?limit=1000`)).items;
  const threat = (await all("threats")).find((t) => t.ref === "sql-injection/read-other-customers-data");
  const helps = (await all("countermeasures")).find((c) => c.ref === "parameterised-queries");
  assert.ok(threat && helps, "the drawing brings SQL injection and what helps against it");
  const figures = async () => ({
    threat: (await ask("GET", `${of}/threats/${threat.id}`)).rating.exact,
    product: (await ask("GET", of)).risk.open.sum_exact,
  });
  const planned = await figures();

  // A tracker: connected with a check list that turns green.
  await page.getByRole("link", { name: "Trackers", exact: true }).click();
  await page.getByRole("button", { name: "Connect a tracker" }).click();
  const connect = page.getByRole("dialog", { name: "Connect a tracker" });
  await connect.getByRole("radio", { name: /Built-in tracker/ }).check();
  await axe("connect");
  await connect.getByRole("button", { name: "Connect" }).click();
  await page.waitForURL(/\/trackers\/con_.*view=check/);
  const connection = new URL(page.url()).pathname.split("/")[2];
  await connect.waitFor({ state: "hidden" });
  await page.getByLabel("Project", { exact: true }).fill("SHOP");
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.getByText("Ready: tickets can be made there.").waitFor();
  assert.equal(await page.getByRole("list", { name: "Check list" }).getByText(": good").count(), 2, "steps of the check list that are good");
  await axe("check list");
  await shot("loop-checked");

  // The policy of the product.
  await page.goto(at(`${of}/settings`));
  await page.getByLabel("Tracker", { exact: true }).selectOption(connection);
  await page.getByRole("combobox", { name: "Project" }).click();
  await page.getByPlaceholder("Key of the project").fill("SHOP");
  await page.getByRole("option", { name: "Use “SHOP”" }).click();
  await page.getByLabel("A ticket for a vulnerability opens").selectOption("contradicted");
  await page.getByLabel("Close it once the test passes again").check();
  await page.getByLabel("Open it again when the test fails again").check();
  await page.getByLabel("The pass must have stood for").fill("0");
  await axe("ticket policy");
  await shot("loop-policy");
  await page.getByRole("region", { name: "Unsaved changes" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("The ticket policy is saved.").first().waitFor();

  // Published once: every one shows its key.
  await page
    .getByRole("navigation", { name: "Places of the product" })
    .getByRole("link", { name: /Review/ })
    .click();
  await page.getByRole("tab", { name: /^Tickets/ }).click();
  await page.getByRole("button", { name: /^Publish \d+ tickets?$/ }).waitFor();
  const row = (c) => page.getByRole("checkbox", { name: new RegExp(`^${literal(c.title)}\\s*${literal(c.where_name)}`) });
  await row(helps).check();
  await axe("tickets to publish");
  await shot("loop-publish");
  const publish = page.getByRole("button", { name: /^Publish \d+ tickets?$/ });
  const many = Number(/\d+/.exec(await publish.innerText())[0]);
  await publish.click();
  await page
    .getByText(/tickets? (is|are) on the way to the tracker/)
    .first()
    .waitFor();
  const tickets = async () => (await all("tickets")).filter((t) => t.state !== "held");
  const out = await eventually("the tickets to be made", tickets, (list) => list.length === many && list.every((t) => t.key && t.state === "open"));
  const [bare, required] = [out.filter((t) => t.purpose === "threat"), out.filter((t) => t.purpose === "countermeasure")];
  assert.ok(required.length >= 2 && bare.length >= 1, "several countermeasures and a threat that nothing is done about were published");
  await page.goto(at(`${of}/countermeasures?q=SHOP-`));
  const table = page.getByRole("table", { name: "Countermeasures" });
  for (const t of required) await table.getByRole("link", { name: t.key, exact: true }).waitFor();
  await shot("loop-countermeasures");
  const key = out.find((t) => t.object === helps.id).key;

  const served = new Map(required.map((t) => [t.object, t.key]));
  const shown = new Set();
  for (const t of (await all("threats")).filter((x) => (x.countermeasures ?? []).some((c) => served.has(c) && !shown.has(c)))) {
    const own = t.countermeasures.filter((c) => served.has(c));
    if (own.every((c) => shown.has(c))) continue;
    await page.goto(at(`${of}/threats?open=${t.id}`));
    for (const c of own) {
      await page
        .getByRole("dialog")
        .getByRole("link", { name: new RegExp(`^${served.get(c)}\\b`) })
        .first()
        .waitFor();
      shown.add(c);
    }
  }
  assert.equal(shown.size, required.length, "countermeasures whose ticket was seen on a threat");
  // A threat without any countermeasure has a ticket of its own, and the threat has its key.
  for (const t of bare) {
    await page.goto(at(`${of}/threats?open=${t.object}`));
    await page
      .getByRole("dialog")
      .getByRole("link", { name: new RegExp(`^${t.key}\\b`) })
      .waitFor();
    assert.equal(await page.getByRole("dialog").getByRole("button", { name: "Create a ticket" }).count(), 0, "ways to make a second one");
  }
  await axe("a threat with its ticket");
  await shot("loop-threat-ticket");
  await page.goto(at(`${of}/countermeasures?open=${helps.id}`));
  await page
    .getByRole("dialog")
    .getByRole("link", { name: new RegExp(`^${key}\\b`) })
    .waitFor();
  await axe("a countermeasure with its ticket");
  await shot("loop-ticket");

  // Published again: none twice.
  await page.goto(at(`${of}/countermeasures?q=SHOP-`));
  await page.getByRole("checkbox", { name: "Select all rows" }).check();
  await page.getByRole("button", { name: "Create tickets" }).click();
  await page.getByRole("toolbar", { name: "The selection" }).waitFor({ state: "hidden" });
  await page.goto(at(`${of}/threats?q=SHOP-`));
  await page.getByRole("checkbox", { name: "Select all rows" }).check();
  await page.getByRole("button", { name: "Create tickets" }).click();
  await page.getByRole("toolbar", { name: "The selection" }).waitFor({ state: "hidden" });
  await page.goto(at(`${of}/review?step=publish`));
  await page
    .getByRole("button", { name: /^Publish \d+ tickets?$/ })
    .or(page.getByText("Every required countermeasure has its ticket"))
    .waitFor();
  assert.equal(await row(helps).count(), 0, "a countermeasure with a ticket among those to publish");
  for (const t of bare)
    assert.equal(await page.getByRole("checkbox", { name: t.summary }).count(), 0, "a threat with a ticket among those to publish");
  assert.deepEqual((await tickets()).map((t) => t.key).sort(), out.map((t) => t.key).sort(), "tickets after publishing them again");
  assert.equal((await ask("GET", `/connections/${connection}/tickets`)).items.length, out.length, "tickets on the board");

  // Somebody works on the board; another window shows what follows, without being loaded again.
  const watching = await open({ context, path: `${of}/threats?open=${threat.id}` });
  const drawer = watching.page.getByRole("dialog");
  const stateOf = (p, name) => p.getByRole("button", { name: new RegExp(`^State of ${literal(helps.title)}: ${name}`) }).first();
  await stateOf(drawer, "Required").waitFor();
  const current = drawer.locator("dl > div", { has: watching.page.locator("dt", { hasText: /^Current/ }) }).locator("dd");
  assert.equal(await current.innerText(), String(Math.round(planned.threat.current)), "the current rating in the drawer");
  await watching.page.evaluate(() => {
    window.loadedOnce = true;
  });
  await page.goto(at(`/board/${connection}`));
  const card = (k) => page.locator(`[data-card="${k}"]`);
  await page.getByRole("region", { name: "To Do" }).locator(`[data-card="${key}"]`).waitFor();
  await axe("the board");
  await shot("loop-board");
  await card(key).click();
  await page.getByRole("dialog").getByLabel("Move to").selectOption("Done");
  await page.getByRole("dialog").getByRole("button", { name: "Move", exact: true }).click();
  await page.getByRole("region", { name: "Done" }).locator(`[data-card="${key}"]`).waitFor();
  await stateOf(drawer, "Implemented").waitFor();
  const claimed = await eventually(
    "the figures to fall",
    figures,
    (f) => f.threat.current < planned.threat.current && f.product.current < planned.product.current,
  );
  assert.equal(claimed.threat.verified, planned.threat.verified, "the verified rating while nothing is proven");
  await drawer.getByText(/claimed, not proven/).waitFor();
  await eventually("the current rating in the drawer", () => current.innerText(), String(Math.round(claimed.threat.current)));
  await watching.shot("loop-implemented");
  await watching.axe("implemented by the tracker");

  // A failing report takes it back and opens a vulnerability.
  await page.goto(at(`${of}/tests`));
  await page.getByText(/^Options:/).click();
  await page.getByLabel("Source").fill("unit-tests");
  await drop(page, "junit-fail.xml");
  const sent = page
    .getByRole("list", { name: "Reports that were sent from here" })
    .getByRole("listitem")
    .filter({ has: page.getByRole("heading", { name: /junit-fail/ }) });
  await sent.getByRole("heading", { name: "Failing for the first time" }).waitFor();
  await sent.getByText("searchByOrderNumberTakesQuotesAsText").first().waitFor();
  await sent.getByRole("link", { name: helps.title }).first().waitFor();
  await axe("what the failing report changed");
  await shot("loop-failed");
  assert.deepEqual(await figures(), planned, "the figures after the failing report");
  await drawer.getByText("Fails").first().waitFor();
  await watching.page.getByText(/claimed, not proven/).waitFor({ state: "hidden" });
  await watching.shot("loop-contradicted");
  // The first results of a product wait for a person.
  await eventually(
    "the vulnerability to wait for a person",
    async () => (await all("tickets")).filter((t) => t.purpose === "vulnerability" && t.state === "held").length,
    1,
  );
  await page.goto(at(`${of}/tickets?purpose=vulnerability`));
  await page.getByRole("checkbox", { name: "Select this row" }).first().check();
  await page.getByRole("button", { name: "Release 1", exact: true }).click();
  const vulnerability = (
    await eventually(
      "one open vulnerability ticket",
      async () => (await tickets()).filter((t) => t.purpose === "vulnerability"),
      (list) => list.length === 1 && list[0].key && list[0].state === "open",
    )
  )[0];
  await page.getByRole("navigation", { name: "Places of the product" }).getByRole("link", { name: "Tickets" }).click();
  await page.getByRole("searchbox", { name: "Search the tickets" }).fill(vulnerability.key);
  await page.getByText(vulnerability.key, { exact: true }).first().waitFor();
  await axe("tickets");
  await shot("loop-tickets");
  await eventually(
    "the vulnerability to be linked to the countermeasure's ticket",
    async () => (await ask("GET", `/connections/${connection}/tickets/${vulnerability.id}`)).links ?? [],
    (links) => links.length > 0,
  );
  await page.goto(at(`/board/${connection}?ticket=${vulnerability.key}`));
  await page.getByRole("dialog").getByText("Linked tickets").waitFor();
  await page.getByRole("dialog").getByText(key, { exact: true }).waitFor();
  await axe("the vulnerability");
  await shot("loop-vulnerability");

  // A passing report proves it and closes the vulnerability.
  await page.goto(at(`${of}/tests`));
  await page.getByText(/^Options:/).click();
  await page.getByLabel("Source").fill("unit-tests");
  await drop(page, "junit-pass.xml");
  await page.getByText("Passed now").first().waitFor();
  await shot("loop-passed");
  const proven = await eventually("the verified rating to fall", figures, (f) => f.threat.verified < planned.threat.verified);
  assert.equal(proven.threat.current, claimed.threat.current, "the current rating once the claim is proven");
  await drawer.getByText("Passed").first().waitFor();
  await eventually("the vulnerability ticket to close", async () => (await tickets()).find((t) => t.purpose === "vulnerability").state, "closed");
  // What the later run said stands on the ticket.
  const { comments } = await eventually(
    "a word about the pass on the vulnerability ticket",
    () => ask("GET", `/connections/${connection}/tickets/${vulnerability.id}`),
    (t) => t.comments?.length > 0,
  );
  await page.goto(at(`/board/${connection}?ticket=${vulnerability.key}`));
  const word = (said) => page.getByRole("dialog").getByText(said.text.split("\n")[0]).first().waitFor();
  await word(comments.at(-1));
  await page.goto(at(`/board/${connection}?ticket=${key}`));
  await page
    .getByRole("dialog")
    .getByText(/Verified/)
    .first()
    .waitFor();
  await shot("loop-verified");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.getByRole("region", { name: "Done" }).locator(`[data-card="${vulnerability.key}"]`).waitFor();

  // It fails again: the same ticket is opened anew and says so; nothing of it is there twice.
  await page.goto(at(`${of}/tests`));
  await page.getByText(/^Options:/).click();
  await page.getByLabel("Source").fill("unit-tests");
  await drop(page, "junit-fail.xml", "<!-- and it fails again -->\n");
  await page.getByRole("heading", { name: "Failing again" }).first().waitFor();
  const again = await eventually(
    "another word on the ticket, which is open again",
    () => ask("GET", `/connections/${connection}/tickets/${vulnerability.id}`),
    (t) => t.comments?.length > comments.length && t.status !== "Done",
  );
  assert.equal((await tickets()).filter((t) => t.purpose === "vulnerability").length, 1, "vulnerability tickets after it failed again");
  assert.deepEqual(await figures(), planned, "the figures after it failed again");
  await page.goto(at(`/board/${connection}?ticket=${vulnerability.key}`));
  await word(again.comments.at(-1));
  await shot("loop-reopened");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.getByRole("region", { name: "To Do" }).locator(`[data-card="${vulnerability.key}"]`).waitFor();

  // Won't do, with a comment: rejected, with the reason.
  const other = out.find((t) => t.object.startsWith("cms_") && t.key !== key);
  await card(other.key).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Move to").selectOption("Done");
  await dialog.getByLabel("As").selectOption("Won't do");
  await dialog.getByLabel("Comment", { exact: true }).fill("The supplier does this for us.");
  await axe("won't do");
  await shot("loop-wont-do");
  await dialog.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByRole("region", { name: "Done" }).locator(`[data-card="${other.key}"]`).waitFor();
  await page.goto(at(`${of}/countermeasures?open=${other.object}`));
  await dialog.getByRole("button", { name: /^State of .*: Rejected/ }).waitFor();
  await dialog
    .getByText(/The supplier does this for us\./)
    .first()
    .waitFor();
  await shot("loop-rejected");
  assert.ok(await watching.page.evaluate(() => window.loadedOnce), "the window that watched was never loaded again");

  // Looking back: causes, history, and a trail that nobody changed.
  await page.goto(at(`${of}/overview`));
  await page.getByText(/^Causes as a list/).click();
  for (const cause of [/SHOP-\d+/, /unit-tests: .*(was found|does not hold)/, /unit-tests: .*(is proven|is no longer found)/]) {
    await page.getByRole("listitem").filter({ hasText: cause }).first().waitFor();
  }
  await axe("overview");
  await shot("loop-overview");
  await page.goto(at(`${of}/history`));
  await page.getByRole("heading", { level: 3 }).first().waitFor();
  await shot("loop-history");
  await page.getByLabel("What is shown").getByText("Everything").click();
  await page.getByRole("button", { name: "Check the trail" }).click();
  await page
    .getByText(/The trail is whole/)
    .first()
    .waitFor();
  await axe("the trail");
  await shot("loop-trail");
  assert.deepEqual(watching.wrong, [], "what must not happen in the window that watched");
  await done();
}

/** drop drops a report on the page, as a hand would; with more at its end it is a report of another run. */
async function drop(page, name, more = "") {
  const data = await page.evaluateHandle(
    ([text, name]) => {
      const d = new DataTransfer();
      d.items.add(new File([text], name, { type: "text/xml" }));
      return d;
    },
    [readFileSync(file(name), "utf8") + more, name],
  );
  const on = page.getByRole("heading", { name: "Drop reports anywhere on this page" });
  await on.waitFor();
  for (const event of ["dragenter", "dragover", "drop"]) await on.dispatchEvent(event, { dataTransfer: data });
}
