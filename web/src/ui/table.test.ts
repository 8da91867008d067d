import { describe, expect, it } from "vitest";
import { csv } from "./csv";
import { type Column, sorted } from "./table";

interface Row {
  name: string;
  n?: number;
}
const columns: Column<Row>[] = [
  { id: "name", name: "Name", cell: (r) => r.name, sort: (r) => r.name, text: (r) => r.name, width: "1fr" },
  { id: "n", name: "Number, of all", cell: (r) => r.n, sort: (r) => r.n, text: (r) => r.n, width: "1fr" },
  { id: "act", name: "", cell: () => null, width: "1fr" },
];
const rows: Row[] = [{ name: "b10", n: 3 }, { name: "B2" }, { name: "a", n: -1 }];

describe("sorted", () => {
  it("orders text as people read it, and numbers as numbers", () => {
    expect(sorted(rows, columns, "name").map((r) => r.name)).toEqual(["a", "B2", "b10"]);
    expect(sorted(rows, columns, "-name").map((r) => r.name)).toEqual(["b10", "B2", "a"]);
  });
  it("orders plain text as it orders any text", () => {
    const plain = ["a", "a 1", "a1", "a01", "a10", "a 9", "A2b", "a2 b", "a2a", "", " a", "b", "aa", "10", "9", "1 0", "007", "7", "zz9", "zz"];
    const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    for (const more of [[], ["é", "ab-c", "a_1"]]) {
      const all = [...plain, ...more].map((name) => ({ name }));
      const want = [...all].sort((a, b) => collator.compare(a.name, b.name));
      expect(sorted<Row>(all, columns, "name").map((r) => r.name)).toEqual(want.map((r) => r.name));
    }
  });
  it("puts what is not there last in both directions", () => {
    expect(sorted(rows, columns, "n").map((r) => r.n)).toEqual([-1, 3, undefined]);
    expect(sorted(rows, columns, "-n").map((r) => r.n)).toEqual([3, -1, undefined]);
  });
  it("keeps the order where the column is unknown or does not sort", () => {
    expect(sorted(rows, columns, "act")).toBe(rows);
    expect(sorted(rows, columns, "what")).toBe(rows);
    expect(sorted(rows, columns, undefined)).toBe(rows);
  });
});

describe("csv", () => {
  it("quotes, leaves out columns without text, and disarms formulas", () => {
    const nasty: Row[] = [{ name: '=HYPERLINK("http://x")' }, { name: "two\nlines, a comma" }, { name: "-1", n: -1 }];
    expect(csv(nasty, columns)).toBe(['Name,"Number, of all"', `"'=HYPERLINK(""http://x"")",`, '"two\nlines, a comma",', "'-1,-1", ""].join("\r\n"));
  });
});
