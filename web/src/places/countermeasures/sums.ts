import { costText } from "../risks/cost";
import { type Countermeasure, states } from "../risks/data";

/** costs sums the costs by their units: "12 days, EUR 3,000". */
export function costs(list: Countermeasure[]): string {
  const by = new Map<string, number>();
  for (const { cost } of list) if (cost) by.set(cost.unit, (by.get(cost.unit) ?? 0) + cost.amount);
  return [...by]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([unit, amount]) => costText({ unit, amount }))
    .join(", ");
}

/** sumsOf is what a selection costs and takes off. Shares overlap, so together it may be less. */
export function sumsOf(list: Countermeasure[]): string {
  const without = list.filter((c) => !c.cost).length;
  const cost = costs(list);
  return [
    `take up to ${list.reduce((n, c) => n + c.takes, 0).toLocaleString("en")} off`,
    cost && `cost ${cost}${without > 0 ? ` and ${without} without a cost` : ""}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** byState groups countermeasures by state, in the order of work; each group keeps the order of the list. */
export function byState(list: Countermeasure[]): Map<string, Countermeasure[]> {
  const out = new Map<string, Countermeasure[]>(states.map((s) => [s, []]));
  for (const c of list) out.get(c.state)?.push(c);
  return out;
}
