import { type Band, bands } from "../../ui/rating";
import { bandOfProduct, type Counts, nothing, type Product } from "./data";

export interface HeatRow {
  key: string;
  title: string;
  /** What stands for several products: the address of the list of them; a single product has its own. */
  several: boolean;
  products: number;
  counts: Counts;
  highest: number;
  band: Band;
  exceeds: number;
}

export type By = "product" | "team" | "tag";

/** heat groups products for the heat map, the worst first. A product counts for each of its tags. */
export function heat(products: Product[], by: By): HeatRow[] {
  const rows = new Map<string, HeatRow>();
  const add = (key: string, title: string, p: Product) => {
    let row = rows.get(key);
    if (!row) {
      row = { key, title, several: by !== "product", products: 0, counts: nothing(), highest: -1, band: "unrated", exceeds: 0 };
      rows.set(key, row);
    }
    row.products++;
    for (const b of bands) row.counts[b] += p.bands[b] ?? 0;
    row.exceeds += p.exceeds;
    const band = bandOfProduct(p);
    if (band && p.risk.highest > row.highest) {
      row.highest = p.risk.highest;
      row.band = band;
    }
  };
  for (const p of products) {
    if (by === "product") add(p.id, p.name, p);
    else if (by === "team") add(p.team ?? "", p.team || "Without a team", p);
    else for (const tag of p.tags?.length ? p.tags : [""]) add(tag, tag || "Without a tag", p);
  }
  return [...rows.values()].sort(
    (a, b) => b.highest - a.highest || b.counts.critical - a.counts.critical || b.counts.high - a.counts.high || a.title.localeCompare(b.title, "en"),
  );
}
