import { queryOptions } from "@tanstack/react-query";
import { api, everything, ok, type S } from "../api/client";
import { cache, keys } from "../api/query";
import { word } from "../ui/words";

export type LibraryType = S["LibraryType"];

/** typesQuery reads the component types of the library. */
export const typesQuery = queryOptions({
  queryKey: keys.instance("library", "types"),
  queryFn: ({ signal }) => everything<LibraryType>((cursor) => ok(api.GET("/library/types", { params: { query: { cursor, limit: 1000 } }, signal }))),
  staleTime: 600_000,
});

/** libraryQuery reads what the library says of itself: the vocabulary of attributes and tags. */
export const libraryQuery = queryOptions({
  queryKey: keys.instance("library"),
  queryFn: ({ signal }) => ok(api.GET("/library", { signal })),
  staleTime: 600_000,
});

let names: { from: unknown; byRef: Map<string, string> } | undefined;

/** typeName is what a component type is called; its ref, made readable, while the library is not known. */
export function typeName(ref: string | undefined): string {
  if (!ref) return "";
  const types = cache.getQueryData(typesQuery.queryKey);
  if (names?.from !== types) names = { from: types, byRef: new Map((types ?? []).map((t) => [t.type, t.name])) };
  return names?.byRef.get(ref) ?? word(ref);
}
