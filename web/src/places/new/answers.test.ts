import { describe, expect, it } from "vitest";
import { clashes, sending, settle } from "./answers";

const stored = { questionnaire: "web", version: 3, answers: { a: ["1"], b: ["x"] } } as never;

describe("answers that are not stored yet", () => {
  it("go along with what is stored, and without those taken back", () => {
    expect(sending(stored, { a: { values: ["2"], base: ["1"] }, b: { values: [], base: ["x"] } })).toEqual({ a: ["2"] });
  });

  it("wait where somebody else answered differently since", () => {
    const drafts = { a: { values: ["2"], base: ["0"] }, b: { values: ["y"], base: ["x"] } };
    expect(clashes(stored, drafts)).toEqual({ a: ["1"] });
    expect(sending(stored, drafts)).toEqual({ a: ["1"], b: ["y"] });
  });

  it("clash with nobody who gave the same answer", () => {
    expect(clashes(stored, { a: { values: ["1"], base: [] } })).toEqual({});
  });

  it("stay when they changed while others were sent", () => {
    const sent = { a: { values: ["2"], base: ["1"] }, b: { values: ["y"], base: ["x"] } };
    const now = { a: { values: ["3"], base: ["1"] }, b: { values: ["y"], base: ["x"] } };
    expect(settle(now, sent, {})).toEqual({ a: { values: ["3"], base: ["2"] } });
    expect(settle(now, sent, { b: ["z"] })).toEqual({ a: { values: ["3"], base: ["2"] }, b: { values: ["y"], base: ["x"] } });
  });
});
