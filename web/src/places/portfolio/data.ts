import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import type { Pages } from "../../api/whole";
import { asBand, type Band, bands } from "../../ui/rating";

export type Product = S["ProductView"];

/** Which products a portfolio shows: those in work, those put away, or those made to be copied. */
export type Shelf = "active" | "archived" | "templates";

/** asShelf makes a shelf of a word of the address. */
export function asShelf(word: string | undefined): Shelf {
  return word === "archived" || word === "templates" ? word : "active";
}

/** productsOf are all products of a shelf, the highest rated first. */
export const productsOf = (shelf: Shelf): Pages<Product> => ({
  queryKey: keys.products("list", shelf),
  page: (cursor, limit, signal) =>
    ok(
      api.GET("/products", {
        params: {
          query: { cursor, limit, sort: "rating", archived: shelf === "archived" || undefined, template: shelf === "templates" || undefined },
        },
        signal,
      }),
    ),
});

/** Counts per band, in the order of the bands. */
export type Counts = Record<Band, number>;

/** nothing counts no threat in each band. */
export const nothing = (): Counts => ({ critical: 0, high: 0, medium: 0, low: 0, unrated: 0 });

/** bandCounts is how many open threats of a product are in each band. */
export function bandCounts(p: Product): Counts {
  const out = nothing();
  for (const b of bands) out[b] = p.bands[b] ?? 0;
  return out;
}

/** bandOfProduct is the band of its highest current rating; a product without open threats has none. */
export function bandOfProduct(p: Product): Band | undefined {
  return p.risk.open.threats > 0 ? asBand(p.risk.band) : undefined;
}

export interface Totals {
  products: number;
  /** Products by the band of their highest rating, and those without open threats. */
  byBand: Counts;
  quiet: number;
  threats: Counts;
  exceeding: number;
  vulnerabilities: number;
  behind: number;
  untested: number;
}

/** totals adds up what a portfolio's head says. */
export function totals(products: Product[]): Totals {
  const t: Totals = {
    products: products.length,
    byBand: nothing(),
    quiet: 0,
    threats: nothing(),
    exceeding: 0,
    vulnerabilities: 0,
    behind: 0,
    untested: 0,
  };
  for (const p of products) {
    const band = bandOfProduct(p);
    if (band) t.byBand[band]++;
    else t.quiet++;
    for (const b of bands) t.threats[b] += p.bands[b] ?? 0;
    if (p.exceeds > 0) t.exceeding++;
    t.vulnerabilities += p.vulnerabilities;
    t.behind += p.tickets_behind;
    if (!p.last_test) t.untested++;
  }
  return t;
}

/** Values of filters are joined by commas in the address, so a comma inside one is written otherwise. */
export const inAddress = (value: string): string => value.replaceAll("%", "%25").replaceAll(",", "%2C");

/** What the filters call a product that has no team, tag or owner. */
export const none = "~none";

/** facet lists the values that products have, the most used first. */
export function facet(products: Product[], of: (p: Product) => string[], without: string): { value: string; text: string; about: string }[] {
  const n = new Map<string, number>();
  for (const p of products) {
    const values = of(p).filter(Boolean);
    for (const v of values.length ? values : [""]) n.set(v, (n.get(v) ?? 0) + 1);
  }
  return [...n]
    .sort((a, b) => Number(!a[0]) - Number(!b[0]) || b[1] - a[1] || a[0].localeCompare(b[0], "en"))
    .map(([value, count]) => ({
      value: value ? inAddress(value) : none,
      text: value || without,
      about: `${count.toLocaleString("en")} ${count === 1 ? "product" : "products"}`,
    }));
}
