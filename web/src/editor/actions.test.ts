import { describe, expect, it } from "vitest";
import { connectAll } from "./actions";
import { listOf, makeEditor } from "./store";
import { synthetic } from "./synthetic";

describe("connectAll", () => {
  const drawn = (from: string[], to: string) => {
    const editor = makeEditor("p", synthetic(4));
    const before = listOf(editor.store.getState().doc, "flows").length;
    const ids = connectAll(editor, from, to);
    const flows = listOf(editor.store.getState().doc, "flows");
    return { editor, ids, before, ends: flows.slice(before).map((f) => [f.from, f.to]), flows };
  };
  it("draws a flow from each of those selected, not only from the first, and none from the target to itself", () => {
    const { editor, ids, before, ends } = drawn(["c0", "c1", "c3"], "c3");
    expect(ends).toEqual([
      ["c0", "c3"],
      ["c1", "c3"],
    ]);
    expect([...editor.store.getState().selection]).toEqual(ids);
    editor.undo();
    expect(listOf(editor.store.getState().doc, "flows")).toHaveLength(before);
  });
  it("draws one flow where two are selected and one of them is the target", () => {
    const { editor, ids, ends } = drawn(["c0", "c1"], "c1");
    expect(ends).toEqual([["c0", "c1"]]);
    expect(editor.store.getState().editing).toBe(ids[0]);
  });
  it("lets the name of a single one be typed, also of one that leads back to where it began", () => {
    const { editor, ids, ends } = drawn(["c2"], "c2");
    expect(ends).toEqual([["c2", "c2"]]);
    expect(editor.store.getState().editing).toBe(ids[0]);
  });
});
