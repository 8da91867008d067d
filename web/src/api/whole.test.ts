import { expect, it } from "vitest";
import { amended } from "./whole";

it("amended changes the rows of a list, however it is kept", () => {
  const more = (n: number) => n + 1;
  expect(amended([1, 2], more)).toEqual([2, 3]);
  expect(amended({ pages: [{ items: [1, 2], next: "x", total: 3 }, { items: [3] }, { items: null }] }, more)).toEqual({
    pages: [{ items: [2, 3], next: "x", total: 3 }, { items: [4] }, { items: null }],
  });
  expect(amended(undefined, more)).toBeUndefined();
});
