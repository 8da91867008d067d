import "./style.css";
import { h } from "./dom";
import { places } from "./places";
import { call, Problem, type Me } from "./rest";

const root = document.getElementById("page")!;
let me: Me | undefined;
let events: EventSource | undefined;

/** toast tells what happened at the edge of the page for a while. */
export function toast(text: string, good = false): void {
  document.querySelectorAll(".toast").forEach((t) => t.remove());
  const el = h("div", { class: good ? "toast good" : "toast", role: "status" }, text);
  document.body.append(el);
  setTimeout(() => el.remove(), 7000);
}

/** attempt runs an action of a person's and shows its failure. */
export async function attempt(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (err) {
    if (err instanceof Problem && err.status === 401) {
      me = undefined;
      void show();
      return;
    }
    toast(err instanceof Error ? err.message : String(err));
  }
}

function frame(...content: Node[]): void {
  const bar = h(
    "header",
    { class: "top" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: "/icon.svg", alt: "" }), "Threatloop"),
    h("a", { href: "#/" }, "Products"),
    h("a", { href: "#/board" }, "Board"),
    h("span", { class: "grow" }),
    h("span", { class: "soft" }, me?.name || me?.email),
    h("button", { click: () => void attempt(signOut) }, "Sign out"),
  );
  root.replaceChildren(bar, h("main", {}, ...content));
}

async function signOut(): Promise<void> {
  await call("DELETE", "/session");
  me = undefined;
  await show();
}

function field(name: string, label: string, type: string, autocomplete: string): HTMLElement {
  return h("label", {}, label, h("input", { name, type, autocomplete, required: true, minlength: type === "password" ? "1" : undefined }));
}

function signIn(first: boolean): void {
  const submit = (e: Event) => {
    e.preventDefault();
    const data = Object.fromEntries(new FormData(e.target as HTMLFormElement));
    void attempt(async () => {
      await call("POST", first ? "/setup" : "/session", data);
      await show();
    });
  };
  root.replaceChildren(
    h(
      "main",
      { class: "narrow" },
      h(
        "div",
        { class: "card" },
        h("h1", {}, first ? "Welcome to Threatloop" : "Sign in"),
        h("p", { class: "lead" }, first ? "Create the first administrator. The password needs at least 12 characters." : "to your threat models"),
        h(
          "form",
          { submit },
          first && field("name", "Name", "text", "name"),
          field("email", "E-mail", "email", "username"),
          field("password", "Password", "password", first ? "new-password" : "current-password"),
          h("button", { class: "main" }, first ? "Create and go on" : "Sign in"),
        ),
      ),
    ),
  );
}

/** show draws the place that the address names. */
export async function show(): Promise<void> {
  try {
    me ??= await call<Me>("GET", "/session");
  } catch (err) {
    events?.close();
    events = undefined;
    if (err instanceof Problem && err.status === 401) {
      const setup = await call<{ needed: boolean }>("GET", "/setup");
      signIn(setup.needed);
      return;
    }
    toast(err instanceof Error ? err.message : String(err));
    return;
  }
  if (!events) {
    events = new EventSource("/api/v1/events");
    let soon = 0;
    events.onmessage = () => {
      // Several changes of one action become one redraw; what a person types in is left alone.
      clearTimeout(soon);
      soon = window.setTimeout(() => {
        if (!(document.activeElement instanceof HTMLInputElement)) void attempt(draw);
      }, 150);
    };
  }
  await attempt(draw);
}

async function draw(): Promise<void> {
  const [, place = "", id = "", tab = ""] = location.hash.split("/");
  const draw = places[place] ?? places[""]!;
  frame(...(await draw(decodeURIComponent(id), tab)));
}

window.addEventListener("hashchange", () => void show());
void show();
