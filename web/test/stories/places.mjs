// server: demo
// Every place on a product that went round the loop, in both themes, wide and
// narrow: a picture of each, no fault that axe finds, nothing that scrolls sideways.
import { assert, open, rest, server, signIn } from "../rig.mjs";

export default async function () {
  for (const [width, scheme] of [
    [1280, "light"],
    [1280, "dark"],
    [390, "light"],
    [390, "dark"],
  ]) {
    const { page, shot, axe, done } = await open({ width, scheme });
    await page.getByRole("heading", { name: "Sign in to Threatloop" }).waitFor();
    await shot("sign-in");
    await axe("sign in");
    await signIn(page);
    await page.getByText("Parcel desk").first().waitFor();
    const first = (path) => rest(page, "GET", path).then((p) => p.items[0].id);
    const id = server.product;
    const threat = await first(`/products/${id}/threats?sort=-rating&limit=1`);
    const countermeasure = await first(`/products/${id}/countermeasures?state=implemented,required&limit=1`);
    const connection = await first("/connections");
    const run = await first(`/products/${id}/runs?limit=1`);
    const of = `/products/${id}`;
    const places = [
      ["portfolio", "/"],
      ["portfolio-heat", "/?view=heat"],
      ["assigned", "/assigned"],
      ["new", "/new"],
      ["new-questionnaire", "/new?how=questionnaire"],
      ["new-import", "/new?how=import"],
      ["new-template", "/new?how=template"],
      ["trackers", "/trackers"],
      ["tracker", `/trackers/${connection}`],
      ["tracker-settings", `/trackers/${connection}?view=settings`],
      ["board", `/board/${connection}`],
      ["account", "/account"],
      ["admin-people", "/admin/people"],
      ["admin-roles", "/admin/roles"],
      ["admin-tokens", "/admin/tokens"],
      ["admin-audit", "/admin/audit"],
      ["admin-fields", "/admin/fields"],
      ["admin-instance", "/admin/instance"],
      ["overview", `${of}/overview`],
      ["diagram", `${of}/diagram`],
      ["questionnaire", `${of}/questionnaire`],
      ["threats", `${of}/threats`],
      ["threat", `${of}/threats?open=${threat}`],
      ["countermeasures", `${of}/countermeasures`],
      ["countermeasures-board", `${of}/countermeasures?as=board`],
      ["countermeasure", `${of}/countermeasures?open=${countermeasure}`],
      ["review", `${of}/review`],
      ["review-publish", `${of}/review?step=publish`],
      ["tests", `${of}/tests`],
      ["run", `${of}/tests?run=${run}`],
      ["triage", `${of}/tests?view=triage`],
      ["tickets", `${of}/tickets`],
      ["history", `${of}/history`],
      ["settings", `${of}/settings`],
      ["nowhere", "/nowhere"],
    ];
    const faults = [];
    for (const [name, path] of places) {
      await page.goto(server.url + path);
      await page.getByRole("main").waitFor();
      await settled(page);
      try {
        await shot(name);
        await axe(name);
      } catch (err) {
        faults.push(err.message);
      }
    }
    assert.deepEqual(faults, [], `places at ${width}, ${scheme}`);
    await done();
  }
}

/** settled waits until nothing is being read and nothing holds another's place. */
async function settled(page) {
  await page.waitForFunction(
    () => document.querySelectorAll("main [aria-label=Loading], main [aria-busy=true]").length === 0 && (document.querySelector("main")?.textContent?.trim().length ?? 0) > 0,
  );
  await page.waitForLoadState("load");
  await page.waitForTimeout(250);
}
