import { before, behind, last, numbered } from "./order";
import { boxOf, type Change, type Diagram, type Drawing, type Item, type Kind, keyOf, type Reply, type Theirs, type Value } from "./types";

/*
 * The document of an open drawing: pure, without a server or a page. Everything is
 * immutable; an edit makes a new document that shares what it did not touch.
 *
 * now is what is seen, base what the server has. What differs is unsent. When others
 * change something, their state becomes the new base and what is unsent is carried
 * over field by field; a field that both changed to different values is a conflict,
 * which keeps both values until a person chooses.
 */

/** Stored is an element as the server has it. */
export interface Stored {
  item: Item;
  version: number;
}

/** Step is one element of an edit: its state before and after; undefined is "not there". */
export interface Step {
  key: string;
  before: Item | undefined;
  after: Item | undefined;
}

/** Edit is what one undo takes back. */
export interface Edit {
  label: string;
  steps: Step[];
  /** Edits with the same mark that follow each other soon are one. */
  mark?: string;
  at: number;
}

/** Conflict is a field that two people changed to different values; field "" is the whole element, which one of them deleted. */
export interface Conflict {
  key: string;
  kind: Kind;
  id: string;
  field: string;
  mine: unknown;
  theirs: unknown;
  by?: string;
  at?: string;
}

export interface Doc {
  now: ReadonlyMap<string, Item>;
  base: ReadonlyMap<string, Stored>;
  undo: readonly Edit[];
  redo: readonly Edit[];
  conflicts: readonly Conflict[];
}

/** Put is one element of an edit to be made; no value deletes it. */
export interface Put {
  kind: Kind;
  id: string;
  value: Value | undefined;
}

const item = (kind: Kind, id: string, value: Value): Item => ({ kind, id, value }) as Item;

/** storedOf lists everything of a drawing as the server has it; diagrams keep the numbers that they have in a base. */
export function storedOf(d: Drawing, base?: ReadonlyMap<string, Stored>): Map<string, Stored> {
  const out = new Map<string, Stored>();
  const add = (kind: Kind, values: readonly Value[] | null | undefined) => {
    for (const v of values ?? []) {
      const key = keyOf(kind, v.id);
      out.set(key, { item: item(kind, v.id, v), version: d.versions[key] ?? 0 });
    }
  };
  const place = (id: string) => {
    const s = base?.get(keyOf("diagrams", id));
    return s?.item.kind === "diagrams" ? { place: s.item.value.place, kept: d.versions[keyOf("diagrams", id)] === s.version } : undefined;
  };
  add("diagrams", numbered(d.diagrams, place));
  add("assets", d.assets);
  add("zones", d.zones);
  add("components", d.components);
  add("flows", d.flows);
  add("curves", d.curves);
  add("texts", d.texts);
  return out;
}

/** open makes the document of a drawing that was read. */
export function open(d: Drawing): Doc {
  const base = storedOf(d);
  const now = new Map<string, Item>();
  for (const [key, s] of base) now.set(key, s.item);
  return { now, base, undo: [], redo: [], conflicts: [] };
}

/** same compares two JSON values; a key that is absent is one that is undefined. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((v, i) => same(v, b[i]));
  }
  const x = a as Record<string, unknown>;
  const y = b as Record<string, unknown>;
  for (const k of Object.keys(x)) if (!same(x[k], y[k])) return false;
  for (const k of Object.keys(y)) if (y[k] !== undefined && x[k] === undefined) return false;
  return true;
}

const empty = (v: unknown): boolean => v === undefined || v === null || v === "" || v === false || (Array.isArray(v) && v.length === 0);
/** alike: the same for the server, which leaves out what is empty. */
const alike = (a: unknown, b: unknown): boolean => same(a, b) || (empty(a) && empty(b));

/** soon is how long edits with the same mark flow together, in milliseconds. */
const soon = 900;

/** edit changes elements as one step of undo. What does not change anything leaves no step. */
export function edit(doc: Doc, label: string, puts: readonly Put[], mark?: string, at = Date.now()): Doc {
  const now = new Map(doc.now);
  const steps: Step[] = [];
  for (const p of puts) {
    const key = keyOf(p.kind, p.id);
    const before = now.get(key);
    const after = p.value && item(p.kind, p.id, p.kind === "diagrams" ? standing(now, p.id, p.value as Diagram) : p.value);
    if (before && after && same(before.value, after.value)) continue;
    if (!before && !after) continue;
    if (after) now.set(key, after);
    else now.delete(key);
    steps.push({ key, before, after });
  }
  if (steps.length === 0) return doc;
  const last = doc.undo.at(-1);
  if (mark && last?.mark === mark && at - last.at < soon) {
    return { ...doc, now, undo: [...doc.undo.slice(0, -1), { ...last, steps: joined(last.steps, steps), at }], redo: [] };
  }
  return { ...doc, now, undo: [...doc.undo, { label, steps, mark, at }], redo: [] };
}

/** standing is a diagram with its place: what does not say one keeps it, and a new one comes last. */
function standing(now: ReadonlyMap<string, Item>, id: string, value: Diagram): Diagram {
  if (value.place !== undefined) return value;
  return { ...value, place: placeIn(now.get(keyOf("diagrams", id))) ?? last(now) };
}

/** joined makes one list of steps of two that follow each other. */
function joined(first: readonly Step[], then: readonly Step[]): Step[] {
  const all = new Map(first.map((s) => [s.key, s]));
  for (const s of then) {
    const f = all.get(s.key);
    all.set(s.key, f ? { ...s, before: f.before } : s);
  }
  return [...all.values()];
}

/**
 * undo takes the last edit back, redo does it again. Fields that somebody else has
 * changed since stay as they are.
 */
export function undo(doc: Doc): Doc {
  const e = doc.undo.at(-1);
  if (!e) return doc;
  return { ...doc, now: turned(doc.now, e.steps, "before"), undo: doc.undo.slice(0, -1), redo: [...doc.redo, e] };
}

export function redo(doc: Doc): Doc {
  const e = doc.redo.at(-1);
  if (!e) return doc;
  return { ...doc, now: turned(doc.now, e.steps, "after"), redo: doc.redo.slice(0, -1), undo: [...doc.undo, { ...e, mark: undefined }] };
}

function turned(map: ReadonlyMap<string, Item>, steps: readonly Step[], to: "before" | "after"): ReadonlyMap<string, Item> {
  const now = new Map(map);
  for (const s of steps) {
    const want = s[to];
    const was = to === "before" ? s.after : s.before;
    const is = now.get(s.key);
    if (!want) now.delete(s.key);
    else if (!is || !was) now.set(s.key, want);
    else now.set(s.key, { ...want, value: merged(was.value, is.value, want.value).value } as Item);
  }
  return now;
}

/** merged carries mine over to theirs, both made from base; where both differ, mine stays and the field is named. */
function merged(base: Value | undefined, mine: Value, theirs: Value): { value: Value; clash: string[] } {
  const b = (base ?? {}) as unknown as Record<string, unknown>;
  const m = mine as unknown as Record<string, unknown>;
  const t = theirs as unknown as Record<string, unknown>;
  const out: Record<string, unknown> = { ...t };
  const clash: string[] = [];
  for (const f of new Set([...Object.keys(b), ...Object.keys(m), ...Object.keys(t)])) {
    if (f === "id" || alike(m[f], b[f]) || alike(m[f], t[f])) continue;
    if (!alike(t[f], b[f])) clash.push(f);
    if (m[f] === undefined) delete out[f];
    else out[f] = m[f];
  }
  return { value: out as unknown as Value, clash };
}

/** unsent is what the server does not have yet; what waits for a person's choice stays here. */
export function unsent(doc: Doc): Change[] {
  const held = new Set(doc.conflicts.map((c) => c.key));
  const out: Change[] = [];
  for (const [key, i] of doc.now) {
    if (held.has(key)) continue;
    const b = doc.base.get(key);
    if (b && (b.item.value === i.value || same(b.item.value, i.value))) continue;
    const c: Change = { kind: i.kind, id: i.id, op: "put", version: b?.version || undefined, element: i.value };
    // What is neither there nor sent along is nothing to stand behind.
    if (elsewhere(i, b?.item)) c.after = before(doc.now, i.id, (d) => !held.has(keyOf("diagrams", d.id)) || doc.base.has(keyOf("diagrams", d.id)));
    out.push(c);
  }
  for (const [key, b] of doc.base) {
    if (!doc.now.has(key) && !held.has(key)) out.push({ kind: b.item.kind, id: b.item.id, op: "delete", version: b.version || undefined });
  }
  return out;
}

/** elsewhere tells whether a diagram stands at another place than before; a new one has its place too. */
function elsewhere(i: Item, was: Item | undefined): boolean {
  return i.kind === "diagrams" && i.value.place !== placeIn(was);
}

const placeIn = (i: Item | undefined): number | undefined => (i?.kind === "diagrams" ? i.value.place : undefined);

/** dirty tells whether there is anything that the server does not have. */
export function dirty(doc: Doc): boolean {
  return doc.conflicts.length > 0 || unsent(doc).length > 0;
}

/**
 * sent takes in the answer to a batch: what was sent is what the server has now,
 * unless the answer says that it stored something else, which is carried over to
 * what was edited meanwhile.
 */
export function sent(doc: Doc, batch: readonly Change[], reply: Reply): Doc {
  const base = new Map(doc.base);
  const now = new Map(doc.now);
  for (const c of batch) {
    const key = keyOf(c.kind, c.id);
    if (c.op === "delete") base.delete(key);
    else if (c.element) base.set(key, { item: item(c.kind, c.id, c.element), version: reply.versions[key] ?? reply.version });
  }
  for (const a of reply.also ?? []) {
    const key = keyOf(a.kind, a.id);
    const old = base.get(key);
    const mine = now.get(key);
    const value = a.kind === "diagrams" ? { ...a.element, place: placeIn(old?.item ?? mine) } : a.element;
    const stored: Stored = { item: item(a.kind, a.id, value), version: a.version };
    base.set(key, stored);
    if (mine) now.set(key, { ...stored.item, value: merged(old?.item.value, mine.value, value).value } as Item);
  }
  for (const r of reply.removed ?? []) {
    const key = keyOf(r.kind, r.id);
    const old = base.get(key);
    const mine = now.get(key);
    base.delete(key);
    if (mine && old && same(mine.value, old.item.value)) now.delete(key);
  }
  return settle({ ...doc, base, now });
}

/** Received is what taking in other people's work did. */
export interface Received {
  doc: Doc;
  /** Keys of what looks different now. */
  changed: string[];
}

/** receive takes in what others did: theirs is the new base of each element named, and what is unsent is carried over. */
export function receive(doc: Doc, all: readonly Theirs[]): Received {
  const base = new Map(doc.base);
  const now = new Map(doc.now);
  let conflicts = [...doc.conflicts];
  const changed: string[] = [];
  const gone = new Map<string, Item>();
  for (const told of all) {
    const key = keyOf(told.kind, told.id);
    // Who tells of a diagram alone does not say where it stands.
    const t = told.kind === "diagrams" && told.value ? { ...told, value: standing(placesOf(base), told.id, told.value as Diagram) } : told;
    const old = base.get(key);
    const mine = now.get(key);
    const clean = old ? !!mine && same(mine.value, old.item.value) : !mine;
    conflicts = conflicts.filter((c) => c.key !== key || c.field !== "");
    const waiting = conflicts.filter((c) => c.key === key);
    const note = (field: string, m: unknown, th: unknown) => {
      conflicts = conflicts.filter((c) => c.key !== key || c.field !== field);
      conflicts.push({ key, kind: t.kind, id: t.id, field, mine: m, theirs: th, by: t.by, at: t.at });
    };
    if (!t.value) {
      base.delete(key);
      if (!mine) continue;
      if (clean) {
        now.delete(key);
        gone.set(key, mine);
        changed.push(key);
      } else if (old) note("", mine.value, undefined);
      continue;
    }
    const theirs = item(t.kind, t.id, t.value);
    base.set(key, { item: theirs, version: t.version });
    if (clean) {
      if (!mine || !same(mine.value, t.value)) changed.push(key);
      now.set(key, theirs);
      continue;
    }
    if (!mine) {
      // Deleted here: what they changed since is worth a question, unless they changed nothing.
      if (old && !same(old.item.value, t.value)) note("", undefined, t.value);
      continue;
    }
    const m = merged(old?.item.value, mine.value, t.value);
    if (!same(m.value, mine.value)) changed.push(key);
    now.set(key, { ...theirs, value: m.value } as Item);
    const fields = t.value as unknown as Record<string, unknown>;
    const own = m.value as unknown as Record<string, unknown>;
    for (const c of waiting) if (!m.clash.includes(c.field)) note(c.field, own[c.field], fields[c.field]);
    for (const f of m.clash) note(f, own[f], fields[f]);
  }
  return { doc: settle(loosened({ ...doc, base, now, conflicts }, gone)), changed };
}

const placesOf = (base: ReadonlyMap<string, Stored>): ReadonlyMap<string, Item> => new Map([...base].map(([key, s]) => [key, s.item]));

/** settle drops conflicts about which both sides agree by now. */
function settle(doc: Doc): Doc {
  const open = doc.conflicts.filter((c) => {
    const mine = doc.now.get(c.key);
    const theirs = doc.base.get(c.key);
    if (c.field === "") return !!mine !== !!theirs;
    if (!mine || !theirs) return true;
    const m = (mine.value as unknown as Record<string, unknown>)[c.field];
    const t = (theirs.item.value as unknown as Record<string, unknown>)[c.field];
    return !alike(m, t);
  });
  return open.length === doc.conflicts.length ? doc : { ...doc, conflicts: open };
}

/** loosened keeps unsent flows that lost an end to somebody's deletion: the end stays loose where it was. */
function loosened(doc: Doc, gone: ReadonlyMap<string, Item>): Doc {
  if (gone.size === 0) return doc;
  let now: Map<string, Item> | undefined;
  for (const [key, i] of doc.now) {
    if (i.kind !== "flows") continue;
    const from = i.value.from ? gone.get(i.value.from) : undefined;
    const to = i.value.to ? gone.get(i.value.to) : undefined;
    const base = doc.base.get(key);
    if ((!from && !to) || (base && same(base.item.value, i.value))) continue;
    now ??= new Map(doc.now);
    const v = { ...i.value };
    if (from) {
      delete v.from;
      v.from_point = middle(from);
    }
    if (to) {
      delete v.to;
      v.to_point = middle(to);
    }
    now.set(key, { ...i, value: v });
  }
  return now ? { ...doc, now } : doc;
}

function middle(i: Item): { x: number; y: number } {
  const b = boxOf(i);
  return b ? { x: b.x + b.w / 2, y: b.y + b.h / 2 } : { x: 0, y: 0 };
}

/** choose settles a conflict: mine is sent on top of theirs, theirs takes the place of mine. It can be undone. */
export function choose(doc: Doc, c: Conflict, mine: boolean): Doc {
  const rest = doc.conflicts.filter((o) => !(o.key === c.key && o.field === c.field));
  if (mine) return { ...doc, conflicts: rest };
  const theirs = doc.base.get(c.key);
  let value: Value | undefined;
  if (c.field === "") value = theirs?.item.value;
  else {
    const own = doc.now.get(c.key)?.value;
    const v = { ...own } as unknown as Record<string, unknown>;
    const t = (theirs?.item.value ?? {}) as unknown as Record<string, unknown>;
    if (t[c.field] === undefined) delete v[c.field];
    else v[c.field] = t[c.field];
    value = v as unknown as Value;
  }
  return edit({ ...doc, conflicts: rest }, "Take the other value", [{ kind: c.kind, id: c.id, value }]);
}

/** difference lists what a newly read drawing has that the base has not, or has otherwise. */
export function difference(doc: Doc, d: Drawing, by?: string): Theirs[] {
  const next = storedOf(d, doc.base);
  const out: Theirs[] = [];
  for (const [key, s] of next) {
    const old = doc.base.get(key);
    if (old && old.version >= s.version && old.version > 0 && !elsewhere(s.item, old.item)) continue;
    out.push({ kind: s.item.kind, id: s.item.id, version: s.version, value: s.item.value, by });
  }
  for (const [key, s] of doc.base) if (!next.has(key)) out.push({ kind: s.item.kind, id: s.item.id, version: 0, by });
  return out;
}

/** Kept is unsent work as it lies in the browser's storage: what it was made from, and what it is. */
export interface Kept {
  kind: Kind;
  id: string;
  version: number;
  base?: Value;
  mine?: Value;
  /** Of a diagram that was moved: the one that it stands behind. Numbers are of one visit. */
  after?: string;
}

/** kept lists the unsent work of a document, conflicts included. */
export function kept(doc: Doc): Kept[] {
  const out: Kept[] = [];
  for (const key of new Set([...doc.now.keys(), ...doc.base.keys()])) {
    const b = doc.base.get(key);
    const n = doc.now.get(key);
    if (b && n && same(b.item.value, n.value)) continue;
    const i = (n ?? b?.item)!;
    const k: Kept = { kind: i.kind, id: i.id, version: b?.version ?? 0, base: b?.item.value, mine: n?.value };
    if (n && elsewhere(n, b?.item)) k.after = before(doc.now, i.id);
    out.push(k);
  }
  return out;
}

/** restore brings unsent work back into a document that was just opened; what others did meanwhile is merged as always. */
export function restore(doc: Doc, work: readonly Kept[]): Doc {
  if (work.length === 0) return doc;
  const now = new Map(doc.now);
  const base = new Map(doc.base);
  const theirs: Theirs[] = [];
  for (const w of work) {
    const key = keyOf(w.kind, w.id);
    const s = doc.base.get(key);
    if (w.kind === "diagrams") renumber(w, s, now);
    // As it was when the work was done; what the server has now comes as other people's work.
    if (w.mine) now.set(key, item(w.kind, w.id, w.mine));
    else now.delete(key);
    if (w.base) base.set(key, { item: item(w.kind, w.id, w.base), version: w.version });
    else base.delete(key);
    if (w.base || s) theirs.push({ kind: w.kind, id: w.id, version: s?.version ?? 0, value: s?.item.value });
  }
  return receive({ ...doc, now, base }, theirs).doc;
}

/** renumber gives kept work on a diagram a number of this visit. */
function renumber(w: Kept, s: Stored | undefined, now: ReadonlyMap<string, Item>): void {
  const place = placeIn(s?.item);
  if (w.base) w.base = { ...w.base, place } as Diagram;
  if (w.mine) w.mine = { ...w.mine, place: w.after === undefined ? place : behind(now, w.after, w.id) } as Diagram;
}
