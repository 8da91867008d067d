// server: fresh
// Bad moves: names with markup and in scripts that run from the right, a session
// that ends in the middle of an edit, a stale tab, two tabs, no server, a link to
// what is gone, and the way back and forward.
import { readFileSync } from "node:fs";
import { assert, eventually, file, firstStart, open, rest } from "../rig.mjs";

const names = {
  product: `<img src="x" onerror="hacked=1"> مكتب الطرود`,
  process: `</script><script>hacked=1</script>`,
  store: `מסד נתונים <b>1</b>`,
  threat: `<img src="x" onerror="hacked=1"> قراءة العناوين`,
};

export default async function () {
  const allowed = [/status of (401|404)/, /ERR_INTERNET_DISCONNECTED/, /ERR_NETWORK_CHANGED/];
  const { page, context, shot, axe, done } = await open({ allowed });
  const account = await firstStart(page);
  const product = await imported(page);
  const of = `/products/${product}`;
  const at = (path, p = page) => p.goto(new URL(path, page.url()).href);
  const threats = async () => (await rest(page, "GET", `${of}/threats?limit=1000`)).items;
  const threat = (await threats()).find((t) => t.title === names.threat);
  assert.ok(threat, "the threat with markup in its title");
  await markup({ page, shot, axe, at, of, threat });

  // The session ends while a title is changed.
  const drawer = page.getByRole("dialog").filter({ has: page.getByRole("group", { name: "Details" }) });
  const title = drawer.getByLabel("Title of the threat");
  await at(`${of}/threats?status=open&open=${threat.id}`);
  await drawer.getByRole("button", { name: /Change the title$/ }).click();
  await title.fill("Typed before the session ended");
  const here = page.url();
  await context.clearCookies();
  await page.keyboard.press("Enter");
  const again = page.getByRole("dialog", { name: "Your session ended" });
  await again.waitFor();
  await axe("the session ended");
  await shot("odd-session");
  await again.getByLabel("Password", { exact: true }).fill("not the passphrase");
  await page.keyboard.press("Enter");
  await again.getByRole("alert").waitFor();
  await again.getByLabel("Password", { exact: true }).fill(account.password);
  await page.keyboard.press("Enter");
  await again.waitFor({ state: "hidden" });
  assert.equal(await page.getByText(/API token/).count(), 0, "notices of what the dialog said");
  assert.equal(page.url(), here, "the address after signing in again");
  assert.equal(await title.inputValue(), "Typed before the session ended", "what was typed before");
  await title.press("Enter");
  await drawer.getByRole("button", { name: /^Typed before the session ended/ }).waitFor();
  await eventually(
    "the title that is stored",
    () => rest(page, "GET", `${of}/threats/${threat.id}`).then((t) => t.title),
    "Typed before the session ended",
  );

  // Another tab: sees a change by itself; a stale edit is shown both values.
  const second = await open({ context, allowed, path: `${of}/threats?open=${threat.id}` });
  const there = second.page.getByRole("dialog");
  await there.getByRole("button", { name: /^Typed before the session ended/ }).click();
  await drawer.getByRole("button", { name: /Change the title$/ }).click();
  await title.fill("Mine");
  await there.getByLabel("Title of the threat").fill("Theirs");
  await second.page.keyboard.press("Enter");
  await there.getByRole("button", { name: /^Theirs/ }).waitFor();
  await page.getByText("Somebody changed this while you were writing. Yours is kept here.").waitFor();
  await drawer.getByText("It is now: Theirs").waitFor();
  assert.equal(await title.inputValue(), "Mine", "what was typed in the stale tab");
  await axe("a stale tab");
  await shot("odd-stale");
  await title.press("Enter");
  await drawer.getByRole("button", { name: /^Mine/ }).waitFor();
  await there.getByRole("button", { name: /^Mine/ }).waitFor();

  // No server: said at the top, kept what is typed, and on by itself.
  await drawer.getByRole("button", { name: /Change the title$/ }).click();
  await title.fill("Typed without a server");
  await context.setOffline(true);
  await title.press("Enter");
  await page
    .getByText(/^The server does not answer\. What you see is the last known state/)
    .first()
    .waitFor();
  await page.getByText(/it goes on by itself as soon as it can\.$/).waitFor();
  assert.equal(await title.inputValue(), "Typed without a server", "what was typed without a server");
  await axe("no server");
  await shot("odd-offline");
  await context.setOffline(false);
  await page.getByText(/it goes on by itself as soon as it can\.$/).waitFor({ state: "hidden" });
  await title.press("Enter");
  await drawer.getByRole("button", { name: /^Typed without a server/ }).waitFor();
  await there.getByRole("button", { name: /^Typed without a server/ }).waitFor();
  await second.done();
  await second.page.close();

  // A link to what is gone, and to what never was.
  await at(`${of}/threats?open=thr_00000000000000000000`);
  await drawer.getByText("There is nothing here, or you may not see it").waitFor();
  await axe("a threat that is gone");
  await shot("odd-gone");
  await page.keyboard.press("Escape");
  await page.getByRole("table", { name: "Threats" }).waitFor();
  await at("/products/prd_00000000000000000000/threats");
  await page.getByText("There is nothing here, or you may not see it").waitFor();

  // Back and forward through drawers and filters.
  const table = page.getByRole("table", { name: "Threats" });
  await at(`${of}/threats`);
  await page.getByRole("button", { name: "From", exact: true }).first().click();
  await page.getByRole("option", { name: /import/i }).click();
  await page.keyboard.press("Escape");
  await page.waitForURL(/origin=import/);
  await table.getByRole("row", { name: /Typed without a server/ }).click();
  await drawer.getByRole("button", { name: /^Typed without a server/ }).waitFor();
  await page.getByRole("link", { name: "Countermeasures" }).first().click();
  await page.getByRole("heading", { name: "Countermeasures" }).waitFor();
  await page.goBack();
  await drawer.getByRole("button", { name: /^Typed without a server/ }).waitFor();
  await page.goBack();
  await drawer.waitFor({ state: "hidden" });
  assert.match(page.url(), /origin=import/, "the filter, back from the drawer");
  assert.equal(await table.getAttribute("aria-rowcount"), "3", "rows of the filter");
  await page.goForward();
  await drawer.getByRole("button", { name: /^Typed without a server/ }).waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  await done();
}

/** imported makes a product of the model file with names that are no names. */
async function imported(page) {
  const model = JSON.parse(readFileSync(file("diagram.json"), "utf8"));
  const { cells } = model.detail.diagrams[0];
  const named = (name) => cells.find((c) => c.data?.name === name).data;
  const web = named("Web application");
  web.threats[0].title = names.threat;
  web.name = names.process;
  named("Order database").name = names.store;
  await page.goto(new URL("/new?how=import", page.url()).href);
  await page
    .locator("input[type=file]")
    .setInputFiles({ name: "odd.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(model)) });
  await page.getByLabel("Name of the product").fill(names.product);
  await page.getByRole("button", { name: "Create the product" }).click();
  await page.waitForURL(/\/products\/[^/]+\/review/);
  await page.getByText(`“${names.product}” is made of odd.json`).first().waitFor();
  await page.getByRole("button", { name: "Accept all" }).click();
  await page.getByText("Nothing to review").waitFor();
  return page.url().match(/products\/([^/]+)/)[1];
}

/** markup looks at the names wherever they appear: as text, and as nothing else. */
async function markup({ page, shot, axe, at, of, threat }) {
  const harmless = async (where) => {
    const found = await page.evaluate(() => [typeof globalThis.hacked, document.querySelectorAll('img[src="x"]').length]);
    assert.deepEqual(found, ["undefined", 0], `markup that came alive in ${where}`);
  };
  const shown = async (where, locator) => {
    await locator.first().waitFor();
    await harmless(where);
    await axe(where);
    await shot(`odd-${where.replaceAll(" ", "-")}`);
  };
  await at("/");
  await shown("portfolio", page.getByRole("link", { name: names.product }));
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Search and do" });
  await palette.getByRole("combobox").fill("onerror");
  await shown("palette", palette.getByRole("option", { name: names.product }));
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(of));
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await shown(
    "head",
    page
      .locator("bdi")
      .getByText(names.product, { exact: true })
      .or(page.getByText(names.product, { exact: true })),
  );
  assert.ok((await page.title()).includes(names.product), "the title of the window");

  await page.getByRole("button", { name: "More about this product" }).click();
  await page.getByRole("menuitem", { name: "Make it a template" }).click();
  const toast = page.getByRole("listitem").filter({ hasText: `“${names.product}” is a template` });
  await shown("toast", toast);
  await toast.getByRole("button", { name: "Undo" }).click();
  await page.getByText("Template", { exact: true }).waitFor({ state: "hidden" });

  await at(`${of}/threats?open=${threat.id}`);
  const drawer = page.getByRole("dialog");
  await drawer.getByText(names.process).first().waitFor();
  await shown("drawer", drawer.getByText(names.threat));
  await at(`${of}/diagram`);
  await page.getByRole("group", { name: names.store }).first().waitFor();
  await page
    .getByRole("group", { name: `${names.process}, process` })
    .first()
    .click();
  await page.getByRole("complementary", { name: "Details" }).getByLabel("Name", { exact: true }).waitFor();
  await shown("diagram", page.getByText(names.process));
}
