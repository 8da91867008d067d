import { QueryClient, queryOptions } from "@tanstack/react-query";
import { api, everything, ok, Problem, type S } from "./client";

/** The cache of what was read. What is read again keeps its identity where it is the same. */
export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // A server that does not answer is asked again; a refusal is final.
      retry: (n, err) => err instanceof Problem && (err.status === 0 || err.status >= 500) && n < 3,
      retryDelay: (n) => Math.min(8000, 500 * 2 ** n),
      refetchOnWindowFocus: true,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

/*
 * Keys of the cache. Everything of a product begins with ["product", id], what
 * concerns several with ["products"], the rest with ["instance"]: an event of the
 * server makes exactly one of them old.
 */
export const keys = {
  product: (id: string, ...rest: unknown[]) => ["product", id, ...rest] as const,
  products: (...rest: unknown[]) => ["products", ...rest] as const,
  instance: (...rest: unknown[]) => ["instance", ...rest] as const,
};

export const productQuery = (id: string) =>
  queryOptions({
    queryKey: keys.product(id, "head"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}", { params: { path: { product: id } }, signal })),
  });

export const threatsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.product(id, "threats"),
    queryFn: ({ signal }) =>
      everything<S["ThreatView"]>((cursor) =>
        ok(api.GET("/products/{product}/threats", { params: { path: { product: id }, query: { cursor, limit: 1000 } }, signal })),
      ),
  });

export const weaknessesQuery = (id: string) =>
  queryOptions({
    queryKey: keys.product(id, "weaknesses"),
    queryFn: ({ signal }) =>
      everything<S["WeaknessView"]>((cursor) =>
        ok(api.GET("/products/{product}/weaknesses", { params: { path: { product: id }, query: { cursor, limit: 1000 } }, signal })),
      ),
  });

export const countermeasuresQuery = (id: string) =>
  queryOptions({
    queryKey: keys.product(id, "countermeasures"),
    queryFn: ({ signal }) =>
      everything<S["CountermeasureView"]>((cursor) =>
        ok(api.GET("/products/{product}/countermeasures", { params: { path: { product: id }, query: { cursor, limit: 1000 } }, signal })),
      ),
  });

export const planQuery = (id: string) =>
  queryOptions({
    queryKey: keys.product(id, "plan"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/plan", { params: { path: { product: id } }, signal })),
  });

export const connectionsQuery = queryOptions({
  queryKey: keys.instance("connections"),
  queryFn: ({ signal }) => ok(api.GET("/connections", { signal })),
});
