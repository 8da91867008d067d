// server: fresh
// An administrator defines a required choice and a text with a pattern; a product
// is made with them; a wrong value is refused at its place; the portfolio filters.
import { assert, firstStart, open, rest } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, done } = await open({ path: "/admin/fields", allowed: [/status of (401|422)/] });
  await firstStart(page);
  await page.goto(new URL("/admin/fields", page.url()).href);
  await page.getByText("No custom fields yet").waitFor();
  await axe("no fields");
  await shot("fields-empty");

  await page.getByRole("button", { name: "Add a field" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New custom field" });
  await dialog.getByLabel("Name").fill("Data class");
  await dialog.getByLabel("Type").selectOption("choice");
  await dialog.getByLabel("Option 1", { exact: true }).fill("Public");
  await page.keyboard.press("Enter");
  await dialog.getByLabel("Option 2", { exact: true }).fill("Secret");
  await dialog.getByLabel("Required for new products").check();
  await axe("a choice");
  await shot("fields-choice");
  await dialog.getByRole("button", { name: "Add the field" }).click();
  await dialog.waitFor({ state: "hidden" });

  await page.getByRole("button", { name: "Add a field" }).first().click();
  await dialog.getByLabel("Name").fill("Cost centre");
  await dialog.getByLabel("Pattern").fill("K-\\d{4}");
  await dialog.getByLabel("Try it").fill("K-47");
  await dialog.getByText("✗ Does not fit").waitFor();
  await dialog.getByLabel("Try it").fill("K-4711");
  await dialog.getByText("✓ Fits").waitFor();
  await shot("fields-pattern");
  await dialog.getByRole("button", { name: "Add the field" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Move Cost centre up" }).click();
  await page.getByRole("button", { name: "Move Cost centre up" }).and(page.locator(":disabled")).waitFor();
  await axe("fields");
  await shot("fields");

  await page.getByRole("button", { name: "Delete Cost centre" }).click();
  await page.getByRole("heading", { name: "No longer defined" }).waitFor();
  await page.getByRole("button", { name: "Bring back" }).click();
  await page.getByRole("button", { name: "Delete Cost centre" }).waitFor();

  await page.goto(new URL("/new", page.url()).href);
  await page.getByRole("button", { name: /^Diagram/ }).click();
  const make = page.getByRole("dialog");
  await make.getByLabel("Name").fill("Parcel desk");
  await make.getByLabel("Cost centre").fill("4711");
  await make.getByLabel("Data class").selectOption("secret");
  await make.getByRole("button", { name: "Create and draw" }).click();
  await make.getByText(/Does not match; expected the pattern/).waitFor();
  assert.equal(await make.getByLabel("Cost centre").getAttribute("aria-invalid"), "true", "the wrong field is marked");
  await axe("a refused value");
  await shot("fields-refused");
  await make.getByLabel("Cost centre").fill("K-4711");
  await make.getByRole("button", { name: "Create and draw" }).click();
  await page.waitForURL(/\/products\/[^/]+\/diagram/);
  await rest(page, "POST", "/products", { name: "Open desk", custom: { data_class: "public" } });

  await page.goto(new URL("/?f.data_class=secret&columns=cost_centre", page.url()).href);
  await page.getByRole("link", { name: "Parcel desk" }).waitFor();
  await page.getByRole("link", { name: "Open desk" }).waitFor({ state: "detached" });
  await page.getByText("K-4711").waitFor();
  await axe("portfolio by a field");
  await shot("fields-portfolio");
  await done();
}
