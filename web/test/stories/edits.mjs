// server: demo
// Whatever a person sets stays: every kind of edit is made by clicks, then the drawing
// changes, its plan is accepted whole, and all edits are still there. One is given back
// to the rules.
import { assert, eventually, open, rest, server, signIn } from "../rig.mjs";

const literal = (s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export default async function () {
  const of = `/products/${server.product}`;
  const { page, shot, axe, done } = await open({ path: `${of}/threats`, allowed: [/status of 401/] });
  await signIn(page);
  const ask = (path) => rest(page, "GET", `${of}${path}`);
  const at = (path) => page.goto(new URL(`${of}${path}`, page.url()).href);
  const threats = (await ask("/threats?limit=1000")).items;
  const main = threats.find((t) => t.ref === "sql-injection/read-other-customers-data");
  const others = threats.filter((t) => t.origin === "rule" && t.status === "open" && t.where_name === "Order database");
  assert.ok(main && others.length >= 3, "the threats that the story edits");
  const [refused, back, carried] = others;
  const drawer = page.getByRole("dialog").first();
  const dialog = (name) => page.getByRole("dialog", { name });
  const said = (text) => page.getByText(text).first().waitFor();
  const openThreat = async (t) => {
    await at(`/threats?open=${t.id}`);
    await drawer.getByRole("heading", { name: "What makes it possible, and what helps" }).waitFor();
  };
  const more = async (item) => {
    await drawer.getByRole("button", { name: "More", exact: true }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };

  // The threat itself: title, impact and ease, and a figure of one's own with its reason.
  await openThreat(main);
  await drawer.getByRole("button", { name: /Change the title$/ }).click();
  await drawer.getByLabel("Title of the threat").fill("The order book is read through the search");
  await page.keyboard.press("Enter");
  await said("The title is changed");
  await drawer.getByRole("button", { name: "Change impact and ease" }).click();
  await dialog("Impact and ease").getByLabel("Confidentiality", { exact: true }).fill("70");
  await dialog("Impact and ease").getByLabel("How easy it is", { exact: true }).fill("35");
  await axe("impact and ease");
  await dialog("Impact and ease").getByRole("button", { name: "Save" }).click();
  await drawer.getByText("C 70 ").waitFor();
  await more("Set the inherent rating by hand…");
  const inherent = dialog("Set the inherent rating by hand");
  await inherent.getByLabel("Inherent rating", { exact: true }).fill("42");
  assert.ok(await inherent.getByRole("button", { name: "Set it" }).isDisabled(), "a figure of one's own needs a reason");
  await inherent.getByLabel("Why the computed rating is wrong").fill("Only three staff can reach the search.");
  await shot("edits-inherent");
  await inherent.getByRole("button", { name: "Set it" }).click();
  await drawer.getByText("42, set by hand").waitFor();
  const beside = async () => {
    const notice = await page.locator("[data-notices] li").first().boundingBox();
    const panel = await page.locator("[data-drawer]").boundingBox();
    return !!notice && !!panel && notice.x >= 0 && notice.x + notice.width <= panel.x;
  };
  await eventually("the notice beside the drawer", beside, true);

  // What makes it possible, and how much helps.
  const tree = await ask(`/threats/${main.id}/tree`);
  const weakness = tree.weaknesses[0];
  const branch = weakness.countermeasures[0];
  await drawer.getByRole("button", { name: `Weakness ${weakness.title}` }).click();
  await page.getByRole("menuitem", { name: "Change it…" }).click();
  await dialog("Weakness")
    .getByLabel(/^Title/)
    .first()
    .fill("Statements are glued together");
  await dialog("Weakness").getByRole("button", { name: "Save" }).click();
  await drawer.getByText("Statements are glued together").waitFor();
  await drawer
    .getByRole("button", { name: `Countermeasure ${branch.title}` })
    .first()
    .click();
  await page.getByRole("menuitem", { name: "Change its share…" }).click();
  await dialog("Share").getByLabel("Percent of the threat's risk", { exact: true }).fill("33");
  await dialog("Share").getByRole("button", { name: "Save" }).click();
  await drawer.getByText("takes 33 % off").first().waitFor();
  await axe("a threat with edits");
  await shot("edits-threat");

  // The countermeasure: its cost and its state, with a reason.
  const helps = (await ask("/countermeasures?limit=1000")).items.find(
    (c) => c.origin === "rule" && c.state === "required" && c.where_name === "Order database",
  );
  await at(`/countermeasures?open=${helps.id}`);
  await drawer.getByRole("button", { name: "Change the cost" }).click();
  await dialog("Cost").getByLabel(/^Cost/).fill("7");
  await dialog("Cost").getByRole("button", { name: "Save" }).click();
  await drawer.getByText("7 days").waitFor();
  await drawer
    .getByRole("button", { name: /^State of / })
    .first()
    .click();
  await page.getByRole("menuitem", { name: /^Rejected/ }).click();
  const reject = page.getByRole("dialog", { name: /^Reject / });
  await reject.getByLabel("Reason").fill("The host does this for us.");
  await reject.getByRole("button", { name: "Reject" }).click();
  await drawer.getByText("The host does this for us.").waitFor();
  await shot("edits-countermeasure");

  // One does not apply, one is retired and comes back, one is carried until a day.
  await openThreat(refused);
  await drawer
    .getByRole("button", { name: /^Status of / })
    .first()
    .click();
  await page.getByRole("menuitem", { name: /^Not applicable/ }).click();
  const closing = page.getByRole("dialog", { name: /^Not applicable: / });
  await closing.getByLabel("Reason").fill("Nobody but the service reaches it.");
  await closing.getByRole("button", { name: /^Set/ }).click();
  await drawer.getByText("Nobody but the service reaches it.").first().waitFor();

  await openThreat(back);
  await more("Retire it…");
  const retire = page.getByRole("dialog", { name: /^Retire / });
  await retire.getByLabel("Reason").fill("It cannot happen any more.");
  await retire.getByRole("button", { name: "Retire" }).click();
  await drawer.getByText(/^Retired .*: It cannot happen any more\./).waitFor();
  await at(`/threats?retired=only&open=${back.id}`);
  await drawer.getByText(/^Retired .*: It cannot happen any more\./).waitFor();
  await more("Bring it back");
  await drawer.getByText(/^Retired .*: It cannot happen any more\./).waitFor({ state: "hidden" });

  await openThreat(carried);
  await drawer
    .getByRole("button", { name: /^Status of / })
    .first()
    .click();
  await page.getByRole("menuitem", { name: /^Accept until a date/ }).click();
  const accept = page.getByRole("dialog", { name: /^Accept / });
  await accept.getByLabel("Why it is carried").fill("The replacement comes in spring.");
  const ends = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
  await accept.getByLabel("Until").fill(ends);
  await axe("accept until a day");
  await shot("edits-accept");
  await accept.getByRole("button", { name: "Accept the risk" }).click();
  await drawer.getByText(/^Accepted until /).waitFor();

  // A threat, a weakness and a countermeasure of one's own.
  await at("/threats");
  await page.getByRole("button", { name: "Add a threat" }).click();
  const add = dialog("Add a threat");
  await add.getByRole("combobox", { name: "Where" }).click();
  await page.getByPlaceholder("Find a component or flow").fill("Web API");
  await page.getByRole("option", { name: "Web API", exact: true }).click();
  await add.getByLabel("What can happen").fill("A courier reads the notes of another");
  await add.getByRole("group", { name: "STRIDE" }).getByLabel("Information disclosure").check();
  await axe("a threat by hand");
  await add.getByRole("button", { name: "LINDDUN and CIA" }).click();
  await add.getByRole("group", { name: "LINDDUN" }).getByLabel("Data disclosure").check();
  await add.getByRole("group", { name: "CIA" }).getByLabel("Confidentiality").check();
  // With all methods the dialog scrolls, and what is half under its edge has no size: it is asked where all of it is seen.
  const size = page.viewportSize();
  await page.setViewportSize({ ...size, height: 2 * size.height });
  await axe("a threat by hand, all methods");
  await page.setViewportSize(size);
  await add.getByRole("button", { name: "Add the threat" }).click();
  await page.waitForURL(/open=/);
  const own = new URL(page.url()).searchParams.get("open");
  assert.deepEqual(
    (await ask(`/threats/${own}`)).categories?.toSorted(),
    ["cia:confidentiality", "linddun:data-disclosure", "stride:information-disclosure"],
    "categories of three methods",
  );
  await drawer.getByRole("button", { name: "Weakness", exact: true }).click();
  await dialog("Add a weakness").getByLabel("Title").fill("Notes are found by their number");
  await dialog("Add a weakness").getByRole("button", { name: "Add", exact: true }).click();
  await drawer.getByText("Notes are found by their number").waitFor();
  await drawer.getByRole("button", { name: "Countermeasure", exact: true }).click();
  const adding = dialog("Add a countermeasure");
  await adding.getByLabel("Title").fill("Check whose note it is");
  await adding.getByLabel("Through").selectOption({ label: "Notes are found by their number" });
  await adding.getByLabel("Share, in percent", { exact: true }).fill("80");
  await axe("a countermeasure by hand");
  await shot("edits-add");
  await adding.getByRole("button", { name: "Add", exact: true }).click();
  await drawer.getByText("Check whose note it is").waitFor();
  await drawer.getByText("takes 80 % off").waitFor();

  const kept = async () => {
    const threat = async (id) => {
      const t = await ask(`/threats/${id}`);
      return {
        title: t.title,
        impact: t.impact,
        ease: t.ease,
        inherent: t.inherent,
        status: t.status,
        why: t.status_reason,
        retired: !!t.retired,
        acceptance: t.acceptance?.reason,
        owner: t.owner,
        weaknesses: t.weaknesses,
        countermeasures: t.countermeasures,
      };
    };
    const c = await ask(`/countermeasures/${helps.id}`);
    const links = (await ask(`/threats/${main.id}/tree`)).weaknesses.flatMap((w) => [
      w.title,
      ...(w.countermeasures ?? []).map((b) => `${b.id} ${b.share}`),
    ]);
    return {
      main: await threat(main.id),
      refused: await threat(refused.id),
      back: await threat(back.id),
      carried: await threat(carried.id),
      own: await threat(own),
      countermeasure: { cost: c.cost, state: c.state, why: c.state_reason },
      links,
    };
  };
  const edited = await kept();
  assert.equal(edited.main.inherent, 42, "the figure of one's own");
  assert.deepEqual(edited.countermeasure.cost, { amount: 7, unit: "days" }, "the cost");
  assert.equal(edited.carried.status, "accepted", "the threat that is carried");

  // The drawing changes: a component goes out of scope, with a reason, in its panel.
  await at("/diagram");
  const box = page.getByRole("group", { name: /^Web application, process/ });
  await box.click();
  const panel = page.getByRole("complementary", { name: "Details" });
  await panel.getByRole("heading", { name: "Web application" }).waitFor();
  await panel.getByLabel("Out of scope").check();
  await panel.getByLabel("Why", { exact: true }).fill("Bought, and tested by its maker.");
  await page.keyboard.press("Tab");
  await page.getByRole("group", { name: /^Web application, process, out of scope/ }).waitFor();
  await axe("out of scope");
  await shot("edits-out-of-scope");
  const plan = await eventually(
    "a plan for the changed drawing",
    () => ask("/plan"),
    (p) => p.items?.some((i) => i.action !== "keep"),
  );
  assert.ok(plan.items.length > 0);
  await page
    .getByRole("navigation", { name: "Places of the product" })
    .getByRole("link", { name: /Review/ })
    .click();
  await page.getByRole("button", { name: "Accept all" }).waitFor();
  await axe("the plan with edits");
  await shot("edits-plan");
  await page.getByRole("button", { name: "Accept all" }).click();
  await said(/(step is|steps are) accepted/);
  await eventually(
    "a plan with nothing left",
    () => ask("/plan"),
    (p) => !(p.items ?? []).some((i) => i.action !== "keep"),
  );
  assert.deepEqual(await kept(), edited, "what people set, after the plan");

  // One edit is given back to the rules.
  await openThreat(main);
  await drawer.getByText("The order book is read through the search").first().waitFor();
  await drawer.getByRole("button", { name: /^Title: changed by hand/ }).click();
  await page.getByText("The rules would set:").waitFor();
  await axe("who set it");
  await shot("edits-give-back");
  await page.getByRole("button", { name: "Give back to the rules" }).click();
  await said("Title follows the rules again");
  await drawer
    .getByRole("button", { name: new RegExp(`^${literal(main.title)}`) })
    .first()
    .waitFor();
  const after = await kept();
  assert.equal(after.main.title, main.title, "the title of the rules");
  assert.deepEqual({ ...after.main, title: "" }, { ...edited.main, title: "" }, "the other edits of that threat");
  await done();
}
