import { shifted } from "./actions";
import type { Put } from "./document";
import { around, aroundPoints } from "./geometry";
import { newId } from "./ids";
import { type Editor, listOf } from "./store";
import { type Asset, type Box, boxOf, drawnKinds, type Item, type Kind, type Point } from "./types";

const marker = "threatloop.drawing";

/** Copied is what lies in the system's clipboard, as JSON: elements, and the assets that they name. */
interface Copied {
  [marker]: 1;
  items: Item[];
  assets: Asset[];
}

/** copyOf writes elements as text for the clipboard; flows between two of them come along. */
export function copyOf(editor: Editor, ids: Iterable<string>): string | undefined {
  const { doc } = editor.store.getState();
  const all = new Set(ids);
  for (const f of listOf(doc, "flows")) if (f.from && f.to && all.has(f.from) && all.has(f.to)) all.add(f.id);
  const items = [...doc.now.values()].filter((i) => all.has(i.id) && (drawnKinds as readonly Kind[]).includes(i.kind));
  if (items.length === 0) return undefined;
  const used = new Set(items.flatMap(assetsOf));
  const copied: Copied = { [marker]: 1, items, assets: listOf(doc, "assets").filter((a) => used.has(a.id)) };
  return JSON.stringify(copied);
}

function assetsOf(i: Item): string[] {
  if (i.kind === "components") return [...(i.value.stores ?? []), ...(i.value.processes ?? [])];
  if (i.kind === "flows") return i.value.carries ?? [];
  return [];
}

/** read takes text from the clipboard apart; undefined when it is something else. */
export function read(text: string): Copied | undefined {
  if (!text.includes(marker)) return undefined;
  try {
    const c = JSON.parse(text) as Copied;
    if (c[marker] !== 1 || !Array.isArray(c.items)) return undefined;
    const known = c.items.filter((i) => (drawnKinds as readonly string[]).includes(i?.kind) && i.value && typeof i.id === "string");
    return known.length > 0 ? { [marker]: 1, items: known, assets: Array.isArray(c.assets) ? c.assets : [] } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * pasted makes elements of what was copied: with ids of their own, flows between the
 * new ones, ends whose component did not come along left loose unless it is here, and
 * assets found again by name or brought along.
 */
export function pasted(editor: Editor, c: Copied, by: Point): Put[] {
  const { doc, diagram } = editor.store.getState();
  const ids = new Map(c.items.map((i) => [i.id, newId(i.kind)]));
  const assets = new Map<string, string>();
  const puts: Put[] = [];
  const here = listOf(doc, "assets");
  for (const a of c.assets) {
    const same = here.find((h) => h.id === a.id) ?? here.find((h) => h.name === a.name);
    const id = same?.id ?? newId("assets");
    assets.set(a.id, id);
    if (!same) puts.push({ kind: "assets", id, value: { ...a, id } });
  }
  const held = (list: string[] | null | undefined) => list?.map((a) => assets.get(a)).filter((a) => a !== undefined);
  const places = new Map(c.items.map((i) => [i.id, boxOf(i)]));
  for (const original of c.items) {
    const id = ids.get(original.id)!;
    const i = shifted(original, by.x, by.y);
    const value = { ...i.value, id } as Record<string, unknown>;
    if (diagram) value.diagram = diagram;
    else delete value.diagram;
    // Where it lies is for the drawing to say.
    delete value.zone;
    delete value.parent;
    delete value.crosses;
    if (i.kind === "components") {
      value.stores = held(i.value.stores);
      value.processes = held(i.value.processes);
    }
    if (i.kind === "flows") {
      value.carries = held(i.value.carries);
      for (const end of ["from", "to"] as const) {
        const old = i.value[end];
        if (!old) continue;
        const there = ids.get(old);
        if (there) value[end] = there;
        else if (!doc.now.has(old)) {
          delete value[end];
          const b = places.get(old);
          value[`${end}_point`] ??= b ? { x: b.x + b.w / 2 + by.x, y: b.y + b.h / 2 + by.y } : { x: by.x, y: by.y };
        }
      }
    }
    for (const k of Object.keys(value)) if (value[k] === undefined) delete value[k];
    puts.push({ kind: i.kind, id, value: value as unknown as Item["value"] });
  }
  return puts;
}

/** extentOf is the box around what was copied. */
export function extentOf(items: readonly Item[]): Box | undefined {
  return around(items.flatMap((i) => boxOf(i) ?? (i.kind === "curves" ? aroundPoints(i.value.points ?? []) : undefined) ?? []));
}

/** paste draws what was copied, at a place, and selects it. It tells how many elements there are. */
export function paste(editor: Editor, text: string, at?: Point, label = "Paste"): number {
  const c = read(text);
  if (!c) return 0;
  const b = extentOf(c.items);
  const by = at && b ? { x: Math.round((at.x - b.x - b.w / 2) / 10) * 10, y: Math.round((at.y - b.y - b.h / 2) / 10) * 10 } : { x: 30, y: 30 };
  const puts = pasted(editor, c, by);
  const drawn = puts.filter((p) => p.kind !== "assets");
  editor.edit(drawn.length === 1 ? label : `${label} ${drawn.length} elements`, puts);
  editor.select(drawn.map((p) => p.id));
  return drawn.length;
}

/** duplicate draws the selection again beside itself. */
export function duplicate(editor: Editor): void {
  const text = copyOf(editor, editor.store.getState().selection);
  if (text) paste(editor, text, undefined, "Duplicate");
}
