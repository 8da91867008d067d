import { api, match, ok, Problem, type S } from "../../api/client";
import { cache, productQuery } from "../../api/query";
import { useChange } from "../../app/change";
import type { Product } from "../product/frame";
import { type Draft, merge } from "./draft";

/** Values are what can be set of a product. */
export interface Values {
  name: string;
  description: string;
  team: string;
  owner: string;
  tags: string[];
  value: S["CIA"] | null;
  exposure: number | null;
  branch: string;
  environment: string;
  method: string;
  tolerance: number | null;
  custom: Record<string, string>;
}

export const names: Record<keyof Values, string> = {
  name: "Name",
  description: "Description",
  team: "Team",
  owner: "Owner",
  tags: "Tags",
  value: "Value",
  exposure: "Exposure",
  branch: "Branch",
  environment: "Environment",
  method: "Method",
  tolerance: "Tolerance",
  custom: "Custom fields",
};

/** valuesOf reads the settings of a product. */
export function valuesOf(p: Product): Values {
  return {
    name: p.name,
    description: p.description ?? "",
    team: p.team ?? "",
    owner: p.owner ?? "",
    tags: p.tags ?? [],
    value: p.value ?? null,
    exposure: p.exposure ?? null,
    branch: p.branch ?? "",
    environment: p.environment ?? "",
    method: p.method || "threatloop",
    tolerance: p.tolerance ?? null,
    custom: p.custom ?? {},
  };
}

/**
 * useSave stores what was changed. Where the product moved on in other fields the
 * change is based on the newer state and sent again; where somebody changed the
 * same, it is left to the person.
 */
export function useSave(p: Product, draft: Draft<Values>) {
  return useChange(
    p.id,
    async () => {
      const body = Object.fromEntries(draft.dirty.map((f) => [f, draft.value[f] ?? undefined])) as S["ProductEdit"];
      const patch = (version: number) => ok(api.PATCH("/products/{product}", { params: { path: { product: p.id }, header: match(version) }, body }));
      try {
        return await patch(p.version);
      } catch (err) {
        if (!(err instanceof Problem && err.status === 412)) throw err;
        const now = await cache.fetchQuery({ ...productQuery(p.id), staleTime: 0 });
        const base = valuesOf(p);
        const again = merge(valuesOf(now), { base: { ...base }, edits: Object.fromEntries(draft.dirty.map((f) => [f, draft.value[f]])) });
        if (again.conflicts.length > 0)
          throw new Problem(412, err.code, "Somebody else changed the same meanwhile. What you entered is kept; choose below which is to stay.");
        return patch(now.version);
      }
    },
    (now) => {
      cache.setQueryData(productQuery(p.id).queryKey, now);
      draft.clear();
      return { text: "Saved." };
    },
  );
}
