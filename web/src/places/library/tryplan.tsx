import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { Button } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { Badge } from "../../ui/parts";
import { ErrorText } from "../../ui/state";
import { plural } from "../../ui/words";

const productsQuery = {
  queryKey: keys.products("names"),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    everything<S["ProductView"]>((cursor) => ok(api.GET("/products", { params: { query: { cursor, limit: 1000 } }, signal }))),
};

const words: Record<string, [tone: "good" | "accent" | "warn" | "neutral", text: string]> = {
  add: ["good", "Comes in"],
  revive: ["good", "Comes back"],
  change: ["accent", "Changes"],
  retire: ["warn", "Is retired"],
  remove: ["warn", "Goes"],
  keep: ["neutral", "Stays as a person set it"],
};

/** TryPlan shows what the draft would bring into a product. */
export function TryPlan({ only }: { only?: { kind: string; ref: string } }) {
  const products = useQuery(productsQuery);
  const [product, setProduct] = useState("");
  const run = useMutation({ mutationFn: (id: string) => ok(api.POST("/library/draft/plan", { body: { product: id } })) });
  const plan = run.data?.plan;
  const items = (plan?.items ?? []).filter((i) => i.kind !== "link");
  const counts = new Map<string, number>();
  for (const i of items) counts.set(i.action, (counts.get(i.action) ?? 0) + 1);
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap items-end gap-2">
        <div className="min-w-56 flex-1">
          <Combobox
            label="Product"
            value={product}
            options={(products.data ?? []).map((p) => ({ value: p.id, text: p.name }))}
            onChange={(v) => {
              setProduct(v);
              if (v) run.mutate(v);
            }}
          />
        </div>
        {product && (
          <Button busy={run.isPending} onClick={() => run.mutate(product)}>
            Try again
          </Button>
        )}
      </div>
      {run.error && <ErrorText error={run.error} />}
      {plan && (
        <>
          <p role="status" className="font-medium text-sm">
            {items.length === 0
              ? "Nothing would change in this product."
              : [...counts].map(([a, n]) => `${(words[a]?.[1] ?? a).toLowerCase()}: ${n}`).join(" · ")}
          </p>
          {only && items.length > 0 && <p className="text-soft text-xs">{plural(items.length, "step")}, of all that is drafted.</p>}
          <ul className="grid max-h-100 gap-1 overflow-y-auto">
            {items.slice(0, 300).map((i) => (
              <li key={i.key} className="flex items-start gap-2 text-sm">
                <Badge tone={words[i.action]?.[0]}>{words[i.action]?.[1] ?? i.action}</Badge>
                <span className="min-w-0">
                  <bdi>{i.title}</bdi> <span className="text-soft text-xs">{i.text}</span>
                </span>
              </li>
            ))}
          </ul>
          {items.length > 300 && <p className="text-soft text-xs">and {(items.length - 300).toLocaleString("en")} more</p>}
        </>
      )}
    </div>
  );
}
