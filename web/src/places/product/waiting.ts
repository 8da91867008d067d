import { queryOptions } from "@tanstack/react-query";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";

/** planSummaryQuery is what the library would change, in short; the server keeps it ready. */
export const planSummaryQuery = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "plan-summary"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/plan/summary", { params: { path: { product } }, signal })),
  });

/** waitingIn is how many steps of a plan wait for a person; links that go with what they link are none of their own. */
export function waitingIn(summary: S["PlanSummary"] | undefined): number {
  if (!summary) return 0;
  const { add, change, retire, links } = summary.counts;
  return add.threats + add.weaknesses + add.countermeasures + change + retire + links;
}
