import { describe, expect, it } from "vitest";
import { readSearch, writeSearch } from "./address";

describe("the address", () => {
  it("reads back what it wrote, as text", () => {
    const search = { q: "a b&c", band: "high,critical", open: "7" };
    expect(readSearch(writeSearch(search))).toEqual(search);
  });
  it("leaves out what is empty and is sorted", () => {
    expect(writeSearch({ z: "1", q: "", a: undefined, b: "x" })).toBe("?b=x&z=1");
    expect(writeSearch({})).toBe("");
  });
});
