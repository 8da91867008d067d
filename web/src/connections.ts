import { h, when, words } from "./dom";
import { tag } from "./parts";
import { call, few, type Connection } from "./rest";
import { ask, button, empty, field, notice } from "./ui";

/** connections shows the trackers, how their queues stand and why one is paused. */
export async function connections(): Promise<Node[]> {
  const list = await few<Connection>("/connections");
  const add = h("button", { class: list.length === 0 ? "main" : "", "data-key": "connect", click: () => void connectTracker() }, "Connect a tracker");
  return [
    h("div", { class: "row head" }, h("div", { class: "grow" }, h("h1", {}, "Connections"), h("p", { class: "lead" }, "The trackers that tickets go to, and how it stands with each.")), list.length > 0 && add),
    list.length === 0 ? empty("No tracker is connected", h("p", {}, "Take the built-in one to begin with, or the one where your team works."), add) : h("div", { class: "cards wide" }, list.map(card)),
  ];
}

function card(c: Connection): HTMLElement {
  const waiting = Object.entries(c.queue).filter(([state, n]) => n > 0 && state !== "linked");
  const row = (name: string, ...value: (Node | string | number)[]) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  return h(
    "section",
    { class: "card connection" },
    h("div", { class: "row" }, h("h2", { class: "grow" }, c.name), tag("connection-" + c.state, c.state)),
    c.state === "paused" && h("div", { class: "alarm" }, h("strong", {}, "Paused because "), c.reason ?? "of a failure that was not recorded", c.paused_until ? h("span", {}, "; it is tried again ", when(c.paused_until)) : ""),
    h(
      "dl",
      { class: "list" },
      row("Tracker", c.kind === "builtin" ? "built-in board" : words(c.kind), c.settings.base_url ? ` at ${c.settings.base_url}` : ""),
      row("Last success", when(c.last_success)),
      row("Last looked at", when(c.last_poll)),
      row("Linked tickets", Object.values(c.links).reduce((a, b) => a + b, 0)),
      row("Waiting", waiting.length === 0 ? "nothing" : waiting.map(([state, n]) => `${n} ${words(state)}`).join(", "), c.oldest ? h("span", {}, ", the oldest since ", when(c.oldest)) : ""),
    ),
    h(
      "div",
      { class: "row tight" },
      c.kind === "builtin" && h("a", { class: "button", href: `#/board/${c.id}` }, "Open the board"),
      (c.state === "paused" || waiting.length > 0) &&
        button("Try again now", async () => {
          await call("POST", `/connections/${c.id}/retry`);
          notice("It is tried again now.", true);
        }, { class: c.state === "paused" ? "main" : "" }),
    ),
  );
}

async function connectTracker(): Promise<void> {
  const kind = h("select", { name: "kind" }, h("option", { value: "builtin" }, "Built-in board"), h("option", { value: "jira" }, "Jira"));
  const jira = [
    field("Address", h("input", { name: "base_url", type: "url", placeholder: "https://example.atlassian.net" })),
    field("E-mail", h("input", { name: "email", type: "email", autocomplete: "off" }), "Jira Cloud only: the account of the API token."),
    field("Token", h("input", { name: "token", type: "password", autocomplete: "off" }), "An API token (Cloud) or a personal access token (Data Center). It is stored encrypted."),
  ];
  const show = () => jira.forEach((f) => (f.hidden = kind.value !== "jira"));
  kind.addEventListener("change", show);
  show();
  await ask("Connect a tracker", [], [field("Tracker", kind), field("Name", h("input", { name: "name", required: true, maxlength: 200, value: "Board" })), ...jira], "Connect", async (d) => {
    const cloud = d["email"] !== "";
    const body =
      d["kind"] === "jira"
        ? { kind: "jira", name: d["name"], settings: { base_url: d["base_url"], email: d["email"] || undefined }, credential: cloud ? { token: d["token"] } : { pat: d["token"] } }
        : { kind: "builtin", name: d["name"], settings: {} };
    await call("POST", "/connections", body);
    notice("Connected. Choose it under Tickets of a product.", true);
  });
}
