// server: fresh
// The first start: the administrator is made, the empty portfolio says what to do
// next; signing out and in again; a wrong password; an address kept over the door.
import { assert, firstStart, open } from "../rig.mjs";

export default async function () {
  const { page, shot, axe, done } = await open({ path: "/", allowed: [/status of 401/] });
  await page.getByRole("heading", { name: "Welcome to Threatloop" }).waitFor();
  await axe("first start");
  await shot("first-start");
  const account = await firstStart(page);
  await page.getByRole("heading", { name: "Portfolio" }).waitFor();
  await shot("first-portfolio");
  await axe("first portfolio");

  await page.getByRole("button", { name: "Ada Lovelace" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
  await page.goto(new URL("/admin/people", page.url()).href);
  await page.getByLabel("E-mail").fill(account.email);
  await page.getByLabel("Password").fill("not the passphrase");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await axe("sign in");
  await shot("sign-in");
  await page.getByLabel("Password").fill(account.password);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Places", exact: true }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/admin/people", "the address after signing in");
  await done();
}
