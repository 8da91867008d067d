import { api, match, ok, Problem, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { changed } from "../product/difference";
import type { Change } from "./groups";

type Doc = Record<string, unknown>;

/** The elements of a model that are stored whole, and their names in addresses. */
const elements: Record<string, string> = {
  component: "components",
  flow: "flows",
  zone: "zones",
  curve: "curves",
  text: "texts",
  diagram: "diagrams",
  asset: "assets",
};

/** What of threats, weaknesses and countermeasures a person may set. */
const settable: Record<string, string[]> = {
  threat: ["title", "description", "categories", "capec", "impact", "ease", "inherent", "status", "status_reason", "owner"],
  weakness: ["title", "description", "cwe", "test", "impact"],
  countermeasure: ["title", "description", "state", "state_reason", "standards", "cost", "test", "mandatory", "owner"],
};

/** restorable tells whether the state before a change can be put back. */
export function restorable(c: Change): boolean {
  if (!c.action.startsWith("model.") || typeof c.old !== "object" || c.old === null) return false;
  if (elements[c.kind]) return true;
  return !!settable[c.kind] && fields(c).length > 0 && c.now !== undefined;
}

const fields = (c: Change) => changed(c.old, c.now).filter((f) => settable[c.kind]?.includes(f));

/** useRestore puts the state before a change back, as a change of its own. */
export function useRestore(product: string) {
  return useChange(
    product,
    async (c: Change): Promise<unknown> =>
      c.action === "model.move"
        ? restorePlace(product, c)
        : elements[c.kind]
          ? restoreElement(product, elements[c.kind] as string, c)
          : restoreRisk(product, c),
    (_, c) => ({ text: `${c.name ? `“${c.name}”` : "It"} is as it was before. This is in the history too.` }),
  );
}

/** restorePlace puts a diagram back behind the one that it stood behind. */
async function restorePlace(product: string, c: Change): Promise<unknown> {
  const path = { product, kind: "diagrams" as const, id: c.id };
  const now = await ok(api.GET("/products/{product}/elements/{kind}/{id}", { params: { path } }));
  const change = { kind: "diagrams", id: c.id, op: "put", version: now.version, element: now.element, after: (c.old as Doc).after };
  return ok(
    api.POST("/products/{product}/drawing/changes", {
      params: { path: { product } },
      body: { label: `Move diagram back: ${c.name ?? ""}`.slice(0, 200), changes: [change] } as never,
    }),
  );
}

async function restoreElement(product: string, kind: string, c: Change): Promise<unknown> {
  const path = { product, kind: kind as never, id: c.id };
  let version: number | undefined;
  try {
    version = (await ok(api.GET("/products/{product}/elements/{kind}/{id}", { params: { path } }))).version;
  } catch (err) {
    // What was removed is made anew with its id.
    if (!(err instanceof Problem && err.status === 404)) throw err;
  }
  return ok(api.PUT("/products/{product}/elements/{kind}/{id}", { params: { path, header: match(version) }, body: c.old as never }));
}

async function restoreRisk(product: string, c: Change): Promise<unknown> {
  const old = c.old as Doc;
  const sets = (old.sets ?? {}) as Doc;
  const set: Doc = {};
  const reset: string[] = [];
  for (const f of fields(c)) {
    // What nobody had set before follows the rule again.
    if (sets[f] === undefined && (old.origin === "rule" || old[f] === undefined)) reset.push(f);
    else set[f] = old[f];
  }
  if (reset.length) set.reset = reset;
  if (set.state || set.status) set.reason = "An earlier state was put back from the history.";
  const edit = { kind: c.kind, id: c.id, set } as S["OneEdit"];
  return ok(api.POST("/products/{product}/edits", { params: { path: { product } }, body: { label: "Put an earlier state back", edits: [edit] } }));
}
