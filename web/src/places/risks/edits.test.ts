import { describe, expect, it } from "vitest";
import { type Editable, patched, undoOf } from "./edits";
import { blocks } from "./light";

const set = { by: "person", at: "2026-01-01T00:00:00Z", actor: "Ada", reason: "known better" };
const object = (more: object): Editable => ({ id: "x", version: 3, origin: "rule", ...more });

describe("undoOf", () => {
  it("gives back to the rules what nobody had set before", () => {
    expect(undoOf(object({ title: "a" }), { title: "b" })).toEqual({ reset: ["title"] });
  });

  it("writes the former value where a person had set it", () => {
    expect(undoOf(object({ owner: "usr_1", sets: { owner: set } }), { owner: "usr_2" })).toEqual({ owner: "usr_1", reason: "known better" });
  });

  it("writes the former value of what no rule brought", () => {
    expect(undoOf(object({ origin: "person", title: "a" }), { title: "b", reason: "why" })).toEqual({ title: "a" });
    expect(undoOf(object({ origin: "person" }), { description: "b" })).toEqual({ description: "" });
    expect(undoOf(object({ origin: "person" }), { cost: { amount: 1, unit: "days" } })).toEqual({ reset: ["cost"] });
  });

  it("brings back what was retired, with the rules in charge of it again", () => {
    expect(undoOf(object({}), { retired: true, reason: "not here" })).toEqual({ retired: false, reset: ["retired"], reason: "Taken back" });
  });

  it("gives a reason where going back needs one", () => {
    const before = object({
      state: "rejected",
      state_reason: "too dear",
      sets: { state: { ...set, reason: "" }, state_reason: { ...set, reason: "" } },
    });
    expect(undoOf(before, { state: "required", state_reason: "" })).toEqual({ state: "rejected", state_reason: "too dear", reason: "too dear" });
  });

  it("leaves an acceptance to its own operation", () => {
    expect(undoOf(object({ status: "accepted", sets: { status: set } }), { status: "open" })).toEqual({ reason: "known better" });
  });

  it("sets an inherent rating again that was computed meanwhile", () => {
    expect(undoOf(object({ inherent: 40, sets: { inherent: set } }), { computed: true })).toEqual({ inherent: 40, reason: "known better" });
  });

  it("writes values where no rule follows any more", () => {
    expect(undoOf(object({ state: "recommended" }), { state: "required" }, false)).toMatchObject({ state: "recommended" });
  });
});

describe("patched", () => {
  it("shows new values at once and nothing that is only for the server", () => {
    expect(
      patched(
        { id: "x", state: "required", owner: "a", owner_name: "Ada" },
        { state: "rejected", owner: "b", reason: "r", retired: true, reset: ["title"] },
      ),
    ).toEqual({ id: "x", state: "rejected", owner: "b", owner_name: undefined });
  });
});

describe("blocks", () => {
  it("joins the lines of a paragraph and keeps lists apart", () => {
    expect(blocks("One\ntwo.\n\n- a\n- b\n  more\n\nEnd")).toEqual([
      { list: false, lines: ["One two."] },
      { list: true, lines: ["a", "b more"] },
      { list: false, lines: ["End"] },
    ]);
  });
});
