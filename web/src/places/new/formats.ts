import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";

export type Format = S["FormatView"];

/** formatsQuery reads which formats model files can be in. */
export const formatsQuery = queryOptions({
  queryKey: keys.instance("formats"),
  queryFn: async ({ signal }) => (await ok(api.GET("/formats", { signal }))).items ?? [],
  staleTime: 600_000,
});

/** useFormats are the formats of model files; none while they are read. */
export function useFormats(): Format[] {
  return useQuery(formatsQuery).data ?? [];
}
