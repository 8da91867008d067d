// server: demo
// An administrator changes a built-in rule and a pattern: a mistake is shown at its
// place, the field proposes what can be written, the draft is tried on a product and
// published. The product gets a plan and keeps its states. Files with a broken one among
// them come in as far as they are sound. Who may not change the library reads it.
import { crc32 } from "node:zlib";
import { assert, eventually, open, rest, server, signIn } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, settled, done } = await open({ allowed: [/status of 422/] });
  await signIn(page);
  const go = (path) => page.goto(server.url + path);
  const implemented = async () =>
    (await rest(page, "GET", `/products/${server.product}/countermeasures?limit=1000`)).items.filter((c) => c.state === "implemented").length;
  const before = await implemented();

  // By the side bar, through the list, to an entry.
  await page.getByRole("navigation", { name: "Places", exact: true }).getByRole("link", { name: "Library" }).click();
  await page.getByRole("searchbox", { name: "Search the library" }).or(page.getByLabel("Search the library")).first().fill("flow is encrypted");
  await page.getByRole("row", { name: /The flow is encrypted/ }).click();
  const area = page.getByRole("textbox", { name: "Text of The flow is encrypted" });
  await area.waitFor();
  // What comes with the program is read; a stray key begins nothing.
  assert.equal(await area.getAttribute("readonly"), "", "the text of what is built in");
  await area.focus();
  await page.keyboard.type("x");
  await page.keyboard.press("Control+s");
  await axe("library entry");
  await shot("library-built-in");
  await page.getByRole("button", { name: "Change by an overlay" }).click();
  await page.getByText("Nothing changed yet").waitFor();

  // A word that is none is shown on its line; what can be written is proposed.
  const end = () =>
    area.evaluate((el) => {
      const at = el.value.indexOf("\n", el.value.indexOf("when: "));
      el.focus();
      el.setSelectionRange(at, at);
    });
  const text = () => area.inputValue();
  const first = await text();
  await end();
  // After Escape nothing is proposed, however late it would come.
  await page.keyboard.type(" && flow.");
  await page.keyboard.press("Escape");
  await page.waitForTimeout(600);
  await settled();
  assert.equal(await page.getByRole("listbox", { name: "What can be written here" }).count(), 0, "proposals after Escape");
  await page.keyboard.type("nonsense");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+s");
  const problems = page.getByRole("list", { name: "Problems" });
  await problems.getByText("nonsense").waitFor();
  await problems.getByRole("button", { name: "Line 5" }).click();
  await shot("library-problem");
  await axe("library problem");
  await end();
  for (let i = 0; i < "nonsense".length; i++) await page.keyboard.press("Backspace");
  await page.keyboard.type("bidi");
  await page.getByRole("option", { name: /bidirectional/ }).waitFor();
  await page.keyboard.press("Enter");
  await eventually("what was proposed is taken", text, (t) => t.includes("&& flow.bidirectional\n"));
  await problems.waitFor({ state: "detached" });
  await page.getByRole("tab", { name: "Against built in" }).click();
  await page.getByText("added: ").first().waitFor();

  // That was a try: it goes back to what is built in.
  await page.getByRole("tab", { name: "Text", exact: true }).click();
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "As built in" }).click();
  await eventually("as built in", text, first);

  // A pattern says it in the organisation's own words.
  await go("/library/pattern/sql-injection");
  const pattern = page.getByRole("textbox", { name: /^Text of/ });
  await pattern.waitFor();

  // A copy has a name and refs of its own; tried and thrown away.
  await page.getByRole("button", { name: "Edit a copy" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("SQL injection at the desk");
  await page.getByRole("dialog").getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByRole("heading", { name: /SQL injection at the desk/ }).waitFor();
  await page.waitForURL(/\/library\/pattern\/sql-injection-at-the-desk/);
  await eventually(
    "the text of the copy",
    () => pattern.inputValue(),
    (t) => t.includes('name: "SQL injection at the desk"') && t.includes("- ref: sql-injection-at-the-desk-sql-built-from-input"),
  );
  assert.equal(await pattern.getAttribute("readonly"), null, "the text of a copy");
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menuitem", { name: "Remove from the library" }).click();
  await page.getByRole("alertdialog").or(page.getByRole("dialog")).getByRole("button", { name: "Remove" }).click();
  await page.waitForURL(/\/library$/);
  await page.getByText("The entry is gone from the draft").first().waitFor();
  await go("/library/pattern/sql-injection");
  await pattern.waitFor();
  await page.getByRole("button", { name: "Change by an overlay" }).click();
  await pattern.evaluate((el) => {
    const at = el.value.indexOf("Bind every value as a query parameter");
    el.focus();
    el.setSelectionRange(at, at + "Bind every value as a query parameter".length);
  });
  await page.keyboard.type("Bind every value, as our guide says");
  await page.getByText("Stored in the draft", { exact: true }).waitFor();

  // Tried on the product, checked, published.
  await go("/library");
  await page.getByText("The draft changes 1 entry.").waitFor();
  await page.getByRole("button", { name: "Try on a product" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Product" }).click();
  await page.getByRole("option", { name: "Parcel desk" }).click();
  await dialog.getByText(/In this product .*\d+ /).waitFor();
  await shot("library-try");
  await axe("library try-out");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Check", exact: true }).click();
  await dialog.getByText("All is well").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await dialog.getByLabel("Name").fill("In our words");
  await dialog.getByRole("button", { name: "Publish", exact: true }).click();
  await page.getByText("Version 1 is in force").first().waitFor();
  await page.getByRole("radio", { name: "Versions" }).click();
  await page.getByText("In our words").waitFor();
  await page.getByRole("button", { name: "Difference" }).first().click();
  await dialog.getByText("1 entry differ").or(dialog.getByText("1 entry differs")).waitFor();
  await axe("library difference");
  await page.keyboard.press("Escape");

  // The product shows what changes, and keeps what was reached.
  await go(`/products/${server.product}/review`);
  await page.getByText("Bind every value, as our guide says").first().waitFor();
  await page.getByRole("button", { name: "Accept all" }).click();
  await eventually(
    "the new words are in the product",
    async () => JSON.stringify(await rest(page, "GET", `/products/${server.product}/countermeasures?limit=1000`)).includes("as our guide says"),
    true,
  );
  assert.equal(await implemented(), before, "countermeasures that are implemented");

  // Files: one sound, one broken.
  await go("/library");
  await page.getByRole("button", { name: "Import" }).click();
  await dialog.getByLabel("File").setInputFiles({
    name: "ours.zip",
    mimeType: "application/zip",
    buffer: zip({
      "types/kiosk.yaml": "type: kiosk\nname: Kiosk\nkind: process\ndescription: A screen in a hall.\npatterns: [sql-injection]\n",
      "types/broken.yaml": "type: broken\nname: [\n",
    }),
  });
  await dialog.getByText("1 would come in, 1 are refused").waitFor();
  await dialog
    .getByText("types/broken.yaml:2")
    .or(dialog.getByText(/types\/broken\.yaml:\d/))
    .first()
    .waitFor();
  await shot("library-import");
  await axe("library import");
  await dialog.getByRole("button", { name: "Take in" }).click();
  await page.getByText("1 entry came into the draft").first().waitFor();
  await page.getByText("The draft changes 1 entry.").waitFor();
  await done();

  await reader();
}

/** reader is somebody without the right to change the library. */
async function reader() {
  const password = "correct horse battery staple";
  const admin = await open();
  await signIn(admin.page);
  await rest(admin.page, "POST", "/users", { name: "Rita Reader", email: "rita@example.org", password });
  await admin.done();
  const { page, axe, shot, done } = await open({ path: "/library?q=CWE-89" });
  await signIn(page, { email: "rita@example.org", password });
  // What an entry says is found, and from a type there is a way to what it brings.
  const rows = page.getByRole("row", { name: /SQL injection/ });
  await rows.first().waitFor();
  await page.getByRole("searchbox", { name: "Search the library" }).fill("llm-agent");
  await page
    .getByRole("row")
    .filter({ has: page.getByText("llm-agent", { exact: true }) })
    .click();
  await page.getByRole("heading", { name: "What it names" }).waitFor();
  await axe("what a type names");
  await shot("library-names");
  await page.getByRole("link", { name: "Prompt injection", exact: true }).click();
  await page.waitForURL(/\/library\/pattern\/prompt-injection/);
  await page.goto(new URL("/library/pattern/sql-injection", page.url()).href);
  const area = page.getByRole("textbox", { name: /^Text of/ });
  await area.waitFor();
  assert.equal(await area.getAttribute("readonly"), "", "the text for a reader");
  assert.equal(await page.getByRole("button", { name: "More", exact: true }).count(), 0, "buttons that change");
  await shot("library-reader");
  await axe("library for a reader");
  // What helps is told whole: how it is done, what a test shows, which clauses it serves.
  await page.getByRole("tab", { name: "In words" }).click();
  await page.getByText("Bind every value, as our guide says").click();
  await page.locator("li", { hasText: "PreparedStatement" }).first().waitFor();
  await page
    .getByText(/A passing test shows: Injection attempts/)
    .first()
    .waitFor();
  await page.locator("dt", { hasText: "OWASP Application Security Verification Standard" }).first().waitFor();
  await axe("a pattern in words");
  await shot("library-words");
  await done();
}

/** zip makes an archive without compression. */
function zip(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = Buffer.from(text);
    const head = Buffer.alloc(26);
    head.writeUInt16LE(20, 0);
    head.writeUInt32LE(crc32(data), 10);
    head.writeUInt32LE(data.length, 14);
    head.writeUInt32LE(data.length, 18);
    head.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), head, Buffer.from(name), data]);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(at, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), head, entry, Buffer.from(name)]));
    parts.push(local);
    at += local.length;
  }
  const size = directory.reduce((n, d) => n + d.length, 0);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(size, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from("PK\x05\x06"), end]);
}
