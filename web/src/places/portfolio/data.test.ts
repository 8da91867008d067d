import { describe, expect, it } from "vitest";
import { bandOfProduct, facet, inAddress, none, type Product, totals } from "./data";
import { heat } from "./heat";
import { inWords, path } from "./sparkline";

const zero = { low: 0, medium: 0, high: 0, critical: 0, unrated: 0 };

function product(p: Partial<Omit<Product, "bands">> & { highest?: number; band?: string; bands?: Partial<typeof zero> }): Product {
  const bands = { ...zero, ...p.bands };
  const threats = Object.values(bands).reduce((a, b) => a + b, 0);
  return {
    id: p.id ?? "prd_a",
    name: p.name ?? "A",
    vulnerabilities: 0,
    tickets_behind: 0,
    exceeds: 0,
    ...p,
    bands,
    risk: { highest: p.highest ?? 0, band: p.band ?? "low", open: { threats } },
  } as unknown as Product;
}

const shop = product({
  id: "prd_shop",
  name: "Shop",
  team: "Web",
  tags: ["pci", "public"],
  owner: "Ada",
  highest: 80,
  band: "critical",
  bands: { critical: 1, low: 3 },
  exceeds: 2,
  vulnerabilities: 4,
});
const desk = product({
  id: "prd_desk",
  name: "Desk",
  team: "Web",
  tags: ["pci"],
  highest: 60,
  band: "high",
  bands: { high: 2 },
  last_test: "2026-01-01T00:00:00Z",
  tickets_behind: 1,
});
const bare = product({ id: "prd_bare", name: "Bare" });

describe("portfolio", () => {
  it("adds up, with products without threats apart", () => {
    expect(totals([shop, desk, bare])).toEqual({
      products: 3,
      byBand: { ...zero, critical: 1, high: 1 },
      quiet: 1,
      threats: { ...zero, critical: 1, high: 2, low: 3 },
      exceeding: 1,
      vulnerabilities: 4,
      behind: 1,
      untested: 2,
    });
    expect(bandOfProduct(bare)).toBeUndefined();
  });

  it("groups the heat map by team and tag, the worst first", () => {
    expect(heat([bare, desk, shop], "team").map((r) => [r.key, r.products, r.highest, r.counts.high, r.counts.low])).toEqual([
      ["Web", 2, 80, 2, 3],
      ["", 1, -1, 0, 0],
    ]);
    expect(heat([desk, shop], "tag").map((r) => [r.key, r.products])).toEqual([
      ["pci", 2],
      ["public", 1],
    ]);
    expect(heat([desk, shop], "product").map((r) => r.key)).toEqual(["prd_shop", "prd_desk"]);
  });

  it("writes values of filters without the comma that joins them", () => {
    expect(inAddress("Core, 100%")).toBe("Core%2C 100%25");
    expect(facet([shop, desk, bare], (p) => [p.team ?? ""], "Without a team").map((o) => [o.value, o.about])).toEqual([
      ["Web", "2 products"],
      [none, "1 product"],
    ]);
  });
});

describe("sparkline", () => {
  const points = [
    { at: "2026-01-01T00:00:00Z", current: 80, verified: 80 },
    { at: "2026-01-06T00:00:00Z", current: 40, verified: 60 },
    { at: "2026-01-11T00:00:00Z", current: 40, verified: 60 },
  ];

  it("draws steps: a value holds until the next point", () => {
    expect(path(points, (p) => p.current, 100, 100)).toBe("M0 20H50V60H100V60H100");
    expect(path(points.slice(0, 1), (p) => p.current, 100, 100)).toBe("M0 20H100");
  });

  it("says the same in words", () => {
    expect(inWords(points)).toBe("Current rating down from 80 to 40 since 1 Jan 2026, verified 60");
    expect(inWords([])).toBe("No rating yet");
  });
});
