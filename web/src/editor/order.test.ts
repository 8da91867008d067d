import { describe, expect, it } from "vitest";
import { choose, type Doc, difference, edit, kept, open, receive, redo, restore, sent, undo, unsent } from "./document";
import { inOrder, moved, told } from "./order";
import type { Change, Diagram, Drawing } from "./types";

/** Server has a list of diagrams, and moves them as the real one does. */
class Server {
  version = 1;
  versions: Record<string, number> = {};
  list: Diagram[];
  constructor(ids: string) {
    this.list = [...ids].map((id) => ({ id, title: `Diagram ${id}` }));
    for (const id of ids) this.versions[`diagrams/${id}`] = 1;
  }
  read(): Drawing {
    const none = { zones: [], components: [], flows: [], curves: [], texts: [], assets: [] };
    return { version: this.version, diagrams: [...this.list], diagram: "a", ...none, versions: { ...this.versions }, facts: {} };
  }
  take(batch: readonly Change[]): void {
    this.version++;
    for (const c of batch) {
      expect(c.version ?? 0, `version of ${c.id}`).toBe(this.versions[`diagrams/${c.id}`] ?? 0);
      const { place: _, ...d } = (c.element ?? {}) as Diagram;
      const n = this.list.findIndex((x) => x.id === c.id);
      if (c.op === "delete") this.list.splice(n, 1);
      else if (n >= 0) this.list[n] = d;
      else this.list.push(d);
      if (c.op === "delete") delete this.versions[`diagrams/${c.id}`];
      else this.versions[`diagrams/${c.id}`] = this.version;
    }
    let waiting = batch.filter((c) => c.after !== undefined);
    const ones = waiting.map((c) => this.list.find((d) => d.id === c.id)!);
    this.list = this.list.filter((d) => !ones.includes(d));
    while (waiting.length > 0) {
      const ready = waiting.filter((c) => c.after === "" || this.list.some((d) => d.id === c.after));
      expect(ready.length, "a move that can be made").toBeGreaterThan(0);
      for (const c of ready) this.list.splice(this.list.findIndex((d) => d.id === c.after) + 1, 0, ones.find((d) => d.id === c.id)!);
      waiting = waiting.filter((c) => !ready.includes(c));
    }
  }
  /** send takes what a document has, and gives the document after the answer. */
  send(doc: Doc): Doc {
    const batch = unsent(doc);
    this.take(batch);
    return sent(doc, batch, { version: this.version, versions: { ...this.versions }, removed: [], also: [], facts: {} });
  }
  get order(): string {
    return this.list.map((d) => d.id).join("");
  }
}

const order = (doc: Doc) =>
  inOrder(doc.now)
    .map((d) => d.id)
    .join("");
const move = (doc: Doc, id: string, to: number) =>
  edit(
    doc,
    `Move ${id}`,
    moved(doc.now, id, to).map((d) => ({ kind: "diagrams" as const, id: d.id, value: d })),
  );
const rename = (doc: Doc, id: string, title: string) => edit(doc, "Rename", [{ kind: "diagrams", id, value: { id, title } }]);

describe("the order of diagrams", () => {
  it("moves one by one change, which can be taken back and done again", () => {
    const s = new Server("abcd");
    let doc = open(s.read());
    for (const [id, to, want] of [
      ["d", 0, "dabc"],
      ["d", 3, "abcd"],
      ["b", 2, "acbd"],
      ["a", 1, "cabd"],
    ] as const) {
      doc = move(doc, id, to);
      expect(order(doc)).toBe(want);
      const batch = unsent(doc);
      expect(batch.map((c) => c.id)).toEqual([id]);
      doc = s.send(doc);
      expect(s.order).toBe(want);
      expect(unsent(doc)).toEqual([]);
    }
    for (const want of ["acbd", "abcd", "dabc", "abcd"]) {
      doc = s.send(undo(doc));
      expect([order(doc), s.order]).toEqual([want, want]);
    }
    doc = s.send(redo(doc));
    expect([order(doc), s.order]).toEqual(["dabc", "dabc"]);
    expect(move(doc, "d", 0)).toBe(doc);
    expect(move(doc, "d", 9)).toBe(doc);
  });

  it("keeps the place of what is renamed, and puts a new one last and a deleted one back where it was", () => {
    const s = new Server("abc");
    let doc = s.send(rename(move(open(s.read()), "c", 0), "a", "First"));
    expect(s.order).toBe("cab");
    expect(s.list[1]?.title).toBe("First");
    doc = s.send(edit(doc, "Add", [{ kind: "diagrams", id: "n", value: { id: "n", title: "New" } }]));
    expect(s.order).toBe("cabn");
    doc = s.send(edit(doc, "Delete", [{ kind: "diagrams", id: "a", value: undefined }]));
    expect(s.order).toBe("cbn");
    doc = s.send(undo(doc));
    expect([order(doc), s.order]).toEqual(["cabn", "cabn"]);
  });

  it("carries a move over what others moved, whatever they moved", () => {
    for (const mine of "abcd") {
      for (const theirs of "abcd") {
        for (let to = 0; to < 4; to++) {
          if (mine === theirs) continue;
          const s = new Server("abcd");
          const b = open(s.read());
          const doc = move(b, mine, to);
          s.send(move(b, theirs, 3 - to));
          const left = receive(doc, difference(doc, s.read(), "Ada")).doc;
          expect(left.conflicts).toEqual([]);
          const after = unsent(left).length > 0 ? s.send(left) : left;
          expect(order(after), `${mine} to ${to}, ${theirs} to ${3 - to}`).toBe(s.order);
          expect(unsent(receive(after, difference(after, s.read())).doc)).toEqual([]);
        }
      }
    }
  });

  it("asks where both moved the same one, with both places", () => {
    const s = new Server("abc");
    const b = open(s.read());
    const doc = move(b, "c", 0);
    s.send(move(b, "c", 1));
    const r = receive(doc, difference(doc, s.read(), "Ada"));
    const [clash] = r.doc.conflicts;
    expect([clash?.field, clash?.by]).toEqual(["place", "Ada"]);
    expect(told(r.doc.now, "c", clash?.mine)).toBe("first");
    expect(told(r.doc.now, "c", clash?.theirs)).toBe("behind Diagram a");
    expect(unsent(r.doc)).toEqual([]);
    expect(order(choose(r.doc, clash!, false))).toBe("acb");
    const kept = s.send(choose(r.doc, clash!, true));
    expect([order(kept), s.order]).toEqual(["cab", "cab"]);
  });

  it("stays when a diagram alone is told of, and comes back over a visit with unsent work", () => {
    const s = new Server("abcd");
    const doc = move(open(s.read()), "d", 1);
    const alone = receive(doc, [{ kind: "diagrams", id: "b", version: 2, value: { id: "b", title: "B" } }]).doc;
    expect(order(alone)).toBe("adbc");
    const work = JSON.parse(JSON.stringify(kept(doc)));
    const other = new Server("abcd");
    other.send(move(open(other.read()), "a", 2));
    const again = restore(open(other.read()), work);
    expect(again.conflicts).toEqual([]);
    expect(order(again)).toBe("bcad");
    expect(other.order).toBe("bcad");
    other.send(again);
    expect(other.order).toBe("bcad");
  });

  it("makes room where there is none left", () => {
    const s = new Server("abc");
    let doc = open(s.read());
    for (let n = 0; n < 200; n++) {
      doc = s.send(move(doc, n % 2 ? "b" : "c", 1));
      expect(order(doc)).toBe(s.order);
    }
  });
});
