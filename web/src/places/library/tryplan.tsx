import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { Button } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { Badge } from "../../ui/parts";
import { ErrorText } from "../../ui/state";
import { word } from "../../ui/words";
import { fieldName } from "../product/difference";

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
  keep: ["neutral", "Stays"],
};

type Item = S["PlanItem"];

/** Whether a step only notes by which library the product stands from now on, which every draft changes. */
const follows = (i: Item) => i.kind === "product" && i.action === "change" && (i.fields ?? []).every((f) => f.field === "library");

/** reason says why a step is there: the reason of a rule, or the fields that change. */
function reason(i: Item): string {
  if (i.action === "change") return (i.fields ?? []).map((f) => (f.field === "why" ? "Brought by" : fieldName(f.field))).join(", ");
  return i.reason ?? i.why?.[0]?.text ?? "";
}

const sums: Record<string, (n: number) => string> = {
  add: (n) => `${n} come${n === 1 ? "s" : ""} in`,
  revive: (n) => `${n} come${n === 1 ? "s" : ""} back`,
  change: (n) => `${n} change${n === 1 ? "s" : ""}`,
  retire: (n) => `${n} ${n === 1 ? "is" : "are"} retired`,
  remove: (n) => `${n} go${n === 1 ? "es" : ""}`,
  keep: (n) => `${n} stay${n === 1 ? "s" : ""} as set by people`,
};

/** TryPlan shows what the draft would bring into a product. */
export function TryPlan({ only }: { only?: { kind: string; ref: string } }) {
  const products = useQuery(productsQuery);
  const [product, setProduct] = useState("");
  const run = useMutation({ mutationFn: (id: string) => ok(api.POST("/library/draft/plan", { body: { product: id } })) });
  const plan = run.data?.plan;
  const items = (plan?.items ?? []).filter((i) => i.kind !== "link" && !follows(i));
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
              : `In this product ${[...counts].map(([a, n]) => sums[a]?.(n) ?? `${a}: ${n}`).join(", ")}.`}
          </p>
          {only && items.length > 0 && <p className="text-soft text-xs">By everything in the draft, this entry and the others.</p>}
          <ul className="grid max-h-100 gap-2.5 overflow-y-auto">
            {items.slice(0, 300).map((i) => (
              <li key={i.key} className="grid grid-cols-[5.5rem_minmax(0,1fr)] items-start gap-2 text-sm">
                <span>
                  <Badge tone={words[i.action]?.[0]}>{words[i.action]?.[1] ?? i.action}</Badge>
                </span>
                <span className="min-w-0">
                  <bdi className="block">{i.title}</bdi>
                  <span className="block text-soft text-xs">
                    {word(i.kind)}
                    {i.kind !== "product" && (
                      <>
                        {" at "}
                        <bdi>{i.where_name || "the product as a whole"}</bdi>
                      </>
                    )}
                    {reason(i) && `. ${reason(i)}`}
                  </span>
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
