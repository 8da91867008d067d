import { describe, expect, it } from "vitest";
import { merge } from "./draft";

describe("merge", () => {
  it("lays changes over what is stored", () => {
    const got = merge({ name: "A", team: "x" }, { base: { name: "A" }, edits: { name: "B" } });
    expect(got).toEqual({ value: { name: "B", team: "x" }, dirty: ["name"], conflicts: [] });
  });
  it("follows what others change elsewhere", () => {
    expect(merge({ name: "A", team: "y" }, { base: { name: "A" }, edits: { name: "B" } }).value).toEqual({ name: "B", team: "y" });
  });
  it("sees a field that both changed", () => {
    expect(merge({ name: "C" }, { base: { name: "A" }, edits: { name: "B" } })).toEqual({
      value: { name: "B" },
      dirty: ["name"],
      conflicts: ["name"],
    });
  });
  it("sees none where both changed it alike", () => {
    expect(merge({ name: "B" }, { base: { name: "A" }, edits: { name: "B" } })).toEqual({ value: { name: "B" }, dirty: [], conflicts: [] });
  });
});
