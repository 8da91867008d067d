import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, ok, type S } from "../api/client";
import { keys } from "../api/query";
import { useDrawing } from "./store";
import { type Item, keyOf } from "./types";

type Groups = NonNullable<S["ComponentQuestions"]["groups"]>;

/** Asked is what the library asks about the type of a component. */
export interface Asked {
  name?: string;
  groups: Groups;
  /** The attributes in which the answers lie. */
  attributes: ReadonlySet<string>;
}

/** useAsked reads it; none as long as it is not known. */
export function useAsked(item: Item): Asked | undefined {
  const product = useDrawing((s) => s.product);
  // What is asked follows from what is stored: each stored version is asked about anew.
  const version = useDrawing((s) => s.doc.base.get(keyOf("components", item.id))?.version ?? 0);
  const { data, error } = useQuery({
    queryKey: keys.product(product, "questions", item.id, version),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/components/{id}/questionnaire", { params: { path: { product, id: item.id } }, signal })),
    enabled: version > 0,
    placeholderData: keepPreviousData,
  });
  const known = data?.component === item.id;
  if (!known && version > 0 && !error) return undefined;
  const groups = (known && data.groups) || [];
  return { name: data?.name, groups, attributes: new Set(groups.flatMap((g) => (g.questions ?? []).map((q) => q.attribute))) };
}
