import { describe, expect, it } from "vitest";
import { spotOf } from "./expression";

const rule = `rules:
  - rule: x
    for: flow
    when: flow.crosses_boundary && flow.
    reason: r
  - rule: y
    for: product
    when: "answers.web && "
`;

describe("spotOf", () => {
  it("finds a plain expression and what it is for", () => {
    const at = rule.indexOf("flow.\n") + 5;
    expect(spotOf(rule, at)).toEqual({
      for: "flow",
      text: "flow.crosses_boundary && flow.",
      offset: 30,
      start: rule.indexOf("flow.crosses"),
    });
  });

  it("finds a quoted one", () => {
    const at = rule.indexOf("web && ") + 7;
    expect(spotOf(rule, at)).toMatchObject({ for: "product", text: "answers.web && ", offset: 15 });
  });

  it("tells the questions of products and of components apart", () => {
    const q = (types: string) => `questionnaire: q\n${types}groups:\n  - group: g\n    questions:\n      - question: a\n        when: ans`;
    expect(spotOf(q(""), q("").length)?.for).toBe("question");
    expect(spotOf(q("types: [web]\n"), q("types: [web]\n").length)?.for).toBe("component-question");
  });

  it("finds none elsewhere", () => {
    expect(spotOf(rule, rule.indexOf("reason: r") + 9)).toBeUndefined();
    expect(spotOf(rule, rule.indexOf("when:"))).toBeUndefined();
  });
});
