import { describe, expect, it } from "vitest";
import { choose, type Doc, difference, edit, kept, open, type Put, receive, redo, restore, sent, undo, unsent } from "./document";
import { newId } from "./ids";
import type { Change, Component, Drawing, Flow, Reply, Theirs } from "./types";

/** numbers gives the same numbers for the same seed, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let a = seed >>> 0;
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const component = (id: string, more: Partial<Component> = {}): Component => ({
  id,
  kind: "process",
  name: id,
  box: { x: 0, y: 0, w: 140, h: 64 },
  ...more,
});

function drawing(components: Component[], flows: Flow[] = [], version = 1): Drawing {
  const versions: Record<string, number> = { "diagrams/d": 1 };
  for (const e of [...components, ...flows]) versions[e.id] = version;
  return {
    version,
    diagrams: [{ id: "d", title: "D" }],
    diagram: "d",
    zones: [],
    components,
    flows,
    curves: [],
    texts: [],
    assets: [],
    versions,
    facts: {},
  };
}

const content = (d: Doc) => Object.fromEntries([...d.now].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, i]) => [k, i.value]));
const value = (d: Doc, id: string) => d.now.get(id)?.value as Component | undefined;
const put = (c: Component): Put => ({ kind: "components", id: c.id, value: c });

/** anyEdit makes some edit of a document. */
function anyEdit(doc: Doc, n: (below: number) => number): Doc {
  const ids = [...doc.now.values()].filter((i) => i.kind === "components").map((i) => i.id);
  const puts: Put[] = [];
  for (let k = 0; k <= n(3); k++) {
    const what = n(4);
    if (what === 0 || ids.length === 0) puts.push(put(component(`n${n(1e6)}`, { name: `New ${n(9)}` })));
    else {
      const id = ids[n(ids.length)]!;
      if (puts.some((p) => p.id === id)) continue;
      const is = value(doc, id)!;
      if (what === 1) puts.push({ kind: "components", id, value: undefined });
      else if (what === 2) puts.push(put({ ...is, name: `Name ${n(5)}` }));
      else puts.push(put({ ...is, box: { x: n(500), y: n(500), w: 140, h: 64 } }));
    }
  }
  return edit(doc, "Change", puts, n(3) === 0 ? "move" : undefined, n(2000));
}

const start = () => open(drawing([component("a"), component("b"), component("c")]));

/** server plays the server's part: it takes what is sent. */
function reply(batch: Change[], version: number): Reply {
  return { version, versions: Object.fromEntries(batch.filter((c) => c.op === "put").map((c) => [c.id, version])), removed: [], also: [], facts: {} };
}

describe("undo", () => {
  it("gives the same document after any edits, and redo gives them back", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const n = numbers(seed);
      let doc = start();
      const first = content(doc);
      for (let k = 0; k < 25; k++) doc = anyEdit(doc, n);
      const last = content(doc);
      while (doc.undo.length > 0) doc = undo(doc);
      expect(content(doc), `seed ${seed}`).toEqual(first);
      expect(unsent(doc), `seed ${seed}`).toEqual([]);
      while (doc.redo.length > 0) doc = redo(doc);
      expect(content(doc), `seed ${seed}`).toEqual(last);
    }
  });

  it("keeps what somebody else changed since", () => {
    let doc = edit(start(), "Rename", [put(component("a", { name: "Mine" }))]);
    doc = sent(doc, unsent(doc), reply(unsent(doc), 2));
    doc = receive(doc, [{ kind: "components", id: "a", version: 3, value: component("a", { name: "Mine", description: "Theirs" }) }]).doc;
    doc = undo(doc);
    expect(value(doc, "a")).toMatchObject({ name: "a", description: "Theirs" });
  });

  it("joins edits with the same mark that follow each other soon", () => {
    let doc = start();
    for (let k = 1; k <= 5; k++) doc = edit(doc, "Move", [put(component("a", { box: { x: k, y: 0, w: 140, h: 64 } }))], "move a", k * 100);
    expect(doc.undo).toHaveLength(1);
    doc = edit(doc, "Move", [put(component("a", { box: { x: 9, y: 0, w: 140, h: 64 } }))], "move a", 5000);
    expect(doc.undo).toHaveLength(2);
  });
});

describe("receive", () => {
  it("keeps edits of different fields and elements by both sides", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const n = numbers(seed);
      let doc = start();
      const mine: Record<string, string> = {};
      for (const id of ["a", "b", "c"]) {
        if (n(2)) {
          mine[id] = `Mine ${n(99)}`;
          doc = edit(doc, "Rename", [put({ ...value(doc, id)!, name: mine[id]! })]);
        }
      }
      const theirs: Theirs[] = [];
      const said: Record<string, string> = {};
      for (const id of ["a", "b", "c"]) {
        if (n(2)) {
          said[id] = `Theirs ${n(99)}`;
          theirs.push({ kind: "components", id, version: 2, value: component(id, { description: said[id] }) });
        }
      }
      const got = receive(doc, theirs).doc;
      expect(got.conflicts, `seed ${seed}`).toEqual([]);
      for (const id of ["a", "b", "c"]) {
        expect(value(got, id)?.name, `seed ${seed}`).toBe(mine[id] ?? id);
        expect(value(got, id)?.description, `seed ${seed}`).toBe(said[id]);
      }
      expect(new Set(unsent(got).map((c) => c.id)), `seed ${seed}`).toEqual(new Set(Object.keys(mine)));
      for (const c of unsent(got)) expect(c.version, `seed ${seed}`).toBe(said[c.id] ? 2 : 1);
    }
  });

  it("holds a field that both changed until a person chooses", () => {
    let doc = edit(start(), "Rename", [put(component("a", { name: "Mine" }))]);
    doc = receive(doc, [{ kind: "components", id: "a", version: 2, value: component("a", { name: "Theirs" }), by: "Ada" }]).doc;
    expect(doc.conflicts).toMatchObject([{ key: "a", field: "name", mine: "Mine", theirs: "Theirs", by: "Ada" }]);
    expect(unsent(doc)).toEqual([]);
    expect(value(doc, "a")?.name).toBe("Mine");
    const mine = choose(doc, doc.conflicts[0]!, true);
    expect(unsent(mine)).toMatchObject([{ id: "a", version: 2, element: { name: "Mine" } }]);
    const theirs = choose(doc, doc.conflicts[0]!, false);
    expect(unsent(theirs)).toEqual([]);
    expect(value(theirs, "a")?.name).toBe("Theirs");
    expect(value(undo(theirs), "a")?.name).toBe("Mine");
  });

  it("is no conflict when both made the same change", () => {
    let doc = edit(start(), "Rename", [put(component("a", { name: "Same" }))]);
    doc = receive(doc, [{ kind: "components", id: "a", version: 2, value: component("a", { name: "Same" }) }]).doc;
    expect(doc.conflicts).toEqual([]);
    expect(unsent(doc)).toEqual([]);
  });

  it("asks when one deleted what the other changed, either way round", () => {
    const changed = edit(start(), "Rename", [put(component("a", { name: "Mine" }))]);
    const gone = receive(changed, [{ kind: "components", id: "a", version: 0 }]).doc;
    expect(gone.conflicts).toMatchObject([{ field: "", theirs: undefined }]);
    const back = choose(gone, gone.conflicts[0]!, true);
    expect(unsent(back)).toMatchObject([{ id: "a", op: "put", version: undefined }]);
    expect(choose(gone, gone.conflicts[0]!, false).now.has("a")).toBe(false);

    const deleted = edit(start(), "Delete", [{ kind: "components", id: "a", value: undefined }]);
    const theirs = receive(deleted, [{ kind: "components", id: "a", version: 2, value: component("a", { name: "Theirs" }) }]).doc;
    expect(theirs.conflicts).toMatchObject([{ field: "", mine: undefined }]);
    expect(unsent(choose(theirs, theirs.conflicts[0]!, true))).toMatchObject([{ id: "a", op: "delete", version: 2 }]);
    expect(value(choose(theirs, theirs.conflicts[0]!, false), "a")?.name).toBe("Theirs");
  });

  it("keeps a new flow to what somebody deleted, with a loose end", () => {
    const flow: Flow = { id: "f", name: "Flow", from: "a", to: "b" };
    const doc = edit(start(), "Connect", [{ kind: "flows", id: "f", value: flow }]);
    const got = receive(doc, [{ kind: "components", id: "b", version: 0 }]).doc;
    expect(got.now.get("f")?.value).toEqual({ id: "f", name: "Flow", from: "a", to_point: { x: 70, y: 32 } });
  });
});

describe("sent", () => {
  it("leaves what was edited while the batch was under way", () => {
    let doc = edit(start(), "Rename", [put(component("a", { name: "One" }))]);
    const batch = unsent(doc);
    doc = edit(doc, "Rename", [put(component("a", { name: "Two" }))]);
    doc = sent(doc, batch, reply(batch, 2));
    expect(unsent(doc)).toMatchObject([{ id: "a", version: 2, element: { name: "Two" } }]);
  });

  it("takes in what the server worked out itself", () => {
    let doc = edit(start(), "Move", [put(component("a", { box: { x: 50, y: 50, w: 140, h: 64 } }))]);
    const batch = unsent(doc);
    doc = edit(doc, "Rename", [put({ ...value(doc, "a")!, name: "Two" })]);
    doc = sent(doc, batch, {
      ...reply(batch, 2),
      also: [{ kind: "components", id: "a", version: 2, element: component("a", { zone: "z", box: { x: 50, y: 50, w: 140, h: 64 } }) }],
    });
    expect(value(doc, "a")).toMatchObject({ name: "Two", zone: "z" });
    expect(unsent(doc)).toMatchObject([{ id: "a", version: 2, element: { name: "Two", zone: "z" } }]);
  });
});

describe("restore", () => {
  it("brings offline edits back over what others did meanwhile", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const n = numbers(seed);
      let doc = start();
      for (let k = 0; k < 12; k++) doc = anyEdit(doc, n);
      const work = kept(doc);
      // Nothing changed on the server: exactly the same is seen, and exactly the same is to be sent.
      const again = restore(start(), JSON.parse(JSON.stringify(work)));
      expect(content(again), `seed ${seed}`).toEqual(content(doc));
      expect(unsent(again).length, `seed ${seed}`).toBe(unsent(doc).length);
    }
  });

  it("shows a conflict with what was changed meanwhile, and loses nothing", () => {
    const doc = edit(start(), "Rename", [put(component("a", { name: "Mine" })), put(component("n"))]);
    const later = open({ ...drawing([component("a", { name: "Theirs" }), component("b")], [], 4) });
    const again = restore(later, kept(doc));
    expect(again.conflicts).toMatchObject([{ field: "name", mine: "Mine", theirs: "Theirs" }]);
    expect(unsent(again)).toMatchObject([{ id: "n", op: "put" }]);
    expect(again.now.has("c")).toBe(false);
  });
});

describe("difference", () => {
  it("lists what is newer and what is gone", () => {
    const doc = start();
    const next = drawing([component("a"), component("b", { name: "B2" })], [], 1);
    next.versions.b = 2;
    expect(difference(doc, next, "Ada").map((t) => [t.id, t.version, !!t.value])).toEqual([
      ["b", 2, true],
      ["c", 0, false],
    ]);
  });
});

describe("newId", () => {
  it("is what the server takes, and never the same", () => {
    const all = new Set(Array.from({ length: 2000 }, () => newId("components")));
    expect(all.size).toBe(2000);
    for (const id of all) expect(id).toMatch(/^cmp_[0-9a-z]{20}$/);
  });
});
