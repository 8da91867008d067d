import { describe, expect, it } from "vitest";
import { carried, common, everywhere } from "./common";

describe("what several elements have in common", () => {
  it("is the value of all, or nothing", () => {
    expect(common([{ a: 1 }, { a: 1 }])).toEqual({ a: 1 });
    expect(common([1, 2])).toBeUndefined();
    expect(common([])).toBeUndefined();
  });

  it("is of lists what is in each", () => {
    expect(
      everywhere([
        ["b", "a"],
        ["a", "b", "c"],
      ]),
    ).toEqual(["b", "a"]);
    expect(everywhere([["a"], ["c"]])).toEqual([]);
    expect(everywhere([])).toEqual([]);
  });

  it("leaves each element its own when it is changed", () => {
    expect(carried(["own", "both"], ["both"], ["both", "new"])).toEqual(["own", "both", "new"]);
    expect(carried(["own", "both"], ["both"], [])).toEqual(["own"]);
    expect(carried(["new", "own"], [], ["new"])).toEqual(["new", "own"]);
  });
});
