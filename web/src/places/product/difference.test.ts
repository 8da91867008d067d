import { describe, expect, it } from "vitest";
import { changed, differences, say } from "./difference";

describe("differences", () => {
  it("names the fields that differ, in words", () => {
    expect(
      differences(
        { id: "a", state: "not_applicable", cost: { amount: 3, unit: "days" } },
        { id: "b", state: "implemented", cost: { amount: 5, unit: "days" }, tags: ["pci", "web"] },
      ),
    ).toEqual([
      { field: "State", from: "not applicable", to: "implemented" },
      { field: "Cost: amount", from: "3", to: "5" },
      { field: "Tags", from: "nothing", to: "pci, web" },
    ]);
  });
  it("names standards and types, also in what is kept with the product", () => {
    const titles = new Map([
      ["asvs-5.0:2", "OWASP ASVS 5.0, level 2"],
      ["web-app", "Web application"],
    ]);
    expect(
      differences(
        { standards: null, product: { type: "web-app" }, name: "web-app" },
        { standards: ["asvs-5.0:2", "house:1"], product: { type: "own" }, name: "own" },
        titles,
      ),
    ).toEqual([
      { field: "Standards", from: "nothing", to: "OWASP ASVS 5.0, level 2, house:1" },
      { field: "Product: type", from: "Web application", to: "own" },
      { field: "Name", from: "web-app", to: "own" },
    ]);
  });
  it("counts a move as one difference", () => {
    expect(differences({ x: 1, y: 2 }, { x: 3, y: 4 })).toEqual([{ field: "Place on the drawing", from: "elsewhere", to: "moved" }]);
  });
  it("says nothing of what is the same", () => {
    expect(differences({ tags: ["a"], version: 1 }, { tags: ["a"], version: 2 })).toEqual([]);
  });
});

describe("say", () => {
  it("writes costs and impacts as they stand elsewhere", () => {
    expect(say({ amount: 1, unit: "days" })).toBe("1 day");
    expect(say({ amount: 1200, unit: "EUR" })).toBe("EUR 1,200");
    expect(say({ confidentiality: 70, integrity: 0, availability: 5 })).toBe("70 of 100 for confidentiality, 0 for integrity, 5 for availability");
  });
  it("writes any value", () => {
    expect([say(true), say(null), say(1234.5), say([]), say({ confidentiality: 75 }), say("x".repeat(200)).length]).toEqual([
      "yes",
      "nothing",
      "1,234.5",
      "nothing",
      "confidentiality 75",
      161,
    ]);
  });
});

describe("changed", () => {
  it("gives stored names", () => {
    expect(changed({ a: 1, b: [1] }, { b: [1], c: 2 })).toEqual(["a", "c"]);
  });
});
