import { describe, expect, it } from "vitest";
import type { Countermeasure } from "../risks/data";
import { byState, costs, sumsOf } from "./sums";

const one = (id: string, more: Partial<Countermeasure> = {}): Countermeasure => ({
  id,
  title: id,
  ref: id,
  where: "w",
  where_name: "W",
  origin: "rule",
  state: "required",
  evidence: { verdict: "untested" },
  band: "low",
  current: 0,
  takes: 0,
  comments: 0,
  version: 1,
  ...more,
});

describe("sums of a selection", () => {
  it("sums costs by unit and leaves out what has none", () => {
    const list = [
      one("a", { cost: { amount: 2, unit: "days" } }),
      one("b", { cost: { amount: 1500, unit: "EUR" } }),
      one("c", { cost: { amount: 0.5, unit: "days" } }),
      one("d"),
    ];
    expect(costs(list)).toBe("2.5 days, EUR 1,500");
    expect(costs([one("d")])).toBe("");
  });

  it("says what they take off and how many have no cost", () => {
    expect(sumsOf([one("a", { takes: 30, cost: { amount: 1, unit: "days" } }), one("b", { takes: 12 })])).toBe(
      "take up to 42 off · cost 1 day and 1 without a cost",
    );
    expect(sumsOf([one("a", { takes: 3 })])).toBe("take up to 3 off");
  });

  it("groups by state in the order of work", () => {
    const groups = byState([one("a", { state: "rejected" }), one("b", { state: "recommended" }), one("c", { state: "rejected" })]);
    expect([...groups.keys()]).toEqual(["recommended", "required", "implemented", "rejected", "not_applicable"]);
    expect(groups.get("rejected")?.map((c) => c.id)).toEqual(["a", "c"]);
  });
});
