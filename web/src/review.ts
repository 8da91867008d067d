import { count, h, words } from "./dom";
import { reasons, tag } from "./parts";
import { call, type Plan, type PlanItem, type Product } from "./rest";
import { button, empty, filtered, fold, notice, table } from "./ui";

const verbs: Record<string, string> = { add: "added", change: "changed", remove: "removed", retire: "retired", keep: "kept" };

/** review shows what the library would change; nothing of it happens before it is accepted. */
export async function review(p: Product): Promise<Node[]> {
  const [plan, names] = await Promise.all([call<Plan>("GET", `/products/${p.id}/plan`), places(p)]);
  const items = (plan.items ?? []).filter((i) => i.action !== "keep");
  const kept = (plan.items ?? []).filter((i) => i.action === "keep");
  const tickets = plan.tickets ?? [];
  const apply = async (body: object) => {
    const done = await call<{ applied: number; left: number }>("POST", `/products/${p.id}/plan`, body, plan.version);
    notice(`${count(done.applied, "change")} accepted${done.left > 0 ? `, ${done.left} left` : ""}.`, true);
  };
  const tally = Object.entries(verbs)
    .map(([a, v]) => [items.filter((i) => i.action === a).length, v] as const)
    .filter(([n]) => n > 0)
    .map(([n, v]) => `${n} ${v}`);
  const out: Node[] = [];
  if (items.length === 0) out.push(empty("Nothing to review", "The model is what the answers, the diagram and the library say. After the next change of one of them, the differences wait here."));
  else {
    out.push(
      h(
        "div",
        { class: "card row head" },
        h("div", { class: "grow" }, h("strong", {}, `${count(items.length, "change waits", "changes wait")} for you`), h("div", { class: "soft" }, tally.join(", "), ". Nothing is applied or sent before you accept it.")),
        button("Accept all", () => apply({ all: true }), { class: "main" }),
      ),
      ...filtered(
        "plan-" + p.id,
        "Filter by title, place, kind",
        items,
        (i) => [i.title, i.kind, i.action, names.get(i.where)].join(" "),
        (some) => {
          const shown = some.slice(0, 300);
          const t = table(
            "Changes",
            ["Change", "Kind", "Where", "Action", ""],
            shown.map((i) => ({
              key: "plan-" + i.key,
              cells: [i.title || i.text, i.kind, names.get(i.where) ?? "the product", tag("plan-" + i.action, verbs[i.action] ?? i.action), button("Accept", () => apply({ accept: [i.key] }), { "aria-label": "Accept: " + i.text, "data-key": "accept-" + i.key })],
              detail: () => [detail(i)],
            })),
          );
          return some.length > shown.length ? h("div", {}, t, h("p", { class: "soft" }, `${some.length - shown.length} more; narrow the filter to see them.`)) : t;
        },
      ),
    );
  }
  if (tickets.length > 0) {
    out.push(h("div", { class: "card gaptop" }, fold("plan-tickets", `${count(tickets.length, "ticket")} would follow`, h("ul", {}, tickets.map((t) => h("li", {}, t.summary, h("small", {}, t.project ? " in " + t.project : " (the product has no tracker yet)")))))));
  }
  if (kept.length > 0) {
    out.push(
      h(
        "div",
        { class: "card gaptop" },
        fold("plan-kept", `${count(kept.length, "edit")} of yours kept, though the library sees it otherwise`, h("ul", { class: "reasons" }, kept.map((i) => h("li", {}, h("strong", {}, i.title), h("small", {}, names.get(i.where) ?? ""), differences(i))))),
      ),
    );
  }
  return out;
}

function differences(i: PlanItem): HTMLElement {
  const show = (v: unknown) => (v === null || v === undefined || v === "" ? "nothing" : typeof v === "string" ? words(v) : JSON.stringify(v));
  return h("ul", {}, (i.fields ?? []).map((f) => h("li", {}, `${words(f.field)}: `, i.action === "keep" ? `${show(f.old)} stays (the library says ${show(f.new)})` : `${show(f.old)} → ${show(f.new)}`)));
}

function detail(i: PlanItem): HTMLElement {
  return h("div", {}, i.reason && h("p", {}, i.reason), (i.fields ?? []).length > 0 && differences(i), (i.why ?? []).length > 0 ? reasons(i.why, "rule") : h("p", { class: "soft" }, i.text));
}

/** places names the elements of the model by id. */
async function places(p: Product): Promise<Map<string, string>> {
  const { model } = await call<{ model: Record<string, unknown> }>("GET", `/products/${p.id}/model`);
  const names = new Map<string, string>();
  for (const list of Object.values(model)) {
    if (!Array.isArray(list)) continue;
    for (const e of list as { id?: string; name?: string }[]) if (e?.id && e.name) names.set(e.id, e.name);
  }
  return names;
}
