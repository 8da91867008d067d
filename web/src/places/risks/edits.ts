import { useQueryClient } from "@tanstack/react-query";
import { api, ok, Problem, type S } from "../../api/client";
import { keys } from "../../api/query";
import { amended, type Kept } from "../../api/whole";
import { useChange } from "../../app/change";
import { plural } from "../../ui/words";
import type { SetBy } from "./data";

export type Kind = S["OneEdit"]["kind"];
type Fields = Record<string, unknown>;

/** Editable is what an edit starts from: the object as its person sees it. */
export interface Editable {
  id: string;
  version?: number;
  origin?: string;
  sets?: Record<string, SetBy>;
  retired?: unknown;
  acceptance?: S["Acceptance"];
}

export interface Edit {
  kind: Kind;
  object: Editable;
  set: Fields;
}

/** Edits are several edits that are made together, and what a notice says of them. */
export interface Edits {
  edits: Edit[];
  text: string;
  /** Nothing can be taken back, or the notice would say what is plain to see. */
  quiet?: boolean;
}

const most = 1000;
const empty: Fields = {
  description: "",
  categories: [],
  capec: [],
  owner: "",
  status_reason: "",
  state_reason: "",
  standards: [],
  test: "",
  mandatory: [],
  cwe: 0,
  share: 0,
  out_of_scope: false,
  out_of_scope_reason: "",
};

/**
 * undoOf are the fields that take an edit back. What nobody had set before goes
 * back to the rules, so that it follows them again; everything else gets its former value.
 */
export function undoOf(object: Editable, set: Fields, follow = true): Fields {
  const before = object as unknown as Fields;
  const out: Fields = {};
  const reset: string[] = [];
  const names = [
    ...Object.keys(set).filter((f) => f !== "reason" && f !== "reset" && f !== "computed"),
    ...((set.reset as string[] | undefined) ?? []),
  ];
  if ("computed" in set) names.push("inherent");
  for (const f of new Set(names)) {
    const mine = object.sets?.[f];
    if (f === "retired") {
      out.retired = !!object.retired;
      if (!mine && object.origin === "rule") reset.push(f);
    } else if (f === "status" && before.status === "accepted") {
      // An acceptance is a decision of its own and is made again as one.
    } else if (follow && !mine && object.origin === "rule") {
      reset.push(f);
    } else {
      const former = before[f] ?? empty[f];
      if (former === undefined) reset.push(f);
      else out[f] = former;
    }
    if (mine?.reason) out.reason ??= mine.reason;
  }
  if (reset.length > 0) out.reset = reset;
  if (["inherent", "status", "state", "retired"].some((f) => f in out))
    out.reason ??= (before.status_reason as string) || (before.state_reason as string) || "Taken back";
  return out;
}

/** patched is the object as it will be, for what is shown before the server has answered. */
export function patched<T extends object>(object: T, set: Fields): T {
  const plain = Object.fromEntries(Object.entries(set).filter(([f]) => f !== "reason" && f !== "reset" && f !== "retired" && f !== "computed"));
  if (typeof set.owner === "string" && "owner" in object && object.owner !== set.owner) Object.assign(plain, { owner_name: undefined });
  return { ...object, ...plain };
}

type Send = { kind: Kind; id: string; version?: number; set: Fields };

/**
 * useEdits makes edits of threats, weaknesses, countermeasures and links: all or
 * none, shown at once, with an undo. What was changed meanwhile by somebody else
 * is refused by the server and read again.
 */
export function useEdits(product: string) {
  const cache = useQueryClient();
  const send = (edits: Send[], label: string) => ok(api.POST("/products/{product}/edits", { params: { path: { product } }, body: { label, edits } }));

  const undo = async (made: Edit[], versions: Map<string, number>, text: string) => {
    const back = (follow: boolean) =>
      made
        .map((e) => ({ kind: e.kind, id: e.object.id, version: versions.get(e.object.id), set: undoOf(e.object, e.set, follow) }))
        .filter((e) => Object.keys(e.set).length > 0);
    for (let i = 0; i < made.length; i += most) {
      const part = (follow: boolean) => back(follow).slice(i, i + most);
      if (part(true).length === 0) continue;
      try {
        await send(part(true), `Undone: ${text}`);
      } catch (err) {
        // No rule says any more what the value should be: the former value then.
        if (!(err instanceof Problem && err.code === "reset.nothing")) throw err;
        await send(part(false), `Undone: ${text}`);
      }
    }
    for (const { kind, object, set } of made) {
      if (kind === "threat" && "status" in set && object.acceptance) {
        const { reason, owner, ends } = object.acceptance;
        await ok(
          api.POST("/products/{product}/threats/{threat}/acceptance", {
            params: { path: { product, threat: object.id } },
            body: { reason, owner, ends },
          }),
        );
      }
    }
  };

  /** show writes the new values into the lists and the drawer that are open. */
  const show = (edits: { kind: Kind; id: string; set: Fields }[]) => {
    for (const kind of ["threat", "countermeasure"] as const) {
      const of = new Map(edits.filter((e) => e.kind === kind).map((e) => [e.id, e.set]));
      if (of.size === 0) continue;
      cache.setQueriesData<Kept<{ id: string }>>({ queryKey: keys.product(product, `${kind}s`) }, (rows) =>
        amended(rows, (r) => (of.has(r.id) ? patched(r, of.get(r.id)!) : r)),
      );
      for (const [id, set] of of) {
        cache.setQueriesData<Record<string, object>>(
          { queryKey: keys.product(product, "tree", kind, id) },
          (tree) => tree && { ...tree, [kind]: patched(tree[kind]!, set) },
        );
      }
    }
  };

  return useChange(
    product,
    async ({ edits, text }: Edits) => {
      const shown = {
        predicate: (q: { queryKey: readonly unknown[] }) =>
          q.queryKey[0] === "product" && q.queryKey[1] === product && ["threats", "countermeasures", "tree"].includes(String(q.queryKey[2])),
      };
      await cache.cancelQueries(shown);
      const before = cache.getQueriesData(shown);
      show(edits.map((e) => ({ kind: e.kind, id: e.object.id, set: e.set })));
      const versions = new Map<string, number>();
      try {
        for (let i = 0; i < edits.length; i += most) {
          const part = edits.slice(i, i + most).map((e) => ({ kind: e.kind, id: e.object.id, version: e.object.version, set: e.set }));
          const done = await send(part, text);
          for (const item of done.items ?? []) versions.set(item.id, item.version);
        }
      } catch (err) {
        for (const [key, data] of before) cache.setQueryData(key, data);
        void cache.invalidateQueries(shown);
        throw err;
      }
      show(
        edits.filter((e) => versions.has(e.object.id)).map((e) => ({ kind: e.kind, id: e.object.id, set: { version: versions.get(e.object.id) } })),
      );
      return versions;
    },
    (versions, { edits, text, quiet }) => (quiet ? undefined : { text, undo: () => undo(edits, versions, text) }),
  );
}

/** many says how many of something a notice is about. */
export const many = (n: number, title: string, one: string): string =>
  n === 1 ? `“${title.length > 60 ? `${title.slice(0, 59)}…` : title}”` : plural(n, one);
