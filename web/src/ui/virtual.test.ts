import { expect, it } from "vitest";
import { last } from "./virtual";

it("last finds the row that a height is in", () => {
  const offsets = [0, 40, 120, 160];
  expect([-5, 0, 39, 40, 119, 120, 500].map((y) => last(offsets, y))).toEqual([0, 0, 0, 1, 1, 2, 3]);
});
