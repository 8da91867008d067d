import { describe, expect, it } from "vitest";
import { labelOf, touches } from "./geometry";
import { freest, namePlaces, nearTo } from "./names";
import type { Box, Item } from "./types";

const box = (x: number, y: number, w = 100, h = 60): Box => ({ x, y, w, h });
const way = [
  { x: 100, y: 30 },
  { x: 900, y: 30 },
];
const ends = [box(0, 0), box(900, 0)];
const place = (others: Box[]) => freest("Signed orders", way, ends, nearTo(others));

describe("freest", () => {
  it("is the middle where nothing lies there", () => {
    expect(place([])).toBe(0.5);
    expect(place([...ends, box(450, 300)])).toBe(0.5);
  });
  it("slides along the way past a box, no further than it must", () => {
    const other = box(460, 0);
    const part = place([other]);
    expect(part).toBeLessThan(0.5);
    expect(part).toBeGreaterThan(0.3);
    expect(touches(labelOf("Signed orders", way, ends, part).box, other)).toBe(false);
    expect(place([box(440, 0)])).toBeGreaterThan(0.5);
  });
  it("takes the place that is covered least where all of it is covered", () => {
    const wide = [box(100, -100, 640, 300), box(740, 10, 160, 12)];
    expect(place(wide)).toBeGreaterThan(0.7);
    expect(place([box(100, -100, 800, 300)])).toBe(0.5);
  });
  it("keeps the count of threats free, too", () => {
    expect(place([box(460, 40, 80, 20)])).not.toBe(0.5);
  });
});

describe("nearTo", () => {
  it("finds what a search through all of them finds", () => {
    const all = Array.from({ length: 300 }, (_, i) => box(((i * 397) % 4001) - 2000, ((i * 631) % 3001) - 1500, 20 + ((i * 53) % 900), 40));
    const near = nearTo(all);
    for (let i = 0; i < 60; i++) {
      const b = box(((i * 811) % 4003) - 2000.5, ((i * 277) % 3001) - 1500.5, 150, 28);
      const want = all.filter((o) => touches(b, o));
      expect(new Set(near(b))).toEqual(new Set(want));
    }
  });
});

describe("namePlaces", () => {
  const item = (kind: Item["kind"], value: object): [string, Item] => {
    const id = (value as { id: string }).id;
    return [id, { kind, id, version: 1, value } as unknown as Item];
  };
  const drawing = [
    item("components", { id: "a", name: "A", box: box(0, 0) }),
    item("components", { id: "b", name: "B", box: box(900, 0) }),
    item("flows", { id: "f", name: "Signed orders", from: "a", to: "b" }),
  ];
  it.each([
    ["a component", item("components", { id: "c", name: "C", box: box(450, 0) })],
    ["a text", item("texts", { id: "t", text: "T", box: box(450, 0) })],
    ["the title of a zone", item("zones", { id: "z", name: "Zone", trust: 50, box: box(450, 10, 400, 400) })],
  ])("keeps a name beside %s", (_, other) => {
    expect(namePlaces(new Map(drawing))("f")).toBe(0.5);
    expect(namePlaces(new Map([...drawing, other]))("f")).not.toBe(0.5);
  });
  it("lets a name stand within a zone", () => {
    const zone = item("zones", { id: "z", name: "Zone", trust: 50, box: box(-50, -200, 1200, 400) });
    expect(namePlaces(new Map([...drawing, zone]))("f")).toBe(0.5);
  });
});
