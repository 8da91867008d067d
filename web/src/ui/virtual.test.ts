import { expect, it } from "vitest";
import { last, settle, stack } from "./virtual";

it("last finds the row that a height is in", () => {
  const offsets = [0, 40, 120, 160];
  expect([-5, 0, 39, 40, 119, 120, 500].map((y) => last(offsets, y))).toEqual([0, 0, 0, 1, 1, 2, 3]);
});

it("stack puts rows below each other, and settle again from the one that changed", () => {
  const s = stack(4, (i) => 10 * (i + 1));
  expect([...s.offsets]).toEqual([0, 10, 30, 60, 100]);
  s.heights[2] = 5;
  settle(s, 2);
  expect([...s.offsets]).toEqual([0, 10, 30, 35, 75]);
  expect([...stack(0, () => 1).offsets]).toEqual([0]);
});
