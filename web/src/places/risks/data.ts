import { queryOptions } from "@tanstack/react-query";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import type { Pages } from "../../api/whole";

export type Threat = S["ThreatView"];
export type Weakness = S["WeaknessView"];
export type Countermeasure = S["CountermeasureView"];
export type ThreatTree = S["ThreatTree"];
export type CountermeasureTree = S["CountermeasureTree"];
export type Branch = S["Branch"];
export type WeaknessBranch = S["WeaknessBranch"];
export type TicketRef = S["TicketRef"];
export type SetBy = S["Set"];

/** The states of a countermeasure, in the order in which work goes. */
export const states = ["recommended", "required", "implemented", "rejected", "not_applicable"] as const;
export type State = (typeof states)[number];

/** The lists of tables leave out what only the drawers show. Each comes in the order in which its table shows it at first. */
export const threatRows = (product: string, retired: boolean): Pages<Threat> => ({
  queryKey: keys.product(product, "threats", "rows", retired),
  page: (cursor, limit, signal) =>
    ok(
      api.GET("/products/{product}/threats", {
        params: { path: { product }, query: { brief: true, retired, sort: "-rating", cursor, limit } },
        signal,
      }),
    ),
});

export const countermeasureRows = (product: string, retired: boolean): Pages<Countermeasure> => ({
  queryKey: keys.product(product, "countermeasures", "rows", retired),
  page: (cursor, limit, signal) =>
    ok(
      api.GET("/products/{product}/countermeasures", {
        params: { path: { product }, query: { brief: true, retired, sort: "-takes", cursor, limit } },
        signal,
      }),
    ),
});

/** The weaknesses at one place, to link one with a threat there. */
export const weaknessesAt = (product: string, where: string) =>
  queryOptions({
    queryKey: keys.product(product, "weaknesses", "at", where),
    queryFn: ({ signal }) =>
      everything<Weakness>((cursor) =>
        ok(api.GET("/products/{product}/weaknesses", { params: { path: { product }, query: { brief: true, where, cursor, limit: 1000 } }, signal })),
      ),
  });

export const threatTree = (product: string, threat: string) =>
  queryOptions({
    queryKey: keys.product(product, "tree", "threat", threat),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/threats/{threat}/tree", { params: { path: { product, threat } }, signal })),
  });

export const countermeasureTree = (product: string, countermeasure: string) =>
  queryOptions({
    queryKey: keys.product(product, "tree", "countermeasure", countermeasure),
    queryFn: ({ signal }) =>
      ok(api.GET("/products/{product}/countermeasures/{countermeasure}/tree", { params: { path: { product, countermeasure } }, signal })),
  });

/** The people who can own something in a product. */
export const peopleOf = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "people"),
    queryFn: ({ signal }) =>
      everything<S["PersonView"]>((cursor) => ok(api.GET("/people", { params: { query: { product, cursor, limit: 1000 } }, signal }))),
  });

/** Where a threat can be: the product, a component or a flow. */
export interface Somewhere {
  id: string;
  name: string;
  kind: "product" | "component" | "flow";
  outOfScope: boolean;
}

export const placesOf = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "places"),
    queryFn: async ({ signal }): Promise<Somewhere[]> => {
      const { model } = await ok(api.GET("/products/{product}/model", { params: { path: { product } }, signal }));
      return [
        { id: "product", name: "The whole product", kind: "product", outOfScope: false },
        ...(model.components ?? []).map((c): Somewhere => ({ id: c.id, name: c.name || c.id, kind: "component", outOfScope: !!c.out_of_scope })),
        ...(model.flows ?? []).map((f): Somewhere => ({ id: f.id, name: f.name || f.id, kind: "flow", outOfScope: !!f.out_of_scope })),
      ];
    },
  });

export const ratingHistory = (product: string, threat: string) =>
  queryOptions({
    queryKey: keys.product(product, "ratings", threat),
    queryFn: ({ signal }) =>
      ok(api.GET("/products/{product}/ratings/history", { params: { path: { product }, query: { threat, limit: 100 } }, signal })),
  });

export const commentsOn = (product: string, object: string) =>
  queryOptions({
    queryKey: keys.product(product, "comments", object),
    queryFn: ({ signal }) =>
      everything<S["CommentView"]>((cursor) =>
        ok(api.GET("/products/{product}/comments", { params: { path: { product }, query: { object, cursor, limit: 1000 } }, signal })),
      ),
  });

/** Everything of some rows: what the tables leave out, and who set what. */
export async function wholeThreats(product: string, ids: string[]): Promise<Threat[]> {
  if (ids.length <= 30)
    return Promise.all(ids.map((threat) => ok(api.GET("/products/{product}/threats/{threat}", { params: { path: { product, threat } } }))));
  const wanted = new Set(ids);
  const read = (retired: boolean) =>
    everything<Threat>((cursor) =>
      ok(api.GET("/products/{product}/threats", { params: { path: { product }, query: { retired, cursor, limit: 1000 } } })),
    );
  return [...(await read(false)), ...(await read(true))].filter((t) => wanted.has(t.id));
}

export async function wholeCountermeasures(product: string, ids: string[]): Promise<Countermeasure[]> {
  if (ids.length <= 30)
    return Promise.all(
      ids.map((countermeasure) =>
        ok(api.GET("/products/{product}/countermeasures/{countermeasure}", { params: { path: { product, countermeasure } } })),
      ),
    );
  const wanted = new Set(ids);
  const read = (retired: boolean) =>
    everything<Countermeasure>((cursor) =>
      ok(api.GET("/products/{product}/countermeasures", { params: { path: { product }, query: { retired, cursor, limit: 1000 } } })),
    );
  return [...(await read(false)), ...(await read(true))].filter((c) => wanted.has(c.id));
}
