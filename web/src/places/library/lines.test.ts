import { describe, expect, it } from "vitest";
import { compare, hunks } from "./lines";

const join = (s: string[]) => `${s.join("\n")}\n`;

describe("compare", () => {
  it("finds what stays, what goes and what comes", () => {
    const lines = compare(join(["a", "b", "c", "d"]), join(["a", "c", "x", "d"]));
    expect(lines.map((l) => l.what[0] + l.text)).toEqual(["sa", "ob", "sc", "nx", "sd"]);
  });

  it("gives back both texts", () => {
    const before = ["a", "b", "b", "c", "a", ""];
    const after = ["b", "a", "c", "c", "", "a"];
    const lines = compare(join(before), join(after));
    expect(lines.filter((l) => l.what !== "new").map((l) => l.text)).toEqual(before);
    expect(lines.filter((l) => l.what !== "old").map((l) => l.text)).toEqual(after);
  });

  it("has nothing to say of a text and itself", () => {
    expect(compare("a\nb\n", "a\nb\n").every((l) => l.what === "same")).toBe(true);
  });
});

describe("hunks", () => {
  it("leaves out what is far from a change, and says how much", () => {
    const text = Array.from({ length: 20 }, (_, i) => `${i}`);
    const shown = hunks(compare(join(text), join(text.map((t) => (t === "10" ? "x" : t)))), 1);
    expect(shown.map((l) => (typeof l === "number" ? l : l.what[0] + l.text))).toEqual([9, "s9", "o10", "nx", "s11", 8]);
  });
});
