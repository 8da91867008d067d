// server: jira
// A team that works in Jira: the tracker is connected and its check list turns green, its
// own words are given a meaning, what is published stands there, and what the team plans,
// estimates, finishes and refuses comes back by webhook, with nothing done here. Then the
// same in short with a Jira Data Center beside it.
import { assert, eventually, firstStart, open, rest } from "../rig.mjs";

const jira = {
  url: process.env.STORY_JIRA,
  email: process.env.STORY_JIRA_EMAIL,
  token: process.env.STORY_JIRA_TOKEN,
  points: process.env.STORY_JIRA_POINTS,
  own: { url: process.env.STORY_JIRA_OWN, token: process.env.STORY_JIRA_OWN_TOKEN },
};

/** person does something in Jira as a colleague there, and returns the issues as they are then. */
async function person(act, what = {}, at = jira) {
  const r = await fetch(`${at.url}/person/${act}`, { method: "POST", body: JSON.stringify(what) });
  assert.ok(r.ok, `${act}: ${await r.clone().text()}`);
  return (await r.json()) ?? [];
}

export default async function () {
  // A wrong token is tried first; leaving a place ends what it still asks.
  const { page, context, shot, axe, done } = await open({ path: "/" });
  await firstStart(page);
  const at = (path) => new URL(path, page.url()).href;
  const made = await rest(page, "POST", "/products", {
    name: "Parcel desk",
    questionnaire: "web-product",
    answers: { database: ["sql"], reach: "internet" },
  });
  const of = `/products/${made.id}`;
  await rest(page, "POST", `${of}/plan`, { all: true });

  await connected(page, shot, axe);
  const connection = new URL(page.url()).pathname.split("/")[2];
  await meant(page, shot);
  await told(page, shot, axe, connection);

  // Where the product's tickets go; then two of them are published.
  await page.goto(at(`${of}/settings`));
  await page.getByLabel("Tracker", { exact: true }).selectOption(connection);
  await choose(page, "Project", "Key of the project", "SHOP");
  await choose(page, "Type", "Issue type", "Task");
  await page.getByLabel("What goes out").selectOption("manual");
  await page.getByRole("region", { name: "Unsaved changes" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("The ticket policy is saved.").first().waitFor();

  const all = (await rest(page, "GET", `${of}/countermeasures?state=required&limit=1000`)).items;
  const helps = all.find((c) => c.ref === "parameterised-queries");
  const other = all.find((c) => c.id !== helps.id);
  for (const c of [helps, other]) {
    await page.goto(at(`${of}/countermeasures?open=${c.id}`));
    await page.getByRole("dialog").getByRole("button", { name: "Create a ticket" }).click();
    await page
      .getByRole("dialog")
      .getByRole("link", { name: /^SHOP-\d+/ })
      .first()
      .waitFor();
  }
  const keyOf = async (c) => (await rest(page, "GET", `${of}/countermeasures/${c.id}`)).tickets.find((t) => t.purpose === "countermeasure").key;
  const [key, otherKey] = [await keyOf(helps), await keyOf(other)];
  const issues = await person("issues");
  assert.equal(issues.length, 2, "issues in Jira");
  const issue = issues.find((i) => i.Key === key);
  assert.ok(issue.Summary.includes(helps.title) && issue.Text.includes("Parcel desk"), `what stands in Jira: ${issue.Summary}`);

  // The team plans and estimates like anything else; the estimate is seen in the model.
  await page.goto(at(`${of}/countermeasures?open=${helps.id}`));
  const drawer = page.getByRole("dialog");
  const cost = drawer.locator("xpath=.//dt[starts-with(normalize-space(), 'Cost')]/following-sibling::dd[1]");
  const before = await cost.innerText();
  await person("estimate", { key, seconds: 5 * 8 * 3600, points: 8 });
  await drawer.getByText("estimated at 8 points, 5 days").waitFor();
  await eventually(
    "the cost from the estimate",
    () => cost.innerText(),
    (text) => text !== before && /^5 days/.test(text),
  );
  await axe("an estimate from Jira");
  await shot("jira-estimate");

  // A person's own figure stays, whatever the team says next; the estimate is seen beside it.
  await drawer.getByRole("button", { name: "Change the cost" }).click();
  await page.getByRole("dialog", { name: "Cost" }).getByLabel("Cost").fill("3");
  await page.getByRole("dialog", { name: "Cost" }).getByRole("button", { name: "Save" }).click();
  await eventually(
    "the cost that was said here",
    () => cost.innerText(),
    (text) => /^3 days/.test(text),
  );
  await person("estimate", { key, seconds: 2 * 3600, points: 8 });
  await drawer.getByText("estimated at 8 points, 2 hours").waitFor();
  assert.match(await cost.innerText(), /^3 days/, "the cost that was said here, after another estimate");

  // Begun, which here means nothing yet; then done: implemented, and the risk falls.
  const threat = (await rest(page, "GET", `${of}/threats?limit=1000`)).items.find((t) => t.countermeasures?.includes(helps.id) && t.rating);
  const current = async () => (await rest(page, "GET", `${of}/threats/${threat.id}`)).rating.exact.current;
  const planned = await current();
  await person("move", { key, status: "In Progress" });
  await drawer.getByText("In Progress").first().waitFor();
  await drawer.getByRole("button", { name: /^State of .*: Required/ }).waitFor();
  await person("move", { key, status: "Done" });
  await drawer.getByRole("button", { name: /^State of .*: Implemented/ }).waitFor();
  assert.ok((await current()) < planned, "the current rating of a threat after the ticket was done");
  await shot("jira-implemented");

  // The other is refused in a word of Jira's own, to which a meaning was given.
  await person("move", { key: otherKey, status: "Done", resolution: "Cannot Reproduce", comment: "The supplier does this for us." });
  await page.goto(at(`${of}/countermeasures?open=${other.id}`));
  await drawer.getByRole("button", { name: /^State of .*: Rejected/ }).waitFor();
  await drawer
    .getByText(/The supplier does this for us\./)
    .first()
    .waitFor();

  // Published again from the list: none twice. The threat, opened anew, shows the key that it has.
  await page.goto(at(`${of}/countermeasures?q=${key.split("-")[0]}-`));
  await page.getByRole("checkbox", { name: "Select all rows" }).check();
  await page.getByRole("button", { name: "Create tickets" }).click();
  await page.getByRole("toolbar", { name: "The selection" }).waitFor({ state: "hidden" });
  await page.goto(at(`${of}/threats?open=${threat.id}`));
  await drawer
    .getByRole("link", { name: new RegExp(`^${key}\\b`) })
    .first()
    .waitFor();
  await page.goto(at(`${of}/countermeasures?open=${other.id}`));

  // Opened again there: required again here.
  await person("move", { key: otherKey, status: "To Do" });
  await drawer.getByRole("button", { name: /^State of .*: Required/ }).waitFor();
  assert.equal((await person("issues")).length, 2, "issues in Jira in the end");

  // With deliveries seen the last step of the check list is green too.
  await page.goto(at(`/trackers/${connection}?view=check&project=SHOP&type=Task`));
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.getByText("Ready: tickets can be made there.").waitFor();
  assert.equal(await page.getByRole("list", { name: "Check list" }).getByText(": good").count(), 7, "good steps once the webhook was heard");
  await dataCenter(page, shot, axe);
  await done();
  await context.close();
}

/** dataCenter connects a Jira of the organisation's own beside the other, makes a ticket there and sees it come back. */
async function dataCenter(page, shot, axe) {
  const at = (path) => new URL(path, page.url()).href;
  const { id } = await rest(page, "POST", "/products", {
    name: "Returns desk",
    questionnaire: "web-product",
    answers: { database: ["sql"], reach: "internet" },
  });
  await rest(page, "POST", `/products/${id}/plan`, { all: true });
  await page.goto(at("/trackers"));
  await page.getByRole("button", { name: "Connect a tracker" }).click();
  const connect = page.getByRole("dialog", { name: "Connect a tracker" });
  await connect.getByRole("radio", { name: /Jira Data Center/ }).check();
  await connect.getByRole("textbox", { name: "Address" }).fill(jira.own.url);
  await connect.getByRole("textbox", { name: "Personal access token" }).fill(jira.own.token);
  await axe("connect Jira Data Center");
  await shot("jira-own");
  await connect.getByRole("button", { name: "Connect" }).click();
  await page.waitForURL(/\/trackers\/con_.*view=check/);
  await connect.waitFor({ state: "hidden" });
  const connection = new URL(page.url()).pathname.split("/")[2];
  await page.getByLabel("Project", { exact: true }).fill("DESK");
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await page.getByText("Ready: tickets can be made there.").waitFor();
  await told(page, shot, axe, connection, jira.own);
  await page.goto(at(`/products/${id}/settings`));
  await page.getByLabel("Tracker", { exact: true }).selectOption(connection);
  await choose(page, "Project", "Key of the project", "DESK");
  await choose(page, "Type", "Issue type", "Task");
  await page.getByLabel("What goes out").selectOption("manual");
  await page.getByRole("region", { name: "Unsaved changes" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("The ticket policy is saved.").first().waitFor();
  const helps = (await rest(page, "GET", `/products/${id}/countermeasures?state=required&limit=1`)).items[0];
  await page.goto(at(`/products/${id}/countermeasures?open=${helps.id}`));
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("button", { name: "Create a ticket" }).click();
  await drawer
    .getByRole("link", { name: /^DESK-\d+/ })
    .first()
    .waitFor();
  const [issue] = await person("issues", {}, jira.own);
  await person("move", { key: issue.Key, status: "Done" }, jira.own);
  await drawer.getByRole("button", { name: /^State of .*: Implemented/ }).waitFor();
  await shot("jira-own-implemented");
}

/** choose takes a value that the tracker offers, or one that is typed. */
async function choose(page, label, search, value) {
  await page.getByRole("combobox", { name: label }).click();
  await page.getByPlaceholder(search).fill(value);
  await page
    .getByRole("option", { name: new RegExp(`^(Use “)?${value}`) })
    .first()
    .click();
}

/** connected connects Jira by the form and walks the check list. */
async function connected(page, shot, axe) {
  await page.getByRole("link", { name: "Trackers", exact: true }).click();
  await page.getByRole("button", { name: "Connect a tracker" }).click();
  const connect = page.getByRole("dialog", { name: "Connect a tracker" });
  await connect.getByRole("radio", { name: /Jira Cloud/ }).check();
  await connect.getByRole("textbox", { name: "Address" }).fill(jira.url);
  await connect.getByRole("textbox", { name: "Account" }).fill(jira.email);
  await connect.getByRole("textbox", { name: "API token" }).fill(`${jira.token}5`);
  await connect.getByRole("button", { name: "Estimates and links" }).click();
  await connect.getByLabel("Story points field").fill(jira.points);
  await axe("connect Jira");
  await connect.getByRole("button", { name: "Connect" }).click();
  await page.waitForURL(/\/trackers\/con_.*view=check/);
  await connect.waitFor({ state: "hidden" });

  // A wrong token is told at its step; with the right one each step turns green.
  const steps = page.getByRole("list", { name: "Check list" }).getByRole("listitem");
  const good = () => page.getByRole("list", { name: "Check list" }).getByText(": good").count();
  await page.getByLabel("Project", { exact: true }).fill("SHOP");
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await steps
    .first()
    .getByText(/Jira does not accept the credential/)
    .waitFor();
  await page.getByText("One thing has to be put right").waitFor();
  assert.equal(await good(), 0, "good steps with a wrong token");
  await shot("jira-refused");
  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByLabel("API token").fill(jira.token);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("Saved; what was paused goes on").first().waitFor();
  await page.getByRole("tab", { name: "Check list" }).click();
  await page.getByRole("button", { name: /^Check/ }).click();
  await page.getByText("Ready: tickets can be made there.").waitFor();
  assert.equal(await good(), 6, "good steps, all but the webhook of which nothing came yet");
  await steps
    .last()
    .getByText(/with one within seconds/)
    .waitFor();
  await axe("check list of Jira");
  await shot("jira-checked");
}

/** meant gives a resolution of this Jira a meaning, from the names that it gives itself. */
async function meant(page, shot) {
  await page.getByRole("tab", { name: "Statuses" }).click();
  await page.getByText("From the tracker", { exact: true }).waitFor();
  await page.getByLabel("What In Progress means").selectOption("in_progress");
  await page.getByLabel("What Cannot Reproduce means").selectOption("rejected");
  await shot("jira-meanings");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("The meanings are saved").first().waitFor();
}

/** told sets the webhook up on both sides. */
async function told(page, shot, axe, connection, at = jira) {
  await page.getByRole("tab", { name: "Webhook" }).click();
  await page.getByRole("button", { name: "Make a secret" }).click();
  await page.getByText("It is shown this once.").waitFor();
  const copied = async (button) => {
    await page.getByRole("button", { name: button }).click();
    return page.evaluate(() => navigator.clipboard.readText());
  };
  const [url, secret] = [await copied("Copy the address"), await copied("Copy the secret")];
  assert.ok(url.endsWith(`/api/v1/connections/${connection}/webhook`), `the address of the webhook: ${url}`);
  await axe("the webhook");
  await shot(at === jira ? "jira-webhook" : "jira-own-webhook");
  await person("webhook", { url, secret }, at);
}
