import type { Put } from "./document";
import { around, contains, encloses, grid, grown, middleOf, moved, snapTo, touches } from "./geometry";
import { newId } from "./ids";
import { drawnOf, type Editor, listOf, put } from "./store";
import { type Box, boxOf, type Component, type Item, nameOf, type Point } from "./types";

export type Shape = "process" | "store" | "actor" | "zone" | "curve" | "text";

/** sizes are how large a new element is. */
export const sizes: Record<Exclude<Shape, "curve">, { w: number; h: number }> = {
  process: { w: 160, h: 70 },
  store: { w: 160, h: 70 },
  actor: { w: 140, h: 70 },
  zone: { w: 420, h: 280 },
  text: { w: 200, h: 60 },
};

export const shapeNames: Record<Shape, string> = {
  process: "Process",
  store: "Store",
  actor: "Actor",
  zone: "Trust zone",
  curve: "Boundary",
  text: "Text",
};

/** free moves a box until it lies on no other. */
function free(box: Box, others: Box[]): Box {
  const b = { ...box };
  for (let tries = 0; tries < 40 && others.some((o) => touches(grown(o, 8), b)); tries++) {
    b.x += 30;
    b.y += 30;
  }
  return b;
}

/** add draws a new element with its middle at a point, selects it and lets its name be typed. A zone goes around what is selected. */
export function add(editor: Editor, shape: Shape, at: Point, more?: Partial<Component>, exact = false): string {
  const s = editor.store.getState();
  const diagram = s.diagram ?? undefined;
  let p: Put;
  if (shape === "curve") {
    const x = snapTo(at.x);
    const y = snapTo(at.y);
    const points = [
      { x, y: y - 150 },
      { x: x + 20, y },
      { x, y: y + 150 },
    ];
    p = { kind: "curves", id: newId("curves"), value: { id: "", diagram, name: "Boundary", points } };
  } else {
    const size = sizes[shape];
    let box: Box = { x: snapTo(at.x - size.w / 2), y: snapTo(at.y - size.h / 2), ...size };
    const inside = shape === "zone" ? around([...s.selection].map((id) => boxOf(s.doc.now.get(id))).filter((b) => !!b)) : undefined;
    if (inside) {
      const g = grown(inside, 40);
      box = { x: snapTo(g.x), y: snapTo(g.y - 10), w: snapTo(g.w), h: snapTo(g.h + 10) };
    } else if (!exact && shape !== "zone") {
      box = free(
        box,
        drawnOf(s.doc)
          .filter((i) => i.kind !== "zones")
          .map(boxOf)
          .filter((b) => !!b),
      );
    }
    if (shape === "zone") p = { kind: "zones", id: newId("zones"), value: { id: "", diagram, name: "Trust zone", trust: 50, guess: true, box } };
    else if (shape === "text") p = { kind: "texts", id: newId("texts"), value: { id: "", diagram, text: "Text", box } };
    else p = { kind: "components", id: newId("components"), value: { id: "", diagram, kind: shape, name: shapeNames[shape], box, ...more } };
  }
  p.value!.id = p.id;
  editor.edit(`Add ${shapeNames[shape].toLowerCase()}`, [p]);
  editor.store.setState({ selection: new Set([p.id]), editing: p.id, tool: "select" });
  return p.id;
}

/** connect draws a flow; an end that is a point stays loose. */
export function connect(editor: Editor, from: string | Point, to: string | Point): string {
  const s = editor.store.getState();
  const id = newId("flows");
  const name = "";
  editor.edit("Connect", [
    {
      kind: "flows",
      id,
      value: {
        id,
        diagram: s.diagram ?? undefined,
        name,
        ...(typeof from === "string" ? { from } : { from_point: from }),
        ...(typeof to === "string" ? { to } : { to_point: to }),
      },
    },
  ]);
  editor.store.setState({ selection: new Set([id]), editing: id });
  return id;
}

/** connectAll draws a flow from each of several components to one, as one step of undo. A single new flow lets its name be typed. */
export function connectAll(editor: Editor, from: readonly string[], to: string): string[] {
  const others = from.filter((id) => id !== to);
  if (from.length === 1 || others.length === 1) return [connect(editor, others[0] ?? to, to)];
  const { diagram } = editor.store.getState();
  const puts: Put[] = others.map((id) => ({
    kind: "flows",
    id: newId("flows"),
    value: { id: "", diagram: diagram ?? undefined, name: "", from: id, to },
  }));
  for (const p of puts) p.value!.id = p.id;
  editor.edit(`Connect ${puts.length} elements`, puts);
  editor.select(puts.map((p) => p.id));
  return puts.map((p) => p.id);
}

/** remove takes elements out of the drawing. Flows whose ends go, go with them. */
export function remove(editor: Editor, ids: Iterable<string>): number {
  const { doc } = editor.store.getState();
  const gone = new Set(ids);
  for (const f of listOf(doc, "flows")) if ((f.from && gone.has(f.from)) || (f.to && gone.has(f.to))) gone.add(f.id);
  const items = [...gone].map((id) => doc.now.get(id)).filter((i) => !!i);
  if (items.length === 0) return 0;
  editor.edit(
    items.length === 1 ? `Delete ${nameOf(items[0])}` : `Delete ${items.length} elements`,
    items.map((i) => ({ kind: i.kind, id: i.id, value: undefined })),
  );
  return items.length;
}

/** shifted is an element moved by an amount: box, points and vertices. */
export function shifted(i: Item, dx: number, dy: number): Item {
  switch (i.kind) {
    case "components":
    case "zones":
    case "texts":
      return i.value.box ? ({ ...i, value: { ...i.value, box: moved(i.value.box, dx, dy) } } as Item) : i;
    case "curves":
      return { ...i, value: { ...i.value, points: i.value.points?.map((p) => moved(p, dx, dy)) } };
    case "flows": {
      const v = { ...i.value };
      if (v.vertices) v.vertices = v.vertices.map((p) => moved(p, dx, dy));
      if (v.from_point) v.from_point = moved(v.from_point, dx, dy);
      if (v.to_point) v.to_point = moved(v.to_point, dx, dy);
      return { ...i, value: v };
    }
    default:
      return i;
  }
}

/**
 * along lists what moves when the given elements are moved: themselves, what lies in
 * a zone among them, and the bends of flows between two that move.
 */
export function movingWith(editor: Editor, ids: Iterable<string>): Item[] {
  const { doc } = editor.store.getState();
  const all = new Set(ids);
  const zones = [...all].map((id) => doc.now.get(id)).filter((i) => i?.kind === "zones");
  if (zones.length > 0) {
    for (const i of drawnOf(doc)) {
      if (all.has(i.id)) continue;
      const b = boxOf(i);
      for (const z of zones) {
        const zb = boxOf(z)!;
        if (!zb) continue;
        if (
          i.kind === "zones"
            ? b && encloses(zb, b) && !encloses(b, zb)
            : b
              ? contains(zb, middleOf(b))
              : i.kind === "curves" && !!i.value.points?.length && i.value.points.every((p) => contains(zb, p))
        ) {
          all.add(i.id);
          break;
        }
      }
    }
  }
  for (const f of listOf(doc, "flows")) {
    if (all.has(f.id)) continue;
    if (f.vertices?.length && f.from && f.to && all.has(f.from) && all.has(f.to)) all.add(f.id);
  }
  return [...all].map((id) => doc.now.get(id)).filter((i) => !!i);
}

const toPut = (i: Item): Put => ({ kind: i.kind, id: i.id, value: i.value });

/** nudge moves the selection by the keyboard. */
export function nudge(editor: Editor, dx: number, dy: number): void {
  const { selection } = editor.store.getState();
  const items = movingWith(editor, selection);
  if (items.length === 0) return;
  editor.edit(
    items.length === 1 ? `Move ${nameOf(items[0])}` : `Move ${items.length} elements`,
    items.map((i) => toPut(shifted(i, dx, dy))),
    `nudge ${[...selection].join()}`,
  );
}

export type Edge = "left" | "center" | "right" | "top" | "middle" | "bottom";

/** align brings the selected boxes in line. */
export function align(editor: Editor, edge: Edge): void {
  const { selection, doc } = editor.store.getState();
  const items = [...selection].map((id) => doc.now.get(id)).filter((i) => !!i && !!boxOf(i)) as Item[];
  const all = around(items.map((i) => boxOf(i)!));
  if (items.length < 2 || !all) return;
  const puts = items.flatMap((i) => {
    const b = boxOf(i)!;
    const dx =
      edge === "left" ? all.x - b.x : edge === "right" ? all.x + all.w - b.x - b.w : edge === "center" ? all.x + all.w / 2 - b.x - b.w / 2 : 0;
    const dy =
      edge === "top" ? all.y - b.y : edge === "bottom" ? all.y + all.h - b.y - b.h : edge === "middle" ? all.y + all.h / 2 - b.y - b.h / 2 : 0;
    return movingWith(editor, [i.id]).map((m) => shifted(m, dx, dy));
  });
  editor.edit(`Align ${items.length} elements`, puts.map(toPut));
}

/** distribute gives the selected boxes the same room between them. */
export function distribute(editor: Editor, axis: "x" | "y"): void {
  const { selection, doc } = editor.store.getState();
  const size = axis === "x" ? "w" : "h";
  const items = [...selection].map((id) => doc.now.get(id)).filter((i) => !!i && !!boxOf(i)) as Item[];
  if (items.length < 3) return;
  items.sort((a, b) => boxOf(a)![axis] - boxOf(b)![axis]);
  const first = boxOf(items[0])!;
  const last = boxOf(items.at(-1))!;
  const used = items.reduce((n, i) => n + boxOf(i)![size], 0);
  const gap = (last[axis] + last[size] - first[axis] - used) / (items.length - 1);
  let at = first[axis];
  const puts = items.flatMap((i) => {
    const b = boxOf(i)!;
    const by = at - b[axis];
    at += b[size] + gap;
    return movingWith(editor, [i.id]).map((m) => shifted(m, axis === "x" ? by : 0, axis === "y" ? by : 0));
  });
  editor.edit(`Distribute ${items.length} elements`, puts.map(toPut));
}

/** rename gives an element its name, or a text its text. */
export function rename(editor: Editor, id: string, name: string): void {
  const item = editor.store.getState().doc.now.get(id);
  if (!item) return;
  const field = item.kind === "texts" ? "text" : item.kind === "diagrams" ? "title" : "name";
  const text = name.trim();
  if (!text && item.kind !== "flows" && item.kind !== "curves") return;
  editor.edit(`Rename ${nameOf(item)}`, [put(item, { [field]: text })]);
}

/** reading is the order in which the keyboard walks: zones first come before what is in them, then rows from the top left. */
export function reading(editor: Editor): string[] {
  const { doc } = editor.store.getState();
  const place = new Map<string, Point>();
  for (const i of drawnOf(doc)) {
    const b = boxOf(i);
    if (b) place.set(i.id, i.kind === "zones" ? { x: b.x, y: b.y } : { x: b.x, y: b.y });
    else if (i.kind === "curves" && i.value.points?.[0]) place.set(i.id, i.value.points[0]);
  }
  for (const f of listOf(doc, "flows")) {
    const a = f.from ? place.get(f.from) : f.from_point;
    const b = f.to ? place.get(f.to) : f.to_point;
    // A flow comes right after the component that it leaves.
    if (a) place.set(f.id, { x: a.x + 1, y: a.y });
    else if (b) place.set(f.id, { x: b.x + 1, y: b.y });
    else place.set(f.id, { x: 0, y: 0 });
  }
  const row = (p: Point) => Math.floor(p.y / (grid * 6));
  return [...place].sort(([, a], [, b]) => row(a) - row(b) || a.x - b.x || a.y - b.y).map(([id]) => id);
}

/** step selects the next or the previous element in reading order. */
export function step(editor: Editor, by: 1 | -1): string | undefined {
  const order = reading(editor);
  if (order.length === 0) return undefined;
  const now = [...editor.store.getState().selection].at(-1);
  const at = now ? order.indexOf(now) : -1;
  const next = order[at < 0 ? (by > 0 ? 0 : order.length - 1) : at + by];
  if (next) editor.select([next]);
  return next;
}

/** toward is the element next to the selected one in a direction, flows of it included. */
export function toward(editor: Editor, dx: number, dy: number): string | undefined {
  const { doc, selection } = editor.store.getState();
  const now = [...selection].at(-1);
  const from = now ? boxOf(doc.now.get(now)) : undefined;
  if (!from) return undefined;
  const a = middleOf(from);
  let best: { id: string; d: number } | undefined;
  for (const i of drawnOf(doc)) {
    const b = boxOf(i);
    if (!b || i.id === now || i.kind === "zones") continue;
    const c = middleOf(b);
    const ahead = (c.x - a.x) * dx + (c.y - a.y) * dy;
    const aside = Math.abs((c.x - a.x) * dy) + Math.abs((c.y - a.y) * dx);
    if (ahead <= 0 || aside > ahead * 2) continue;
    const d = ahead + aside * 2;
    if (!best || d < best.d) best = { id: i.id, d };
  }
  return best?.id;
}
