import { count, h, words } from "./dom";
import { tag, ticketKey } from "./parts";
import { all, call, few, type Connection, type Policy, type Product, type TicketRow } from "./rest";
import { ask, button, empty, field, filtered, notice, table } from "./ui";

const purposes: Record<string, string> = { countermeasure: "countermeasure", threat: "threat without countermeasure", vulnerability: "vulnerability" };

/** tickets shows what went to the tracker, and what waits to. */
export async function tickets(p: Product): Promise<Node[]> {
  const [list, policy, connections] = await Promise.all([all<TicketRow>(`/products/${p.id}/tickets`), call<Policy>("GET", `/products/${p.id}/tickets/policy`), few<Connection>("/connections")]);
  const natural = new Intl.Collator(undefined, { numeric: true });
  list.sort((a, b) => Number(b.state === "held") - Number(a.state === "held") || natural.compare(a.key, b.key));
  const held = list.filter((t) => t.state === "held");
  const target = connections.find((c) => c.id === policy.default.connection);
  const publish = async (body: object) => {
    const r = await call<{ named: number; released: number }>("POST", `/products/${p.id}/tickets/publish`, body);
    notice(r.named + r.released > 0 ? "On their way to the tracker. Each appears here with its key once the tracker has it." : "All that is wanted is published already.", true);
  };
  const out: Node[] = [
    h(
      "div",
      { class: "card row head" },
      h(
        "div",
        { class: "grow" },
        h("strong", {}, target ? `Tickets go to ${target.name}, project ${policy.default.project ?? ""}` : "No tracker is chosen for this product"),
        h("div", { class: "soft" }, !target ? "Choose where its tickets go; nothing is sent before." : policy.auto ? "New ones are published by themselves." : "New ones wait until somebody publishes them."),
      ),
      h("button", { class: target ? "" : "main", "data-key": "policy", click: () => void choose(p, policy, connections) }, target ? "Change" : "Choose a tracker"),
      target && button("Publish all", () => publish({ all: true }), { class: held.length > 0 ? "main" : "" }),
    ),
  ];
  if (target?.state === "paused") out.push(h("p", { class: "alarm" }, `${target.name} is paused: ${target.reason ?? "the reason is not known"} `, h("a", { href: "#/connections" }, "Look at the connection")));
  if (held.length > 0) out.push(h("p", {}, `${count(held.length, "ticket is", "tickets are")} held back and wait for a person.`));
  if (list.length === 0) return [...out, empty("No ticket yet", target ? "Require a countermeasure, then publish." : "Choose a tracker, then publish what is required.")];
  return [
    ...out,
    ...filtered(
      "tickets-" + p.id,
      "Filter by key, title, status",
      list,
      (t) => [t.key, t.summary, t.status, words(t.state), t.purpose, t.note].join(" "),
      (items) =>
        table(
          "Tickets",
          ["Ticket", "About", "For", "Status there", "What it means here"],
          items.map((t) => ({
            cells: [
              ticketKey(t),
              h("div", {}, t.summary, t.note && h("small", {}, t.note)),
              purposes[t.purpose] ?? t.purpose,
              t.status,
              h("div", { class: "row tight" }, tag(t.state), t.state === "held" && button("Publish", () => publish({ objects: [t.object] }), { "aria-label": "Publish: " + t.summary })),
            ],
          })),
        ),
    ),
  ];
}

async function choose(p: Product, policy: Policy, connections: Connection[]): Promise<void> {
  if (connections.length === 0) {
    location.hash = "#/connections";
    notice("Connect a tracker first; then choose it for the product.", true);
    return;
  }
  const d = policy.default;
  await ask(
    "Where tickets go",
    [],
    [
      field("Tracker", h("select", { name: "connection", required: true }, connections.map((c) => h("option", { value: c.id, selected: c.id === d.connection }, c.name)))),
      field("Project", h("input", { name: "project", required: true, value: d.project ?? "", maxlength: 100 }), "Its key in the tracker, for example SHOP."),
      h("label", { class: "choice" }, h("input", { type: "checkbox", name: "auto", value: "1", checked: policy.auto === true }), h("span", {}, h("strong", {}, "Publish by itself"), h("small", {}, "What is required later gets its ticket at once."))),
    ],
    "Save",
    async (data) => {
      const { version, $schema: _, ...rest } = policy;
      await call("PUT", `/products/${p.id}/tickets/policy`, { ...rest, auto: data["auto"] === "1", default: { ...d, connection: data["connection"], project: data["project"] } }, version);
      notice("Saved.", true);
    },
  );
}
