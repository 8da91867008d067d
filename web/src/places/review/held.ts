import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";

/** ticketsQuery are a product's tickets, also those that wait or failed. */
export const ticketsQuery = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "tickets"),
    queryFn: ({ signal }) =>
      everything<S["TicketView"]>((cursor) =>
        ok(api.GET("/products/{product}/tickets", { params: { path: { product }, query: { cursor, limit: 1000 } }, signal })),
      ),
    // What is being created comes to its end in the tracker, not by a person.
    refetchInterval: (q) => (q.state.data?.some((t) => t.state === "pending") ? 5000 : false),
  });

/** bareQuery are the open threats that nothing is done about and that have no ticket, of what would help most. */
export const bareQuery = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "tickets-proposals"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/tickets/proposals", { params: { path: { product }, query: { limit: 100 } }, signal })),
    select: (page) => (page.items ?? []).filter((t) => t.purpose === "threat"),
  });

/** policyQuery is which tickets go out, and where to. */
export const policyQuery = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "tickets-policy"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/tickets/policy", { params: { path: { product } }, signal })),
  });

/** useHeld are the tickets that wait for a person. */
export function useHeld(product: string): S["TicketView"][] {
  return useQuery({ ...ticketsQuery(product), select: (all) => all.filter((t) => t.state === "held") }).data ?? [];
}
