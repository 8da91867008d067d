import { describe, expect, it } from "vitest";
import type { S } from "../../api/client";
import { flat, type Step, sortPlan, withLinks } from "./plan";

const step = (action: string, kind: string, id: string, where = "a"): Step => ({
  key: `${action} ${kind} ${id}`,
  action,
  kind,
  id,
  where,
  where_name: where,
  title: id,
  text: id,
});

const items = [
  step("add", "threat", "thr_1"),
  step("add", "countermeasure", "cms_1"),
  step("add", "link", "thr_1//cms_1"),
  step("add", "link", "thr_0//cms_1"),
  step("add", "link", "thr_0//cms_0"),
  step("remove", "threat", "thr_2"),
  step("remove", "link", "thr_2//cms_0"),
  step("keep", "threat", "thr_0"),
];
const plan: S["PlanView"] = {
  to: "l@1",
  version: 1,
  items,
  counts: {},
  places: [{ where: "a", where_name: "Web", keys: items.map((i) => i.key), counts: {} }],
  refused: [],
  reasons: {},
};

describe("sortPlan", () => {
  it("shows a link by itself only where nothing at its ends moves", () => {
    const s = sortPlan(plan);
    expect(s.shown.map((x) => x.key)).toEqual([
      "add threat thr_1",
      "add countermeasure cms_1",
      "add link thr_0//cms_0",
      "remove threat thr_2",
      "keep threat thr_0",
    ]);
    expect(s.groups.map((g) => [g.name, g.links])).toEqual([["Web", 3]]);
  });
});

describe("withLinks", () => {
  const { followers } = sortPlan(plan);
  const accept = (...ids: string[]) =>
    withLinks(
      items.filter((i) => ids.includes(i.id)),
      plan,
      followers,
    );
  it("takes a link in once both its ends are there", () => {
    expect(accept("cms_1")).toEqual(["add countermeasure cms_1", "add link thr_0//cms_1"]);
    expect(accept("thr_1", "cms_1")).toEqual(["add threat thr_1", "add countermeasure cms_1", "add link thr_1//cms_1", "add link thr_0//cms_1"]);
  });
  it("takes a link away with either end", () => {
    expect(accept("thr_2")).toEqual(["remove threat thr_2", "remove link thr_2//cms_0"]);
  });
});

describe("flat", () => {
  it("puts every step between the head and the end of its place, and finds it", () => {
    const { groups } = sortPlan({
      ...plan,
      places: [
        { where: "a", where_name: "Web", keys: ["add threat thr_1", "keep threat thr_0"], counts: {} },
        { where: "b", where_name: "Data", keys: ["add countermeasure cms_1"], counts: {} },
      ],
    });
    const { entries, at } = flat(groups);
    expect(entries.map((e) => e.key)).toEqual([
      "head a",
      "step add threat thr_1",
      "step keep threat thr_0",
      "end a",
      "head b",
      "step add countermeasure cms_1",
      "end b",
    ]);
    expect([...at.values()]).toEqual(entries.map((_, i) => i));
    expect(entries.map((e) => e.group)).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });
});
