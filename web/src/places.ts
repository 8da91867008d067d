import { h, safeLink, when } from "./dom";
import { attempt, show, toast } from "./main";
import { all, call, type AuditRow, type Countermeasure, type Explanation, type Figures, type PlanItem, type Product, type Run, type Threat, type Ticket, type TicketRow } from "./rest";

type Place = (id: string, tab: string) => Promise<Node[]>;

export const places: Record<string, Place> = { "": portfolio, product, board };

function bandOf(rating: number): string {
  return rating >= 75 ? "critical" : rating >= 50 ? "high" : rating >= 25 ? "medium" : "low";
}

function band(name: string, rating?: number): HTMLElement {
  return h("span", { class: "band " + name }, rating === undefined ? name : `${rating} ${name}`);
}

async function portfolio(): Promise<Node[]> {
  const products = await all<Product>("/products");
  return [
    h("h1", {}, "Products"),
    h("p", { class: "lead" }, "Highest open threat of each product: what is claimed to be left, and what is proven."),
    products.length === 0
      ? h("div", { class: "card empty" }, "No product yet. Define one with ", h("code", {}, "threatloop apply"), ", or run ", h("code", {}, "threatloop demo"), " to see the whole loop.")
      : h(
          "div",
          { class: "cards" },
          products.map((p) =>
            h(
              "a",
              { class: "card", href: "#/product/" + p.id },
              h("div", { class: "row" }, h("strong", {}, p.name), band(p.risk.band, p.risk.open.highest.current)),
              h("div", { class: "soft" }, `verified ${p.risk.open.highest.verified}, ${p.risk.open.threats} open threats`),
              h("div", { class: "soft" }, p.vulnerabilities ? `${p.vulnerabilities} open vulnerabilities` : "no open vulnerability"),
            ),
          ),
        ),
  ];
}

const tabs: [string, string, (p: Product) => Promise<Node[]>][] = [
  ["", "Overview", overview],
  ["threats", "Threats", threats],
  ["countermeasures", "Countermeasures", countermeasures],
  ["review", "Review", review],
  ["tickets", "Tickets", tickets],
  ["tests", "Tests", tests],
  ["audit", "Audit", audit],
];

async function product(id: string, tab: string): Promise<Node[]> {
  const p = await call<Product>("GET", "/products/" + id);
  const current = tabs.find(([key]) => key === tab) ?? tabs[0]!;
  return [
    h("h1", {}, p.name),
    h("p", { class: "lead" }, p.description),
    h(
      "nav",
      { class: "tabs", "aria-label": "Product" },
      tabs.map(([key, name]) => h("a", { href: `#/product/${id}/${key}`, "aria-current": key === current[0] ? "page" : undefined }, name)),
    ),
    ...(await current[2](p)),
  ];
}

const meanings: [keyof Figures, string, string][] = [
  ["inherent", "Inherent", "without any countermeasure"],
  ["verified", "Verified", "what passing tests prove"],
  ["current", "Current", "what is implemented and not contradicted"],
  ["projected", "Projected", "when the required work is done"],
];

interface Change {
  at: string;
  title?: string;
  before: Figures;
  after: Figures;
  cause: { text: string };
}

async function overview(p: Product): Promise<Node[]> {
  const history = await call<{ items: Change[] }>("GET", `/products/${p.id}/ratings/history?limit=30`);
  return [
    h(
      "div",
      { class: "ratings" },
      meanings.map(([key, name, text]) => {
        const n = p.risk.open.highest[key];
        return h(
          "div",
          { class: "card rating" },
          h("span", {}, name),
          h("b", {}, n),
          h("span", {}, text),
          h("div", { class: "bar band-bar", style: `color: var(--${bandOf(n)})` }, h("i", { style: `width: ${n}%` })),
        );
      }),
    ),
    h("p", { class: "soft" }, `Highest open threat per rating. Assurance gap over all threats: ${p.risk.assurance_gap}, claimed and not yet proven by a test.`),
    h("h2", {}, "What moved"),
    table(
      ["When", "Threat", "Current", "Verified", "Because"],
      history.items.map((c) => [when(c.at), c.title ?? "the product", move(c.before.current, c.after.current), move(c.before.verified, c.after.verified), c.cause.text]),
      "Nothing moved yet.",
      [2, 3],
    ),
  ];
}

function move(before: number, after: number): string {
  return before === after ? String(after) : `${before} → ${after}`;
}

async function threats(p: Product): Promise<Node[]> {
  const list = await all<Threat>(`/products/${p.id}/threats`);
  list.sort((a, b) => b.rating.current - a.rating.current || a.title.localeCompare(b.title));
  return [
    table(
      ["Threat", "Where", "Current", "Verified", "Inherent", "Status", "Tickets"],
      list.map((t) => [
        h(
          "div",
          {},
          t.title,
          h("details", {}, h("summary", {}, "why"), why(t.why), figure(p.id, t.id)),
        ),
        t.where_name,
        t.rating.unrated ? band("unrated") : band(t.rating.band, t.rating.current),
        t.rating.verified,
        t.rating.inherent,
        t.status,
        ticketLinks(t.tickets),
      ]),
      "No threat yet. Answer the questionnaire or import a diagram, then look at the review.",
      [3, 4],
    ),
  ];
}

function why(list: Threat["why"]): HTMLElement {
  return h("div", { class: "soft" }, (list ?? []).length === 0 ? "Added by a person or a file." : (list ?? []).map((w) => h("div", {}, `${w.text} (${w.rule}, ${w.library})`)));
}

function figure(product: string, threat: string): HTMLElement {
  const pre = h("pre", {}, "");
  const button = h("button", {
    click: () =>
      void attempt(async () => {
        const e = await call<Explanation>("GET", `/products/${product}/threats/${threat}/explanation`);
        pre.textContent = e.lines.join("\n");
      }),
  }, "Why this figure");
  return h("div", {}, button, pre);
}

async function countermeasures(p: Product): Promise<Node[]> {
  const list = await all<Countermeasure>(`/products/${p.id}/countermeasures`);
  list.sort((a, b) => b.takes - a.takes || a.title.localeCompare(b.title));
  const states = ["recommended", "required", "implemented", "rejected", "not_applicable"];
  return [
    table(
      ["Countermeasure", "Where", "State", "Takes off", "Test", "Tickets"],
      list.map((c) => [
        h("div", {}, c.title, c.description && h("details", {}, h("summary", {}, "how"), h("pre", {}, c.description), why(c.why))),
        c.where_name,
        h(
          "select",
          {
            "aria-label": "State of " + c.title,
            change: (e) => void setState(p.id, c, (e.target as HTMLSelectElement).value),
          },
          states.map((s) => h("option", { value: s, selected: s === c.state }, s.replace("_", " "))),
        ),
        c.takes,
        h("span", { class: "tag " + c.evidence.verdict, title: c.evidence.text }, c.evidence.verdict + (c.evidence.stale ? ", stale" : "")),
        ticketLinks(c.tickets),
      ]),
      "No countermeasure yet.",
      [3],
    ),
  ];
}

async function setState(product: string, c: Countermeasure, state: string): Promise<void> {
  let reason: string | undefined;
  if (state === "rejected" || state === "not_applicable") {
    reason = prompt(`Why is "${c.title}" ${state.replace("_", " ")}?`) ?? "";
  }
  await attempt(() => call("PATCH", `/products/${product}/countermeasures/${c.id}`, { state, state_reason: reason }));
  await show();
}

async function review(p: Product): Promise<Node[]> {
  const plan = await call<{ items: PlanItem[] | null }>("GET", `/products/${p.id}/plan`);
  const items = plan.items ?? [];
  return [
    h(
      "div",
      { class: "row" },
      h("p", { class: "grow" }, items.length === 0 ? "The model is what the answers, the diagram and the library say. Nothing to review." : `${items.length} changes wait for you. Nothing is applied or sent before.`),
      items.length > 0 &&
        h("button", {
          class: "main",
          click: () =>
            void attempt(async () => {
              await call("POST", `/products/${p.id}/plan`, { all: true });
              toast("Applied.", true);
              await show();
            }),
        }, "Accept all"),
    ),
    items.length > 0 ? table(["Change", "What", "Kind"], items.map((i) => [i.op, i.text, i.kind]), "", []) : h("span"),
  ];
}

async function tickets(p: Product): Promise<Node[]> {
  const list = await all<TicketRow>(`/products/${p.id}/tickets`);
  return [
    table(
      ["Ticket", "For", "Status", "Here", "Note"],
      list.map((t) => [ticketLinks([t]), t.summary, t.status, t.state, t.note ?? ""]),
      "No ticket yet. A connection and a ticket policy decide what is published.",
      [],
    ),
  ];
}

async function tests(p: Product): Promise<Node[]> {
  const runs = await all<Run>(`/products/${p.id}/runs`);
  const drop = h("div", { class: "drop" }, "Drop a report here: JUnit, Cucumber, ZAP, SARIF or Fortify. The format is recognised.");
  drop.addEventListener("dragover", (e) => {
    e.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (e) => {
    e.preventDefault();
    const file = e.dataTransfer?.files[0];
    if (!file) return;
    drop.textContent = `Reading ${file.name} ...`;
    void attempt(async () => {
      const run = await call<Run>("POST", `/products/${p.id}/results?wait=30&name=${encodeURIComponent(file.name)}`, file);
      if (run.error) toast(run.error);
      else toast(`${run.format}: ${run.counts.fail} failed, ${run.counts.pass} passed.`, true);
    }).then(show);
  });
  return [
    drop,
    table(
      ["When", "Source", "Format", "Failed", "Passed", "Not run", "State"],
      runs.map((r) => [when(r.at), r.source, r.format, r.counts.fail, r.counts.pass, r.counts.error + r.counts.not_run, r.error ? `${r.state}: ${r.error}` : r.state]),
      "No test run yet. Upload one from CI with threatloop results upload.",
      [3, 4, 5],
    ),
  ];
}

async function audit(p: Product): Promise<Node[]> {
  const page = await call<{ items: AuditRow[] }>("GET", `/products/${p.id}/audit?limit=200`);
  return [
    table(
      ["No.", "When", "Who", "From", "What", "Object"],
      page.items.map((a) => [a.seq, when(a.at), a.actor_name, a.source, a.action, a.object]),
      "Nothing recorded yet.",
      [0],
    ),
  ];
}

interface Card {
  id: string;
  key: string;
  summary: string;
  status: string;
  category: string;
  resolution?: string;
}

async function board(): Promise<Node[]> {
  const connections = await all<{ id: string; name: string; kind: string }>("/connections");
  const builtin = connections.filter((c) => c.kind === "builtin");
  const nodes: Node[] = [h("h1", {}, "Board"), h("p", { class: "lead" }, "The built-in tracker. Tickets of other trackers stay where your team works.")];
  if (builtin.length === 0) return [...nodes, h("div", { class: "card empty" }, "No built-in tracker is connected.")];
  for (const c of builtin) {
    const cards = await all<Card>(`/connections/${c.id}/board`);
    nodes.push(
      h("h2", {}, c.name),
      table(
        ["Key", "Summary", "Status", "Move to"],
        cards.map((k) => [
          k.key,
          k.summary,
          k.status + (k.resolution ? ` (${k.resolution})` : ""),
          h(
            "div",
            { class: "row" },
            [
              ["To do", ""],
              ["In progress", ""],
              ["Done", "Done"],
              ["Done", "Won't do"],
            ]
              .filter(([status, resolution]) => status !== k.status || resolution !== (k.resolution ?? ""))
              .map(([status, resolution]) =>
                h("button", {
                  click: () =>
                    void attempt(async () => {
                      await call("POST", `/connections/${c.id}/tickets/${k.id}/move`, { status, resolution });
                      await show();
                    }),
                }, resolution || status),
              ),
          ),
        ]),
        "No ticket yet.",
        [],
      ),
    );
  }
  return nodes;
}

function ticketLinks(list: Ticket[] | undefined): HTMLElement {
  return h(
    "span",
    {},
    (list ?? []).map((t) => {
      const url = safeLink(t.url);
      const text = t.key || t.state;
      return h("span", { class: "row", title: t.note }, url ? h("a", { href: url }, text) : text, h("span", { class: "tag " + t.state }, t.state));
    }),
  );
}

function table(head: string[], rows: (Node | string | number)[][], empty: string, numbers: number[]): HTMLElement {
  if (rows.length === 0) return h("div", { class: "card empty" }, empty);
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((c, i) => h("td", { class: numbers.includes(i) ? "num" : "" }, c))))),
    ),
  );
}
