import { describe, expect, it } from "vitest";
import type { S } from "../../api/client";
import { rangeOf, stepLine, steps } from "./trend-data";

const figures = (n: number) => ({ inherent: 90, verified: n + 10, current: n, projected: 0 });
const change = (at: string, from: number, to: number, text: string, threat?: string): S["RatingChange"] => ({
  at,
  threat,
  title: threat,
  before: figures(from),
  after: figures(to),
  cause: { kind: "test", text },
});

// Newest first, as the server gives them.
const rows = [
  change("2026-01-03T00:00:00Z", 60, 20, "a run", "thr_a"),
  change("2026-01-02T00:00:00Z", 40, 60, "the plan", "thr_b"),
  change("2026-01-02T00:00:00Z", 0, 60, "the plan", "thr_a"),
  change("2026-01-02T00:00:00Z", 0, 60, "the plan"),
];

describe("steps", () => {
  it("groups by moment and cause, oldest first", () => {
    const got = steps(rows, "highest", { current: 60, verified: 70 });
    expect(got.map((s) => [s.text, s.before.current, s.current, s.moved.map((m) => m.threat)])).toEqual([
      ["the plan", 0, 60, ["thr_a", "thr_b"]],
      ["a run", 60, 60, ["thr_a"]],
    ]);
  });
  it("counts sums back from what they are now", () => {
    const got = steps(rows, "sum", { current: 80, verified: 100 });
    expect(got.map((s) => [s.before.current, s.current])).toEqual([
      [40, 120],
      [120, 80],
    ]);
  });
});

describe("stepLine", () => {
  it("begins with the value that held before the range", () => {
    const all = steps(rows, "sum", { current: 80, verified: 100 });
    const range = { from: Date.parse("2026-01-02T12:00:00Z"), to: Date.parse("2026-01-03T12:00:00Z") };
    expect(stepLine(all, "current", range)).toEqual([
      { x: 0, y: 120 },
      { x: 0.5, y: 120 },
      { x: 0.5, y: 80 },
      { x: 1, y: 80 },
    ]);
  });
  it("is flat where nothing happened", () => {
    expect(stepLine([], "current", { from: 0, to: 10 })).toEqual([
      { x: 0, y: 0 },
      { x: 1, y: 0 },
    ]);
  });
});

describe("rangeOf", () => {
  it("shows the asked days up to now", () => {
    expect(rangeOf([], "30", 30 * 86_400_000)).toEqual({ from: 0, to: 30 * 86_400_000 });
  });
});
