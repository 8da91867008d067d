import { createContext, useContext, useRef } from "react";
import { type StoreApi, useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import type { Doc, Put } from "./document";
import * as document from "./document";
import type { Guide } from "./geometry";
import { keep, recall } from "./keep";
import { inOrder } from "./order";
import { type Save, Sync } from "./sync";
import type { Transport } from "./transport";
import {
  type Box,
  boxOf,
  type Drawing,
  type DrawnKind,
  drawnKinds,
  type Facts,
  type Item,
  type Kind,
  nameOf,
  type Point,
  type Value,
  type Values,
} from "./types";
import type { View } from "./view";

export type Tool = "select" | "flow" | "hand";

/** Wire is a flow while it is being drawn, to a point or onto an element. */
export interface Wire {
  from: string | Point;
  to: Point;
  onto?: string;
}

/** State is what is known of an open drawing. What changes while something is dragged is live, apart from the document. */
export interface State {
  product: string;
  diagram: string | null;
  readOnly: boolean;
  doc: Doc;
  facts: Readonly<Record<string, Facts>>;
  /** Elements as they look while they are being dragged. */
  live: ReadonlyMap<string, Item> | null;
  guides: readonly Guide[];
  /** The rubber band, and the flow that is being drawn. */
  band: Box | null;
  wire: Wire | null;
  hover: string | null;
  selection: ReadonlySet<string>;
  tool: Tool;
  /** The element whose name is being typed on the canvas. */
  editing: string | null;
  save: Save;
  /** Unsent work is written down on this machine; false when the browser has no room for it. */
  keeps: boolean;
  /** What somebody else just changed, by whom. */
  flash: ReadonlyMap<string, string>;
  /** The last thing to be said about other people's work. */
  heard: string;
  /** The way of an exposure that is shown, and the threat it is shown for. */
  path: readonly string[];
  threat: string | null;
}

/** Editor is an open drawing: its state and what can be done to it. */
export interface Editor {
  store: StoreApi<State>;
  sync: Sync | undefined;
  /** The window onto the drawing; there while a canvas shows it. */
  view: View | undefined;
  edit: (label: string, puts: readonly Put[], mark?: string) => void;
  /** Takes a document over that was made of the present one. */
  take: (doc: Doc, label: string) => void;
  undo: () => void;
  redo: () => void;
  select: (ids: Iterable<string>) => void;
}

/** makeEditor opens a drawing. Without a transport it lives in memory alone. */
export function makeEditor(product: string, drawing: Drawing, transport?: Transport, account = ""): Editor {
  const whose = { account, product, diagram: drawing.diagram };
  const opened = document.open(drawing);
  const doc = transport ? document.restore(opened, recall(whose)) : opened;
  const store = createStore<State>(() => ({
    product,
    diagram: drawing.diagram,
    readOnly: false,
    doc,
    facts: drawing.facts,
    live: null,
    guides: [],
    band: null,
    wire: null,
    hover: null,
    selection: new Set(),
    tool: "select",
    editing: null,
    save: { state: doc.conflicts.length > 0 ? "conflict" : document.dirty(doc) ? "unsaved" : "saved" },
    keeps: true,
    flash: new Map(),
    heard: "",
    path: [],
    threat: null,
  }));
  const setDoc = (next: Doc) => {
    const { selection, editing } = store.getState();
    const gone = [...selection].some((id) => !next.now.has(id));
    store.setState({
      doc: next,
      selection: gone ? new Set([...selection].filter((id) => next.now.has(id))) : selection,
      editing: editing && next.now.has(editing) ? editing : null,
    });
  };
  let calm: ReturnType<typeof setTimeout> | undefined;
  const sync =
    transport &&
    new Sync(
      {
        doc: () => store.getState().doc,
        setDoc,
        facts: (change, removed, all) => {
          if (all) return store.setState({ facts: kept(store.getState().facts, change) });
          if (Object.keys(change).length === 0 && removed.length === 0) return;
          const facts = { ...store.getState().facts, ...change };
          for (const id of removed) delete facts[id];
          store.setState({ facts });
        },
        save: (save) => {
          const old = store.getState().save;
          if (old.state !== save.state || old.text !== save.text) store.setState({ save });
        },
        seen: (who, keys) => {
          const name = who ?? "Somebody else";
          const one = store.getState().doc.now.get(keys[0]!);
          const what = keys.length === 1 && one ? `changed ${nameOf(one)}` : `changed ${keys.length} elements`;
          store.setState({ flash: new Map(keys.map((k) => [k, name])), heard: `${name} ${what}` });
          clearTimeout(calm);
          calm = setTimeout(() => store.setState({ flash: new Map(), heard: "" }), 4000);
        },
        keep: (work) => {
          const keeps = keep(whose, work) || work.length === 0;
          if (keeps !== store.getState().keeps) store.setState({ keeps });
        },
      },
      transport,
    );
  const change = (next: Doc, label: string) => {
    if (next === store.getState().doc) return;
    setDoc(next);
    sync?.edited(label);
  };
  return {
    store,
    sync,
    view: undefined,
    edit: (label, puts, mark) => {
      if (!store.getState().readOnly) change(document.edit(store.getState().doc, label, puts, mark), label);
    },
    take: change,
    undo: () => {
      const { doc, readOnly } = store.getState();
      if (readOnly) return;
      change(document.undo(doc), `Undo: ${doc.undo.at(-1)?.label ?? ""}`);
    },
    redo: () => {
      const { doc, readOnly } = store.getState();
      if (readOnly) return;
      change(document.redo(doc), `Redo: ${doc.redo.at(-1)?.label ?? ""}`);
    },
    select: (ids) => store.setState({ selection: new Set(ids) }),
  };
}

/** kept keeps the identity of facts that say the same, so that nothing is drawn again for nothing. */
function kept(old: Readonly<Record<string, Facts>>, next: Record<string, Facts>): Record<string, Facts> {
  const out: Record<string, Facts> = {};
  for (const [id, f] of Object.entries(next)) out[id] = old[id] && document.same(old[id], f) ? old[id] : f;
  return out;
}

const Open = createContext<Editor | undefined>(undefined);
export const EditorProvider = Open.Provider;

/** useEditor is the drawing that is open here. */
export function useEditor(): Editor {
  const e = useContext(Open);
  if (!e) throw new Error("no drawing is open here");
  return e;
}

/** useDrawing follows a part of the state of the drawing. */
export function useDrawing<T>(select: (s: State) => T): T {
  return useStore(useEditor().store, select);
}

/** useParts follows several parts of the state of the drawing; what it gives is another only when one of them is. */
export function useParts<T extends readonly unknown[]>(select: (s: State) => readonly [...T]): readonly [...T] {
  const last = useRef<readonly [...T]>(undefined);
  return useDrawing((s) => {
    const next = select(s);
    const old = last.current;
    if (old?.every((v, i) => Object.is(v, next[i]))) return old;
    last.current = next;
    return next;
  });
}

/** itemOf is an element as it is seen: as it is dragged, else as it is. */
export const itemOf = (s: State, id: string | undefined): Item | undefined => (id ? (s.live?.get(id) ?? s.doc.now.get(id)) : undefined);

export const boxAt = (s: State, id: string | undefined): Box | undefined => boxOf(itemOf(s, id));

/** listOf lists what is of one kind, in drawing order; diagrams as they stand. */
export function listOf<K extends Kind>(doc: Pick<Doc, "now">, kind: K): Values[K][] {
  if (kind === "diagrams") return inOrder(doc.now) as Values[K][];
  const out: Value[] = [];
  for (const i of doc.now.values()) if (i.kind === kind) out.push(i.value);
  return out as Values[K][];
}

export const isDrawn = (kind: Kind): kind is DrawnKind => (drawnKinds as readonly string[]).includes(kind);

/** drawnOf lists everything that is seen in the diagram. */
export function drawnOf(doc: Doc): Item<DrawnKind>[] {
  const out: Item<DrawnKind>[] = [];
  for (const i of doc.now.values()) if (isDrawn(i.kind)) out.push(i as Item<DrawnKind>);
  return out;
}

/** put says what an element becomes: some of its fields changed; undefined takes a field away. */
export function put(item: Item, change: Record<string, unknown>): Put {
  const value = { ...item.value, ...change } as unknown as Record<string, unknown>;
  for (const k of Object.keys(change)) if (change[k] === undefined) delete value[k];
  return { kind: item.kind, id: item.id, value: value as unknown as Value };
}
