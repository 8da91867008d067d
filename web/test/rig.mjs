// What the stories share: a browser, pages that note what must not happen, and
// the questions that are asked of every place.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

export { assert };

const need = (name) => process.env[name] || assert.fail(`${name} is not set`);

/** The server of the story, and on one that went round the loop its product and account. */
export const server = {
  url: need("STORY_URL"),
  product: process.env.STORY_PRODUCT ?? "",
  email: process.env.STORY_EMAIL ?? "",
  password: process.env.STORY_PASSWORD ?? "",
};

/** file is the path of an input file that the Go side made: "diagram.json", "junit-fail.xml". */
export const file = (name) => join(need("STORY_FILES"), name);

/**
 * patience is how long what is waited for may take, in milliseconds. Everything is waited for by what is there to be
 * seen; this only ends what will never come, so it is generous: a busy machine is no fault.
 */
export const patience = 90_000;

const shots = process.env.THREATLOOP_SCREENSHOTS;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;

/** launch starts the browser; without a GPU, as it is in CI. */
export async function launch() {
  browser ??= await chromium.launch({
    executablePath: need("CHROMIUM"),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  return browser;
}

/** failed keeps a picture of every open page, where pictures are wanted, and says where each was. */
export async function failed(story) {
  let n = 0;
  for (const page of browser?.contexts().flatMap((c) => c.pages()) ?? []) {
    console.error(`the page was at ${page.url()}`);
    if (!shots) continue;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `failed-${story}-${++n}.png`) }).catch(() => undefined);
  }
}

export async function close() {
  await browser?.close();
}

/**
 * open gives a page at the size and in the theme. What must not happen fails the
 * story at done(): errors on the console, exceptions, requests to other hosts.
 * allowed are patterns of console messages that the story brings about.
 */
export async function open({ width = 1280, height = 860, scheme = "light", allowed = [], path = "/", context: given } = {}) {
  const context =
    given ??
    (await (await launch()).newContext({ viewport: { width, height }, colorScheme: scheme, acceptDownloads: true, reducedMotion: "reduce" }));
  if (!given) await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  const wrong = [];
  const origin = new URL(server.url).origin;
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && !allowed.some((a) => a.test(m.text())) && wrong.push(`console: ${m.text()}`));
  page.on("pageerror", (e) => wrong.push(`exception: ${e}`));
  const asked = new Set();
  page.on("request", (r) => r.url().startsWith(`${origin}/api/`) && !r.url().endsWith("/events") && asked.add(r));
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (r) => asked.delete(r));
  page.on("request", (r) => /^(blob|data):/.test(r.url()) || new URL(r.url()).origin === origin || wrong.push(`request to ${r.url()}`));
  page.setDefaultTimeout(patience);
  await page.goto(server.url + path);

  /** shot checks that nothing scrolls sideways and keeps a picture where pictures are wanted. */
  const shot = async (name, { scheme: now = scheme } = {}) => {
    // What is only on its way, like a notice that slides out, may go first: wrong is what nothing moves and stays.
    let stays = 0;
    const wide = await eventually(
      `${name} stands still`,
      () => page.evaluate(overhang, width),
      (is) => is === width || (is.still && ++stays > 10),
    );
    assert.equal(wide, width, `${name} scrolls sideways at ${width}`);
    if (!shots) return;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}-${width}-${now}.png`), animations: "disabled" });
  };
  /**
   * axe asks whether people with assistive technology can use what is shown: by all rules but some, or by
   * those named alone. What it is told to leave out stays unasked.
   */
  const axe = async (name, { scheme: now = scheme, rules, without = [], leaveOut = [] } = {}) => {
    // Evaluated by the test, not loaded by the page: its policy lets no other script in.
    if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axeSource);
    const ask = (rules) =>
      page.evaluate(
        ([runOnly, without, leaveOut]) => {
          const exclude = leaveOut.filter((s) => document.querySelector(s)).map((s) => [s]);
          const off = Object.fromEntries(without.map((r) => [r, { enabled: false }]));
          const options = { runOnly, rules: off, resultTypes: ["violations"], preload: false };
          return globalThis.axe.run(exclude.length ? { exclude } : document, options).then((r) => r.violations);
        },
        [rules, without, leaveOut],
      );
    let violations = await ask(rules ?? ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]);
    // The colour of a text and that of its ground are read one after the other, while the page goes on: news of
    // the server that come in between are drawn with one from before and one from after. What is truly hard to
    // read is so the second time as well; only this rule compares two moments, so only it is asked again.
    if (violations.some((v) => v.id === contrast)) {
      await coloured(page, now);
      violations = [...violations.filter((v) => v.id !== contrast), ...(await ask([contrast]))];
    }
    // A menu, a tooltip or a list of choices stands beside the page for as long as it is wanted: no
    // landmark can hold it, and that everything is within one is good practice for what stays.
    const passing = (v) => v.id === "region" && v.nodes.every((n) => /radix-popper|role="(tooltip|menu)"/.test(n.html));
    const found = violations
      .filter((v) => !passing(v))
      .map(
        (v) =>
          `${v.id} (${v.help}): ${v.nodes
            .slice(0, 3)
            .map((n) => `${n.target} ${n.failureSummary?.split("\n")[1]?.trim() ?? ""}`)
            .join(" | ")}`,
      );
    assert.deepEqual(found, [], `axe at ${name}, ${width}, ${now}`);
  };
  /** settled waits until every answer is there and drawn: nothing is being read and nothing holds another's place. */
  const settled = async () => {
    const end = Date.now() + patience;
    for (let still = 0; still < 2; ) {
      assert.ok(Date.now() < end, `still being read: ${[...asked].map((r) => r.url())}`);
      await page.waitForFunction(
        () =>
          document.querySelectorAll("[aria-label=Loading], [aria-busy=true]").length === 0 &&
          (document.querySelector("main")?.textContent?.trim().length ?? 0) > 0,
      );
      await drawn(page);
      // What was read may ask for more: only when that did not happen twice is all there.
      still = asked.size === 0 ? still + 1 : 0;
    }
  };
  const done = async () => {
    assert.deepEqual(wrong, [], "what must not happen in a page");
    if (!given) await context.close();
  };
  return { page, context, shot, axe, settled, done, wrong };
}

export const contrast = "color-contrast";

/** drawn waits until the browser has drawn twice: what was asked of the page before is on the screen then. */
const drawn = (page) =>
  page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise((frame) => requestAnimationFrame(frame));
  });

/** inScheme shows the page in a theme, and comes back when every colour of it is that theme's. */
export async function inScheme(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme });
  await coloured(page, scheme);
}

/**
 * coloured waits until a theme has gone through the page: it is drawn, nothing moves or fades any more,
 * and text and ground are what the tokens say for the theme.
 */
async function coloured(page, scheme) {
  await drawn(page);
  await page.waitForFunction((scheme) => {
    if (!matchMedia(`(prefers-color-scheme: ${scheme})`).matches) return false;
    if (document.getAnimations().some((a) => a.playState === "running")) return false;
    const probe = document.createElement("i");
    /** of is the colour that a token has in the theme: it reads "light-dark(#17191f, #e9eaee)". */
    const of = (token) => {
      const pair = getComputedStyle(document.documentElement).getPropertyValue(token);
      probe.style.color = /light-dark\((.+),(.+)\)/.exec(pair)?.[scheme === "dark" ? 2 : 1].trim() ?? pair;
      return getComputedStyle(probe).color;
    };
    document.documentElement.append(probe);
    const [text, ground] = [of("--text"), of("--bg")];
    probe.remove();
    return getComputedStyle(document.body).color === text && getComputedStyle(document.documentElement).backgroundColor === ground;
  }, scheme);
}

/** signIn enters with the account of a server that has one. */
export async function signIn(page, { email, password } = server) {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page
    .getByRole("navigation", { name: "Places", exact: true })
    .or(page.getByRole("button", { name: "Menu" }))
    .first()
    .waitFor();
}

/** firstStart makes the administrator of a fresh server. */
export async function firstStart(page, account = { name: "Ada Lovelace", email: "ada@example.org", password: "a long enough passphrase" }) {
  await page.getByRole("heading", { name: "Welcome to Threatloop" }).waitFor();
  await page.getByLabel("Name").fill(account.name);
  await page.getByLabel("E-mail").fill(account.email);
  await page.getByLabel("Password").fill(account.password);
  await page.getByRole("button", { name: "Create and go on" }).click();
  await page
    .getByRole("navigation", { name: "Places", exact: true })
    .or(page.getByRole("button", { name: "Menu" }))
    .first()
    .waitFor();
  return account;
}

/** eventually asks until the answer is what is wanted, or says what it was last. */
export async function eventually(what, ask, want, timeout = patience) {
  const end = Date.now() + timeout;
  for (;;) {
    const got = await ask();
    const ok = typeof want === "function" ? want(got) : got === want;
    if (ok) return got;
    if (Date.now() > end) assert.fail(`${what}: ${JSON.stringify(got)}, want ${typeof want === "function" ? want : JSON.stringify(want)}`);
    await new Promise((r) => setTimeout(r, 60));
  }
}

/** rest asks the REST interface with the page's own session, for what a story checks behind the page's back. */
export async function rest(page, method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const headers = { "Content-Type": "application/json" };
      if (method === "POST") headers["Idempotency-Key"] = Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
      const r = await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
      const data = r.status === 204 ? undefined : await r.json();
      if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${JSON.stringify(data)}`);
      return data;
    },
    [method, path, body],
  );
}

/**
 * overhang tells in the page how wide it scrolls: the width asked for, or where it is more what stands out at
 * its end, and whether it stays so because nothing moves.
 */
function overhang(width) {
  const root = document.documentElement;
  if (root.scrollWidth <= width) return width;
  const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 0.5);
  const what = out.slice(-5).map((e) => `${e.tagName} ${e.className} to ${e.getBoundingClientRect().right}`);
  return { scrolls: root.scrollWidth, what, still: !document.getAnimations().some((a) => a.playState === "running") };
}
