import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../api/client";
import { type Doc, edit, type Kept, open, unsent } from "./document";
import { type Save, Sync, standing } from "./sync";
import type { Transport } from "./transport";
import type { Change, Component, Drawing, Facts } from "./types";

const component = (id: string, more: Partial<Component> = {}): Component => ({ id, kind: "process", name: id, ...more });

/** Fake is a server in memory with one drawing: it checks versions as the real one does. */
class Fake implements Transport {
  version = 1;
  elements = new Map<string, { value: Component; version: number }>([["a", { value: component("a"), version: 1 }]]);
  down = false;
  keys: string[] = [];
  answered = new Map<string, Awaited<ReturnType<Transport["send"]>>>();
  /** The next answer is lost on its way, though the batch was taken. */
  lose = false;

  drawing(): Drawing {
    const components = [...this.elements.values()].map((e) => e.value);
    const versions = Object.fromEntries([...this.elements].map(([id, e]) => [id, e.version]));
    return {
      version: this.version,
      diagrams: [],
      diagram: null,
      zones: [],
      components,
      flows: [],
      curves: [],
      texts: [],
      assets: [],
      versions,
      facts: {},
    };
  }
  async read(): Promise<Drawing> {
    if (this.down) throw new Problem(0, "offline", "The server does not answer.");
    return this.drawing();
  }
  async facts(): Promise<Record<string, Facts>> {
    return {};
  }
  async send(_: string | undefined, changes: readonly Change[], key: string) {
    if (this.down) throw new Problem(0, "offline", "The server does not answer.");
    this.keys.push(key);
    const before = this.answered.get(key);
    if (before) return before;
    const stale = changes.filter((c) => (this.elements.get(c.id)?.version ?? 0) !== (c.version ?? 0));
    if (stale.length > 0) {
      const conflicts = stale.map((c) => ({
        kind: c.kind,
        id: c.id,
        version: this.elements.get(c.id)?.version ?? 0,
        element: this.elements.get(c.id)?.value ?? null,
        by: "Ada",
        at: "",
      }));
      throw new Problem(412, "drawing.stale", "Somebody changed it.", [], { conflicts });
    }
    this.version++;
    for (const c of changes) {
      if (c.op === "delete") this.elements.delete(c.id);
      else this.elements.set(c.id, { value: c.element as Component, version: this.version });
    }
    const answer = {
      reply: { version: this.version, versions: Object.fromEntries(changes.map((c) => [c.id, this.version])), removed: [], also: [], facts: {} },
      request: `r${this.version}`,
    };
    this.answered.set(key, answer);
    if (this.lose) {
      this.lose = false;
      throw new Problem(0, "offline", "The connection broke.");
    }
    return answer;
  }
  /** Somebody else changes an element. */
  other(id: string, more: Partial<Component>): void {
    this.version++;
    this.elements.set(id, { value: { ...this.elements.get(id)!.value, ...more }, version: this.version });
  }
}

function bench() {
  const server = new Fake();
  let doc: Doc = open(server.drawing());
  const saves: Save[] = [];
  let work: Kept[] = [];
  const seen: string[] = [];
  const sync = new Sync(
    {
      doc: () => doc,
      setDoc: (d) => {
        doc = d;
      },
      facts: () => {},
      save: (s) => saves.push(s),
      seen: (who, keys) => seen.push(`${who}: ${keys.join()}`),
      keep: (w) => {
        work = w;
      },
    },
    server,
  );
  const change = (more: Partial<Component>, id = "a") => {
    doc = edit(doc, "Change", [
      { kind: "components", id, value: { ...(doc.now.get(id)?.value as Component | undefined), ...component(id), ...more } },
    ]);
    sync.edited("Change");
  };
  return { server, sync, change, doc: () => doc, state: () => saves.at(-1)?.state, work: () => work, seen };
}

describe("Sync", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    return () => vi.useRealTimers();
  });
  const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  it("saves once after a pause", async () => {
    const b = bench();
    b.change({ name: "One" });
    await later(200);
    b.change({ name: "Two" });
    expect(b.server.keys).toEqual([]);
    await later(500);
    expect(b.server.keys).toHaveLength(1);
    expect(b.server.elements.get("a")?.value.name).toBe("Two");
    expect(b.state()).toBe("saved");
    expect(b.work()).toEqual([]);
  });

  it("keeps work while the server is away, and sends it when it is back", async () => {
    const b = bench();
    b.server.down = true;
    b.change({ name: "Offline" });
    await later(600);
    expect(b.state()).toBe("offline");
    expect(b.work()).toMatchObject([{ id: "a", mine: { name: "Offline" } }]);
    await later(30_000);
    b.server.down = false;
    await later(16_000);
    expect(b.state()).toBe("saved");
    expect(b.server.elements.get("a")?.value.name).toBe("Offline");
  });

  it("sends nothing once its person left, and keeps what was not sent", async () => {
    const b = bench();
    b.server.down = true;
    b.change({ name: "Ada's" });
    await later(600);
    b.sync.stop();
    b.server.down = false;
    b.sync.flush();
    await later(60_000);
    expect(b.server.keys).toEqual([]);
    expect(b.work()).toMatchObject([{ id: "a", mine: { name: "Ada's" } }]);
  });

  it("sends a batch whose answer was lost again under the same key", async () => {
    const b = bench();
    b.server.lose = true;
    b.change({ name: "New" }, "n");
    await later(500);
    b.change({ name: "Newer" }, "n");
    await later(20_000);
    expect(b.server.keys[0]).toBe(b.server.keys[1]);
    expect(b.server.elements.get("n")?.value.name).toBe("Newer");
    expect(b.doc().conflicts).toEqual([]);
    expect(unsent(b.doc())).toEqual([]);
  });

  it("carries edits over what others changed", async () => {
    const b = bench();
    b.server.other("a", { description: "Theirs" });
    b.change({ name: "Mine" });
    await later(1000);
    expect(b.server.elements.get("a")?.value).toMatchObject({ name: "Mine", description: "Theirs" });
    expect(b.state()).toBe("saved");
  });

  it("holds a conflict and saves everything else", async () => {
    const b = bench();
    b.server.other("a", { name: "Theirs" });
    b.change({ name: "Mine" });
    b.change({ name: "New" }, "n");
    await later(1000);
    expect(b.state()).toBe("conflict");
    expect(b.doc().conflicts).toMatchObject([{ field: "name", mine: "Mine", theirs: "Theirs", by: "Ada" }]);
    expect(b.server.elements.get("n")?.value.name).toBe("New");
    expect(b.work()).toMatchObject([{ id: "a", mine: { name: "Mine" } }]);
  });

  it("takes in what others do, and knows its own echo", async () => {
    const b = bench();
    b.change({ name: "Mine" });
    await later(500);
    b.sync.heard({ product: "p", seq: 1, request_id: "r2" });
    await later(500);
    expect(b.seen).toEqual([]);
    b.server.other("a", { description: "Theirs" });
    b.sync.heard({ product: "p", seq: 2, request_id: "x", actor_name: "Ada", objects: ["component/a"] });
    await later(500);
    expect(b.seen).toEqual(["Ada: a"]);
  });
});

describe("standing", () => {
  it.each([
    ["unsaved", true, "unsaved"],
    ["saving", true, "saving"],
    ["unsaved", false, "fragile"],
    ["saving", false, "fragile"],
    ["offline", true, "offline"],
    ["offline", false, "lonely"],
    ["refused", false, "refused"],
    ["saved", false, "saved"],
  ] as const)("of work that is %s, kept here: %s, is %s", (state, keeps, want) => {
    expect(standing(state, keeps)).toBe(want);
  });
});
