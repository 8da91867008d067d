import { queryOptions } from "@tanstack/react-query";
import { api, everything, match, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { useChange } from "../../app/change";

export type Kept = S["ProductStandard"];
export type Clause = S["CoveredClause"];
export type Measure = S["CoveringMeasure"];
export type Totals = S["GenerateCoverageTotals"];
export type Status = Clause["status"];

/** The statuses of a clause, the surest first; not-applicable stands apart from them. */
export const statuses: Status[] = ["proven", "implemented", "planned", "gap", "not-applicable"];

export const means: Record<Status, string> = {
  proven: "Shown by a fresh test",
  implemented: "Said to be done; no test shows it",
  planned: "Required and not done, or contradicted by a test",
  gap: "Nothing is decided for it",
  "not-applicable": "A person said so, with a reason",
};

/** count is how many clauses have a status. */
export const count = (t: Totals, s: Status): number => (s === "not-applicable" ? t.not_applicable : t[s]);

/** written is a standard with its level as the product has it: "asvs-5.0:2". */
export const written = (ref: string, level?: number): string => (level ? `${ref}:${level}` : ref);

export const title = (s: { name: string; version?: string }): string =>
  s.version && !s.name.includes(s.version) ? `${s.name} ${s.version}` : s.name;

/** The standards with how far a product keeps each. */
export const standardsOf = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "standards"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/standards", { params: { path: { product } }, signal })),
  });

/** The clauses of a standard up to the level that is applied, with what serves each in the product. */
export const clausesOf = (product: string, ref: string) =>
  queryOptions({
    queryKey: keys.product(product, "standards", ref),
    queryFn: async ({ signal }) => {
      let undeclared: string[] = [];
      const items = await everything<Clause>(async (cursor) => {
        const page = await ok(
          api.GET("/products/{product}/standards/{ref}", { params: { path: { product, ref }, query: { cursor, limit: 1000 } }, signal }),
        );
        undeclared = page.undeclared ?? [];
        return page;
      });
      return { items, undeclared };
    },
  });

/** Wish is the standards that a product is to keep, and what to say when it does. */
export interface Wish {
  standards: string[];
  text: string;
}

/** useStandards changes which standards a product keeps; all of them are written at once, on the version that was seen. */
export function useStandards(product: string, seen: S["ProductStandards"] | undefined) {
  const before = [...(seen?.items ?? []).filter((s) => s.applied).map((s) => written(s.standard, s.level)), ...(seen?.unknown ?? [])];
  const patch = (standards: string[], version?: number) =>
    ok(api.PATCH("/products/{product}", { params: { path: { product }, header: match(version) }, body: { standards } }));
  const change = useChange(
    product,
    (w: Wish) => patch(w.standards, seen?.version),
    (now, w) => ({ text: w.text, undo: () => patch(before, now.version) }),
  );
  const without = (ref: string) => before.filter((b) => b !== ref && !b.startsWith(`${ref}:`));
  return {
    busy: change.isPending,
    apply: (s: Kept, level?: number) => {
      const next = written(s.standard, level);
      const at = before.findIndex((b) => b === s.standard || b.startsWith(`${s.standard}:`));
      return change.mutateAsync({
        standards: at < 0 ? [...before, next] : before.with(at, next),
        text: `${title(s)} is applied${level ? ` up to level ${level}` : ""}. It stays applied.`,
      });
    },
    takeBack: (ref: string, name: string) => change.mutate({ standards: without(ref), text: `${name} is no longer applied.` }),
  };
}
