// server: demo
// Reports that go wrong and failures that fit nothing: a large upload is called off
// half-way, what is no report is refused, a dry run changes nothing, and a person says
// what a failure is about or why it is about nothing.
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, eventually, file, open, rest, server, signIn } from "../rig.mjs";

export default async function () {
  const of = `/products/${server.product}`;
  const { page, context, shot, axe, done } = await open({ path: `${of}/tests`, allowed: [/status of (400|401|415|422)/] });
  await signIn(page);
  const ask = (path) => rest(page, "GET", `${of}${path}`);
  const runs = async () => (await ask("/runs?limit=1000")).items.map((r) => r.id);
  const choose = async (path) => {
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Choose files" }).click();
    await (await chooser).setFiles(path);
  };
  const sent = (name) =>
    page
      .getByRole("list", { name: "Reports that were sent from here" })
      .getByRole("listitem")
      .filter({ has: page.getByRole("heading", { level: 3, name }) })
      .first();
  await page.getByRole("button", { name: "Choose files" }).waitFor();
  const before = { runs: await runs(), risk: (await ask("")).risk.open.sum_exact };
  const same = async (when) =>
    assert.deepEqual({ runs: await runs(), risk: (await ask("")).risk.open.sum_exact }, before, `runs and figures after ${when}`);

  // A hundred megabytes, called off half-way over a slow line.
  const large = join(tmpdir(), "nightly.xml");
  writeReport(large, 100_000_000);
  const line = await context.newCDPSession(page);
  await line.send("Network.enable");
  const speed = (bytes) =>
    line.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes });
  await speed(20_000_000);
  await choose(large);
  const progress = sent("nightly.xml").getByRole("progressbar", { name: "Sending nightly.xml" });
  await eventually(
    "how much is sent",
    async () => Number(await progress.getAttribute("aria-valuenow")),
    (n) => n >= 30,
  );
  // From here on hardly anything moves, so that it is half-way still when the button is found.
  await speed(100_000);
  await shot("tests-sending");
  await sent("nightly.xml").getByRole("button", { name: "Cancel" }).click();
  await sent("nightly.xml").getByText("Cancelled before all of it was sent. Nothing was stored and nothing was changed.").waitFor();
  await speed(-1);
  await same("the cancelled upload");
  await axe("a cancelled upload");
  await shot("tests-cancelled");
  await sent("nightly.xml").getByRole("button", { name: "Close this result" }).click();

  // A text that is no report.
  const notes = join(tmpdir(), "notes.txt");
  writeFileSync(notes, "Tuesday: the tests were green, I think.\n");
  await choose(notes);
  const refused = sent("notes.txt").getByRole("alert");
  await refused.getByText(/What is read here: .*JUnit.*SARIF/).waitFor();
  await sent("notes.txt").getByText("Nothing was changed.").waitFor();
  assert.deepEqual((await ask("")).risk.open.sum_exact, before.risk, "figures after the refused file");
  await axe("a refused file");
  await shot("tests-refused");
  await sent("notes.txt").getByRole("button", { name: "Close this result" }).click();

  // A dry run says what would be and leaves everything.
  before.runs = await runs();
  await page.getByText(/^Options:/).click();
  await page.getByLabel("Source").fill("unit-tests");
  await page.getByLabel(/^Dry run/).check();
  await choose(file("junit-fail.xml"));
  await sent("junit-fail.xml").getByText("Read. Nothing was stored.").waitFor();
  await sent("junit-fail.xml")
    .getByText(/It would be: .*failing/)
    .waitFor();
  await sent("junit-fail.xml").getByText("Tickets that would change").waitFor();
  await same("the dry run");
  await axe("a dry run");
  await shot("tests-dry");
  await sent("junit-fail.xml").getByRole("button", { name: "Close this result" }).click();

  // Two failures that fit nothing: one is mapped, one is dismissed.
  const strange = join(tmpdir(), "strange.xml");
  writeFileSync(strange, report([failing("rejectsForgedParcelNumbers", "forged-parcels"), failing("paintsTheButtonBlue", "blue-button")]));
  await page.getByLabel(/^Dry run/).uncheck();
  await page.getByLabel("Source").fill("desk-tests");
  await choose(strange);
  await sent("strange.xml")
    .getByText(/about nothing in the model/)
    .first()
    .waitFor();
  await page.getByRole("tab", { name: /^Triage/ }).click();
  const table = page.getByRole("table", { name: "Triage" });
  await table.getByText("rejectsForgedParcelNumbers").click();
  const drawer = page.getByRole("dialog", { name: "rejectsForgedParcelNumbers" });
  await drawer.getByRole("combobox", { name: "Weakness or countermeasure" }).click();
  const helps = (await ask("/countermeasures?state=implemented&limit=1000")).items[0];
  await page.getByPlaceholder("Search the model").fill(helps.title);
  await page.getByRole("option", { name: helps.title }).filter({ hasText: helps.where_name }).first().click();
  await drawer.getByLabel("Why").fill("The test tries what this is to prevent.");
  await axe("a result to decide about");
  await shot("tests-decide");
  await drawer.getByRole("button", { name: "Decide", exact: true }).click();
  await drawer.waitFor({ state: "hidden" });
  await eventually("the verdict about what it was mapped to", async () => (await ask(`/countermeasures/${helps.id}`)).evidence.verdict, "fail");
  await table.getByText("rejectsForgedParcelNumbers").waitFor({ state: "hidden" });

  await table.getByText("paintsTheButtonBlue").click();
  const other = page.getByRole("dialog", { name: "paintsTheButtonBlue" });
  await other.getByRole("radio", { name: /^Dismiss it/ }).check();
  await other.getByLabel("Why").fill("The colour of a button protects nobody.");
  await other.getByRole("button", { name: "Decide", exact: true }).click();
  await other.waitFor({ state: "hidden" });
  await table.getByText("paintsTheButtonBlue").waitFor({ state: "hidden" });
  await page.goto(new URL(`${of}/countermeasures?open=${helps.id}`, page.url()).href);
  await page.getByRole("dialog").getByText("Fails").first().waitFor();
  await shot("tests-mapped");
  await page.goto(new URL(`${of}/history?view=everything`, page.url()).href);
  await page
    .getByText(/The colour of a button protects nobody\./)
    .first()
    .waitFor({ state: "attached" });
  await done();
}

const head = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="Parcel desk"><testsuite name="desk" tests="2">\n';
const tail = "</testsuite></testsuites>\n";

const report = (cases) => `${head}${cases.join("")}${tail}`;

const failing = (name, about) =>
  `<testcase classname="desk.Tests" name="${name}"><properties><property name="countermeasure" value="${about}"/></properties><failure message="did not hold">no</failure></testcase>\n`;

/** writeReport writes a valid report of at least so many bytes. */
function writeReport(path, bytes) {
  const out = openSync(path, "w");
  const block = Array.from(
    { length: 5000 },
    (_, i) => `<testcase classname="desk.Nightly" name="passes ${i}" time="0.01"><system-out>${"x".repeat(120)}</system-out></testcase>\n`,
  ).join("");
  let n = writeSync(out, head);
  while (n < bytes) n += writeSync(out, block);
  writeSync(out, tail);
  closeSync(out);
}
