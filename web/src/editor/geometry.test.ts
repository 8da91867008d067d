import { describe, expect, it } from "vitest";
import { along, around, border, encloses, labelOf, lanes, lineOf, meetings, outline, pathOf, piece, polyline, snap, touches } from "./geometry";
import type { Flow } from "./types";

const box = (x: number, y: number, w = 100, h = 60) => ({ x, y, w, h });
const flow = (more: Partial<Flow>): Flow => ({ id: "f", name: "", ...more });

describe("border", () => {
  it("is on the box, towards the point", () => {
    expect(border(box(0, 0), { x: 500, y: 30 })).toEqual({ x: 100, y: 30 });
    expect(border(box(0, 0), { x: 50, y: -500 })).toEqual({ x: 50, y: 0 });
  });
});

describe("lineOf", () => {
  it("runs from border to border, over its own points", () => {
    const l = lineOf(flow({ from: "a", to: "b", vertices: [{ x: 150, y: 200 }] }), box(0, 0), box(300, 0))!;
    expect(l.points).toHaveLength(3);
    expect(pathOf(l)).toMatch(/^M/);
  });
  it("goes to a loose end, and is none without a place", () => {
    expect(lineOf(flow({ from: "a", to_point: { x: 300, y: 30 } }), box(0, 0), undefined)!.points.at(-1)).toEqual({ x: 300, y: 30 });
    expect(lineOf(flow({ from: "a" }), box(0, 0), undefined)).toBeUndefined();
  });
  it("goes around for a flow to itself", () => {
    expect(lineOf(flow({ from: "a", to: "a" }), box(0, 0), box(0, 0))!.points).toHaveLength(5);
  });
});

describe("lanes", () => {
  it("keeps opposite flows apart", () => {
    const got = lanes([flow({ id: "1", from: "a", to: "b" }), flow({ id: "2", from: "b", to: "a" }), flow({ id: "3", from: "a", to: "c" })]);
    expect(got.get("1")).toBe(-0.5);
    expect(got.get("2")).toBe(-0.5);
    expect(got.has("3")).toBe(false);
  });
});

describe("meetings", () => {
  it("finds where a way leaves a box", () => {
    expect(
      meetings(
        [
          { x: 50, y: 30 },
          { x: 300, y: 30 },
        ],
        outline(box(0, 0)),
      ),
    ).toEqual([{ x: 100, y: 30, angle: 0 }]);
  });
});

describe("along and piece", () => {
  const way = [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
    { x: 100, y: 100 },
  ];
  it("find a place on a way", () => {
    expect(along(way, 0.5)).toMatchObject({ x: 100, y: 0 });
    expect(piece({ x: 50, y: 5 }, way)).toBe(0);
    expect(piece({ x: 95, y: 50 }, way)).toBe(1);
  });
});

describe("snap", () => {
  it("goes to a neighbour in reach, else onto the grid", () => {
    expect(snap(box(203, 4), [box(200, 300)], 6)).toMatchObject({ dx: -3, dy: -4 });
    expect(snap(box(203, 4), [box(200, 300)], 6).guides).toHaveLength(1);
    expect(snap(box(223, 4), [box(500, 300, 90, 30)], 6)).toMatchObject({ dx: -3, guides: [] });
  });
});

describe("boxes", () => {
  it("enclose each other", () => {
    expect(around([box(0, 0), box(200, 100)])).toEqual({ x: 0, y: 0, w: 300, h: 160 });
    expect(encloses(box(0, 0), box(0, 0))).toBe(true);
    expect(around([])).toBeUndefined();
  });
});

describe("labelOf", () => {
  const label = (a: ReturnType<typeof box>, b: ReturnType<typeof box>, name: string) => {
    const l = labelOf(name, polyline(lineOf(flow({ from: "a", to: "b" }), a, b)!), [a, b]);
    const w = Math.max(...l.lines.map((t) => t.length)) * 6;
    return { ...l, box: { x: l.x - w / 2, y: l.y - 11, w, h: l.lines.length * 14 - 2 } };
  };
  it("stands above the middle of its way where there is room", () => {
    expect(label(box(0, 0), box(400, 0), "Orders")).toMatchObject({ lines: ["Orders"], x: 249.5, y: 23 });
  });
  it("takes a second line before it is cut", () => {
    const long = "Signed order confirmations and the address of the parcel shop";
    const l = label(box(0, 0), box(900, 0), long);
    expect(l.lines).toEqual(["Signed order confirmations and", "the address of the parcel shop"]);
    expect(label(box(0, 0), box(0, 900), `${long}, ${long}`).lines).toEqual([
      expect.stringMatching(/^.{1,33}…$/),
      expect.stringMatching(/^.{1,33}…$/),
    ]);
    expect(label(box(0, 0), box(900, 0), "x".repeat(50)).lines).toEqual([`${"x".repeat(33)}…`]);
  });
  it.each([
    ["across", box(0, 0), box(130, 0)],
    ["across, at another height", box(0, 0), box(150, 40)],
    ["down", box(0, 0), box(0, 70)],
    ["boxes that touch", box(0, 0), box(100, 0)],
    ["boxes that overlap", box(0, 0), box(60, 20)],
  ])("is never behind the boxes of a short flow: %s", (_, a, b) => {
    const l = label(a, b, "B2B Customer (Browser) to B2B API");
    expect(touches(l.box, a), JSON.stringify(l)).toBe(false);
    expect(touches(l.box, b), JSON.stringify(l)).toBe(false);
    // And it stays near its flow.
    expect(Math.hypot(l.x - (a.x + b.x + 100) / 2, l.y - (a.y + b.y + 60) / 2)).toBeLessThan(200);
  });
});
