import "./style.css";
import { h } from "./dom";
import { board } from "./board";
import { connections } from "./connections";
import { portfolio } from "./portfolio";
import { product } from "./product";
import { call, Problem, type Me } from "./rest";
import { clearNotices, connect, editing, fail, field, opened } from "./ui";

/** Place draws what an address names; parts are the address after the place's name. */
type Place = (parts: string[]) => Promise<Node[]>;

const places: Record<string, Place> = { "": portfolio, product, board, connections };

const root = document.getElementById("page")!;
const content = h("main", { id: "content", tabindex: "-1" });
const lost = h("div", { class: "lost", role: "status", hidden: true }, "The connection to the server is lost. What you see is the last known state; it will go on by itself.");
// Whether this browser has signed in; the session itself is a cookie that scripts cannot read.
const known = "threatloop.session";
let me: Me | undefined;
let events: EventSource | undefined;
let drawn = 0; // the newest drawing; an older one that ends later is dropped
let shown = ""; // the address that is drawn
let due = false; // a redraw waits until the person has finished
let timer = 0;

connect(draw, () => {
  forget();
  void show();
});

function frame(): void {
  const link = (href: string, text: string) => h("a", { href }, text);
  root.replaceChildren(
    h("a", { class: "skip", href: "#content", click: (e) => {
      e.preventDefault();
      content.focus();
    } }, "Skip to the content"),
    h(
      "header",
      { class: "top" },
      h("a", { class: "brand", href: "#/" }, h("img", { src: "/icon.svg", alt: "", width: 24, height: 24 }), h("span", {}, "Threatloop")),
      h("nav", { "aria-label": "Places" }, link("#/", "Products"), link("#/board", "Board"), link("#/connections", "Connections")),
      h("span", { class: "who soft" }, me?.name || me?.email),
      h("button", { class: "quiet", click: () => void signOut() }, "Sign out"),
    ),
    lost,
    content,
  );
}

async function signOut(): Promise<void> {
  try {
    await call("DELETE", "/session");
  } catch (err) {
    if (!(err instanceof Problem && err.status === 401)) return fail(err);
  }
  forget();
  await show();
}

function forget(): void {
  localStorage.removeItem(known);
  events?.close();
  events = undefined;
  me = undefined;
  shown = "";
  opened.clear();
}

function entry(first: boolean, token = false): void {
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = h("button", { class: "main", type: "submit" }, first ? "Create and go on" : "Sign in");
  const input = (name: string, type: string, autocomplete: string) =>
    h("input", { name, type, autocomplete, required: true, minlength: first && type === "password" ? 12 : undefined });
  const form = h(
    "form",
    {
      submit: (e) => {
        e.preventDefault();
        void send();
      },
    },
    first && field("Name", input("name", "text", "name")),
    field("E-mail", input("email", "email", "username")),
    field("Password", input("password", "password", first ? "new-password" : "current-password"), first ? "At least 12 characters." : undefined),
    token && field("Setup token", input("token", "text", "off"), "The server printed it when it started."),
    wrong,
    go,
  );
  const send = async () => {
    go.disabled = true;
    wrong.textContent = "";
    try {
      await call("POST", first ? "/setup" : "/session", Object.fromEntries(new FormData(form)));
      localStorage.setItem(known, "1");
      await show();
    } catch (err) {
      wrong.textContent = err instanceof Error ? err.message : String(err);
      go.disabled = false;
    }
  };
  root.replaceChildren(
    h(
      "main",
      { class: "entry" },
      h("img", { src: "/icon.svg", alt: "", width: 40, height: 40 }),
      h("h1", {}, first ? "Welcome to Threatloop" : "Sign in to Threatloop"),
      h("p", { class: "lead" }, first ? "Nobody is here yet. Create the first administrator; others are added later." : "Threat models that stay true."),
      h("div", { class: "card" }, form),
    ),
  );
  document.title = first ? "Welcome · Threatloop" : "Sign in · Threatloop";
  form.querySelector("input")?.focus();
}

/** show draws the place that the address names, or asks who is there. */
async function show(): Promise<void> {
  if (!me && localStorage.getItem(known)) {
    try {
      me = await call<Me>("GET", "/session");
    } catch (err) {
      if (!(err instanceof Problem && err.status === 401)) return fail(err);
      forget();
    }
  }
  if (!me) {
    try {
      const setup = await call<{ needed: boolean; token_needed: boolean }>("GET", "/setup");
      entry(setup.needed, setup.token_needed);
    } catch (err) {
      fail(err);
    }
    return;
  }
  if (!content.isConnected || root.firstElementChild?.tagName === "MAIN") frame();
  if (!events) follow();
  await draw();
}

/** follow redraws when somebody else, a tracker or a pipeline changed something. */
function follow(): void {
  const source = new EventSource("/api/v1/events");
  events = source;
  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (editing()) due = true;
      else void draw().catch(fail);
    }, 250);
  };
  source.addEventListener("change", soon);
  source.addEventListener("resync", soon);
  source.onopen = () => {
    if (!lost.hidden) soon();
    lost.hidden = true;
  };
  source.onerror = () => {
    if (events !== source) return;
    lost.hidden = false;
    if (source.readyState === EventSource.CLOSED) {
      // Refused rather than interrupted: perhaps the session is over.
      events = undefined;
      me = undefined;
      window.setTimeout(() => void show(), 3000);
    }
  };
}

document.addEventListener("focusout", () =>
  window.setTimeout(() => {
    if (due && !editing()) void draw().catch(fail);
  }, 0),
);

async function draw(): Promise<void> {
  if (!me) return;
  const mine = ++drawn;
  const at = location.hash;
  const [, name = "", ...parts] = at.split("/").map(decodeURIComponent);
  let nodes: Node[];
  try {
    nodes = await (places[name] ?? portfolio)(parts);
  } catch (err) {
    if (mine !== drawn) return;
    if (at === shown || (err instanceof Problem && err.status === 401)) return fail(err);
    nodes = [
      h("h1", {}, err instanceof Problem && err.status === 404 ? "This is not here" : "This could not be shown"),
      h("p", { class: "lead" }, err instanceof Error ? err.message : String(err)),
      h("p", {}, h("a", { href: "#/" }, "Go to the products")),
    ];
  }
  if (mine !== drawn) return;
  due = false;
  const same = at === shown;
  shown = at;
  const active = document.activeElement;
  const key = active instanceof HTMLElement ? active.dataset["key"] : undefined;
  const range = active instanceof HTMLInputElement && key ? [active.selectionStart, active.selectionEnd] : undefined;
  const y = window.scrollY;
  content.replaceChildren(...nodes);
  const title = content.querySelector("h1")?.textContent;
  document.title = title ? `${title} · Threatloop` : "Threatloop";
  for (const a of root.querySelectorAll("header nav a")) {
    const place = a.getAttribute("href")?.slice(2) ?? "";
    if (place === name || (place === "" && name === "product")) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  const tab = content.querySelector<HTMLElement>(".tabs [aria-current]");
  if (tab) tab.parentElement!.scrollLeft = tab.offsetLeft - 40;
  const named = content.querySelector<HTMLElement>(".named");
  if (!same && named) named.scrollIntoView({ block: "center" });
  else window.scrollTo(0, same ? y : 0);
  if (same && key) {
    const again = [...content.querySelectorAll<HTMLElement>("[data-key]")].find((el) => el.dataset["key"] === key);
    again?.focus({ preventScroll: true });
    if (again instanceof HTMLInputElement && range) again.setSelectionRange(range[0] ?? null, range[1] ?? null);
  }
}

window.addEventListener("hashchange", () => {
  clearNotices();
  void show().catch(fail);
});
void show().catch(fail);
