import type { S } from "../../api/client";

/** costText is a cost as people write it: "3 days", "EUR 1,200". */
export function costText(c: S["Cost"] | undefined): string {
  if (!c) return "";
  const n = c.amount.toLocaleString("en", { maximumFractionDigits: 2 });
  return /^[A-Z]{3}$/.test(c.unit) ? `${c.unit} ${n}` : `${n} ${c.amount === 1 ? c.unit.replace(/s$/, "") : c.unit}`;
}
