// The page as a person uses it, in a real browser against real servers. Run by
// the Go package internal/webtest, which starts the servers and names them in
// the environment; ends with an error at the first thing that is not as it should be.
import assert from "node:assert/strict";
import { join } from "node:path";
import { chromium } from "playwright-core";

const env = (name) => process.env[name] || assert.fail(`${name} is not set`);
const fresh = env("FRESH_URL");
const full = { url: env("DEMO_URL"), product: env("DEMO_PRODUCT"), email: env("DEMO_EMAIL"), password: env("DEMO_PASSWORD") };
const report = env("REPORT");
const shots = process.env.THREATLOOP_SCREENSHOTS;

const browser = await chromium.launch({
  executablePath: env("CHROMIUM"),
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/**
 * visit opens a page that notes what must not happen: errors, and requests to
 * anybody else. What the browser says of an answer that is meant is given as meant.
 */
async function visit(url, width, colorScheme, journey, meant = []) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && wrong.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => wrong.push(`exception: ${e}`));
  page.on("request", (r) => new URL(r.url()).origin === new URL(url).origin || wrong.push(`request to ${r.url()}`));
  page.setDefaultTimeout(20_000);
  const shot = async (name) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${name} scrolls sideways at ${width}: ${wide}`);
    if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`) });
  };
  await page.goto(url);
  await journey(page, shot);
  assert.deepEqual(wrong, meant, `${url} at ${width}, ${colorScheme}`);
  await context.close();
}

async function signIn(page) {
  await page.getByLabel("E-mail").fill(full.email);
  await page.getByLabel("Password").fill(full.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Products" }).waitFor();
}

async function tab(page, name) {
  const parts = page.getByRole("navigation", { name: "Parts of the product" });
  await parts.getByRole("link", { name, exact: true }).click();
  await parts.locator("[aria-current=page]", { hasText: new RegExp(`^${name}$`) }).waitFor();
}

// First start: the administrator, then the empty places say what to do next.
await visit(fresh, 1280, "light", async (page, shot) => {
  await page.getByRole("heading", { name: "Welcome to Threatloop" }).waitFor();
  await shot("first-start");
  await page.getByLabel("Name").fill("Ada");
  await page.getByLabel("E-mail").fill("ada@example.org");
  await page.getByLabel("Password").fill("a long enough passphrase");
  await page.getByRole("button", { name: "Create and go on" }).click();
  await page.getByText("No product yet").waitFor();
  await shot("first-portfolio");
  await page.getByRole("button", { name: "New product" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Lending desk");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("heading", { name: "Lending desk" }).waitFor();
  await shot("first-product");
  // The diagram of the demo brings a plan that waits; one step is accepted, then all.
  await page.getByLabel("Model file").setInputFiles(env("DIAGRAM"));
  await page.getByRole("button", { name: "Accept all" }).waitFor();
  await shot("review-plan");
  const waiting = async () => Number.parseInt(await page.getByText(/changes? waits? for you/).innerText(), 10);
  const before = await waiting();
  await page.getByRole("button", { name: /^Accept: / }).first().click();
  await page.getByText("1 change accepted").waitFor();
  while ((await waiting()) >= before) await page.waitForTimeout(50);
  await page.getByRole("button", { name: "Accept all" }).click();
  await page.getByText("Nothing to review").waitFor();
  await page.getByRole("link", { name: "Connections" }).click();
  await page.getByText("No tracker is connected").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
});

// Every place has rows, in both themes and at both widths.
const places = [
  ["Overview", (p) => p.getByText("Look at these first")],
  ["Threats", (p) => p.getByRole("row").nth(1)],
  ["Countermeasures", (p) => p.getByRole("row").nth(1)],
  ["Review", (p) => p.getByText("Nothing to review")],
  ["Tickets", (p) => p.getByRole("link", { name: "SHOP-1", exact: true })],
  ["Tests", (p) => p.getByRole("button", { name: "junit-pass.xml" })],
  ["Triage", (p) => p.getByRole("button", { name: /^Decide about/ }).first()],
  ["Audit", (p) => p.getByText("The trail is whole")],
];
for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [390, "light"], [390, "dark"]]) {
  await visit(full.url, width, scheme, async (page, shot) => {
    await shot("sign-in");
    await signIn(page);
    await shot("portfolio");
    await page.getByRole("link", { name: "Parcel desk" }).click();
    for (const [name, there] of places) {
      await tab(page, name);
      await there(page).waitFor();
      await shot(name.toLowerCase());
    }
    await tab(page, "Threats");
    await page.getByRole("searchbox").fill("injected SQL");
    await page.getByRole("button", { name: "Somebody reads other people's data through injected SQL" }).click();
    await page.getByText("inherent = sqrt(").waitFor();
    await page.getByText("The process sends statements to a relational database.").first().waitFor();
    await shot("threat");
    await page.goto(`${full.url}/#/board`);
    await page.getByRole("region", { name: "To do" }).getByRole("article").first().waitFor();
    await shot("board");
    await page.goto(`${full.url}/#/connections`);
    await page.getByText("Last success").waitFor();
    await shot("connections");
  });
}

// By keyboard a countermeasure changes its state with a reason; a second window sees it by itself.
await visit(full.url, 1280, "light", async (page, shot) => {
  await signIn(page);
  await page.goto(`${full.url}/#/product/${full.product}/countermeasures`);
  const other = await page.context().newPage();
  await other.goto(page.url());
  const state = (p) => p.getByRole("button", { name: /^Change the state of Absorb floods.* at Web API/ });
  await other.getByRole("searchbox").fill("absorb web api");
  await other.getByRole("button", { name: "Absorb floods before they reach us", exact: true }).click();
  await other.getByText("How it is tested").waitFor();

  await state(page).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.getByRole("radio", { name: /^rejected/ }).check();
  await shot("state-dialog");
  await page.keyboard.press("Tab");
  await page.keyboard.type("The provider absorbs them; see the contract.");
  await page.getByRole("button", { name: "Change state" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /Absorb floods.* at Web API, now rejected/ }).waitFor();
  await other.getByRole("button", { name: /Absorb floods.* at Web API, now rejected/ }).waitFor();
  assert.equal(await other.getByRole("searchbox").inputValue(), "absorb web api", "a redraw keeps the filter");
  assert.ok(await other.getByText("How it is tested").isVisible(), "a redraw keeps what is open");
  await other.close();
});

// A failing report takes back what was claimed, and the page says what changed.
await visit(full.url, 1280, "dark", async (page, shot) => {
  await signIn(page);
  await page.goto(`${full.url}/#/product/${full.product}/tests`);
  await page.getByLabel("Source").fill("unit-tests");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose a file" }).click();
  await (await chooser).setFiles(report);
  await page.getByRole("heading", { name: /^Fail again/ }).waitFor();
  await shot("difference");
  await page.goto(`${full.url}/#/product/${full.product}`);
  await page.getByText("unit-tests: 2 failed").first().waitFor();
  await page.getByRole("link", { name: "Board" }).click();
  await page.getByRole("region", { name: "To do" }).getByText("Vulnerability: SQL statements").waitFor();
  await shot("board-reopened");
});

// A file that is no report is refused, and the reason stays.
await visit(full.url, 390, "light", async (page, shot) => {
  await signIn(page);
  await page.goto(`${full.url}/#/product/${full.product}/tests`);
  await page.getByLabel("Report of a test tool").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("not a report\n") });
  await page.getByText("Nothing was changed").first().waitFor();
  await shot("refused");
}, ["console: Failed to load resource: the server responded with a status of 415 (Unsupported Media Type)"]);

await browser.close();
console.log("the journey came to its end");
