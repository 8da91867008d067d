import { h, words } from "./dom";
import { band, part, prose, reasons, tag, ticketLinks } from "./parts";
import { all, call, type Countermeasure, type Explanation, type Product, type Threat } from "./rest";
import { ask, empty, field, filtered, notice, opened, table } from "./ui";

let arrived = ""; // the address whose named row was opened

/** reveal opens the row that the address names, once: it may be closed again. */
function reveal(key: string): void {
  if (key && arrived !== location.hash) opened.add(key);
  arrived = location.hash;
}

function title(text: string, is: boolean): HTMLElement {
  return h("span", { class: is ? "named" : undefined }, text);
}

export async function threats(p: Product, named: string): Promise<Node[]> {
  const list = await all<Threat>(`/products/${p.id}/threats`);
  if (list.length === 0) return [empty("No threat yet", h("p", {}, "Import a diagram or answer the questionnaire, then accept what the library proposes."), h("a", { href: `#/product/${p.id}/review` }, "Go to the review"))];
  reveal(named);
  list.sort((a, b) => b.rating.current - a.rating.current || a.title.localeCompare(b.title));
  return filtered(
    "threats-" + p.id,
    "Filter by title, place, status, ticket",
    list,
    (t) => [t.title, t.where_name, words(t.status), t.rating.band, ...(t.categories ?? []), ...(t.tickets ?? []).map((k) => k.key)].join(" "),
    (items) =>
      table(
        "Threats",
        ["Threat", "Where", "Current", "Verified", "Inherent", "Status", "Tickets"],
        items.map((t) => ({
          key: t.id,
          cells: [
            title(t.title, t.id === named),
            t.where_name,
            t.rating.unrated ? band("unrated") : band(t.rating.band, t.rating.current),
            t.rating.verified,
            t.rating.inherent,
            tag(t.status, words(t.status), t.status_reason),
            ticketLinks(t.tickets),
          ],
          detail: () => threatDetail(p.id, t),
        })),
        [3, 4],
      ),
  );
}

async function threatDetail(product: string, t: Threat): Promise<Node[]> {
  const e = await call<Explanation>("GET", `/products/${product}/threats/${t.id}/explanation`);
  const links = (e.links ?? []).filter((l) => l.countermeasure);
  const named = [...(t.categories ?? []).map((c) => words(c.replace(/^[a-z]+:/, "").replaceAll("-", " "))), ...(t.capec ?? []).map((n) => `CAPEC-${n}`)];
  return [
    h(
      "div",
      { class: "detail-grid" },
      h("div", {}, part("What can happen", prose(t.description), named.length > 0 && h("p", { class: "soft" }, named.join(" · "))), part("Why it is here", reasons(t.why, t.origin))),
      h(
        "div",
        {},
        part(
          "What helps",
          links.length === 0
            ? h("p", {}, "No countermeasure is known.")
            : h(
                "ul",
                { class: "helps" },
                links.map((l) =>
                  h(
                    "li",
                    {},
                    h("div", { class: "row tight" }, h("a", { href: `#/product/${product}/countermeasures/${l.countermeasure}` }, l.countermeasure_title ?? ""), tag(l.state ?? ""), l.verdict && l.verdict !== "untested" && tag(l.verdict, "test: " + l.verdict)),
                    h("small", {}, `takes ${l.share} % off; ${l.why}`),
                  ),
                ),
              ),
        ),
        part("Why this figure", h("ol", { class: "lines" }, (e.lines ?? []).map((l) => h("li", {}, l)))),
      ),
    ),
  ];
}

const states: [string, string][] = [
  ["recommended", "Worth doing, but nobody has decided yet. It changes no rating."],
  ["required", "It is to be done. The projected rating counts it, and it gets a ticket where the policy says so."],
  ["implemented", "It is claimed to be done. The current rating counts it until a test contradicts it."],
  ["rejected", "It will not be done. Say why; the reason stays in the audit trail."],
  ["not_applicable", "It does not apply here. Say why; the reason stays in the audit trail."],
];

export async function countermeasures(p: Product, named: string): Promise<Node[]> {
  const list = await all<Countermeasure>(`/products/${p.id}/countermeasures`);
  if (list.length === 0) return [empty("No countermeasure yet", h("p", {}, "They come with the threats that the library proposes."), h("a", { href: `#/product/${p.id}/review` }, "Go to the review"))];
  reveal(named);
  list.sort((a, b) => b.takes - a.takes || a.title.localeCompare(b.title));
  return filtered(
    "countermeasures-" + p.id,
    "Filter by title, place, state, ticket",
    list,
    (c) => [c.title, c.where_name, words(c.state), c.evidence.verdict, ...(c.tickets ?? []).map((k) => k.key)].join(" "),
    (items) =>
      table(
        "Countermeasures",
        ["Countermeasure", "Where", "Takes off", "Test", "Tickets", "State"],
        items.map((c) => ({
          key: c.id,
          cells: [
            title(c.title, c.id === named),
            c.where_name,
            c.takes,
            tag(c.evidence.verdict, c.evidence.verdict + (c.evidence.stale ? ", stale" : ""), c.evidence.text),
            ticketLinks(c.tickets),
            h("button", { class: "state " + c.state, "data-key": "state-" + c.id, "aria-label": `Change the state of ${c.title} at ${c.where_name}, now ${words(c.state)}`, click: () => void change(p.id, c) }, words(c.state)),
          ],
          detail: () => [countermeasureDetail(c)],
        })),
        [2],
      ),
  );
}

function countermeasureDetail(c: Countermeasure): HTMLElement {
  const standards = (c.standards ?? []).map((s) => `${s.standard.toUpperCase()} ${s.clause}`);
  return h(
    "div",
    { class: "detail-grid" },
    h("div", {}, part("How", prose(c.description), c.cost && h("p", { class: "soft" }, `About ${c.cost.amount} ${c.cost.unit}.`))),
    h(
      "div",
      {},
      c.test && part("How it is tested", prose(c.test)),
      c.evidence.text && part("What tests say", h("p", {}, c.evidence.text)),
      c.state_reason && part(`Why it is ${words(c.state)}`, h("p", {}, c.state_reason)),
      part("Why it is here", reasons(c.why, c.origin)),
      standards.length > 0 && part("Standards", h("p", {}, standards.join(" · "))),
    ),
  );
}

async function change(product: string, c: Countermeasure): Promise<void> {
  const reason = h("textarea", { name: "reason", rows: 3, maxlength: 5000 });
  const radios = states.map(([s, text]) => {
    const input = h("input", { type: "radio", name: "state", value: s, required: true, checked: s === c.state });
    input.addEventListener("change", () => (reason.required = s === "rejected" || s === "not_applicable"));
    return h("label", { class: "choice" }, input, h("span", {}, h("strong", {}, words(s)), h("small", {}, text)));
  });
  await ask(
    c.title,
    [`At ${c.where_name}. Now ${words(c.state)}.`],
    [h("fieldset", {}, h("legend", { class: "sr" }, "State"), radios), field("Reason", reason, "Needed for rejected and not applicable.")],
    "Change state",
    async (d) => {
      if (d["state"] === c.state) return;
      await call("PATCH", `/products/${product}/countermeasures/${c.id}`, { state: d["state"], state_reason: d["reason"] || undefined }, c.version);
      notice(`"${c.title}" is ${words(d["state"] ?? "")} now.`, true);
    },
  );
}
