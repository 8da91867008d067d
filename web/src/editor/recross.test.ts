import { describe, expect, it } from "vitest";
import { crossing, recross, wayOf } from "./recross";

const way = (...p: [number, number][]) => p.map(([x, y]) => ({ x, y }));

describe("recross", () => {
  it("lays a curve at a right angle over the only flow that crossed it", () => {
    const before = new Map([["f", way([0, 0], [400, 0])]]);
    const after = new Map([["f", way([0, 0], [0, 400])]]);
    const curve = recross(way([200, -50], [200, 50]), before, after)!;
    expect(crossing(curve, after)).toEqual(["f"]);
    expect(curve.every((p) => Math.abs(p.y - 200) <= 1)).toBe(true);
  });
  it("is crossed by the same flows after these have moved, and by no other", () => {
    const before = new Map([
      ["in", way([0, 0], [0, 300])],
      ["out", way([60, 300], [60, 0])],
      ["by", way([200, 0], [200, 300])],
    ]);
    const after = new Map([
      ["in", way([0, 0], [150, -40], [300, 0])],
      ["out", way([300, 10], [150, 60], [0, 10])],
      ["by", way([0, 90], [300, 90])],
    ]);
    const line = way([-30, 150], [100, 150]);
    expect(crossing(line, before)).toEqual(["in", "out"]);
    const curve = recross(line, before, after)!;
    expect(crossing(curve, after)).toEqual(["in", "out"]);
  });
  it("leaves a curve alone that nothing crossed, or only what is gone", () => {
    const before = new Map([["f", way([0, 0], [100, 0])]]);
    expect(recross(way([0, 50], [100, 50]), before, before)).toBeUndefined();
    expect(recross(way([50, -50], [50, 50]), before, new Map())).toBeUndefined();
  });
});

describe("wayOf", () => {
  it("runs from middle to middle, and is none without a place", () => {
    const box = (id: string) => (id === "a" ? { x: 0, y: 0, w: 100, h: 60 } : undefined);
    expect(wayOf({ id: "f", name: "", from: "a", to_point: { x: 9, y: 9 }, vertices: [{ x: 5, y: 5 }] }, box)).toEqual(way([50, 30], [5, 5], [9, 9]));
    expect(wayOf({ id: "f", name: "", from: "a", to: "b" }, box)).toBeUndefined();
  });
});
