import { connect, movingWith, shifted } from "./actions";
import { around, aroundPoints, contains, distance, encloses, lanes, lineOf, polyline, snap, snapTo, touches } from "./geometry";
import { boxAt, drawnOf, type Editor, itemOf, listOf, type State } from "./store";
import { type Box, boxOf, type Item, nameOf, type Point } from "./types";

/** Drag is a movement of the pointer from where it went down. */
interface Drag {
  move: (to: Point, by: Point, e: PointerEvent) => void;
  end: (to: Point, e: PointerEvent) => void;
  cancel: () => void;
  /** How far the pointer must go before it is a drag, in pixels of the screen. */
  threshold?: number;
  /** A press that was no drag. */
  click?: (e: PointerEvent) => void;
  /** The element on whose border the drawing begins to move by itself. */
  pane?: HTMLElement;
}

/** drag follows the pointer until it is let go; Escape takes everything back. One step a frame. */
export function drag(editor: Editor, down: { clientX: number; clientY: number; pointerId: number }, d: Drag): void {
  const view = editor.view;
  if (!view) return;
  const start = view.toDrawing({ x: down.clientX, y: down.clientY });
  let last: PointerEvent | undefined;
  let frame = 0;
  let going = false;
  const work = () => {
    frame = 0;
    if (!last) return;
    if (d.pane) {
      const r = d.pane.getBoundingClientRect();
      const push = (v: number, a: number, b: number) => (v < a + 28 ? Math.min(18, a + 28 - v) : v > b - 28 ? -Math.min(18, v - b + 28) : 0);
      const px = push(last.clientX, r.left, r.right);
      const py = push(last.clientY, r.top, r.bottom);
      if (px || py) {
        view.panBy(px, py);
        frame = requestAnimationFrame(work);
      }
    }
    const p = view.toDrawing({ x: last.clientX, y: last.clientY });
    d.move(p, { x: p.x - start.x, y: p.y - start.y }, last);
  };
  const onMove = (e: PointerEvent) => {
    if (e.pointerId !== down.pointerId) return;
    last = e;
    if (!going && Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < (d.threshold ?? 3)) return;
    going = true;
    frame ||= requestAnimationFrame(work);
  };
  const stop = () => {
    cancelAnimationFrame(frame);
    window.removeEventListener("pointermove", onMove);
    window.removeEventListener("pointerup", onUp);
    window.removeEventListener("pointercancel", onCancel);
    window.removeEventListener("keydown", onKey, true);
  };
  const onUp = (e: PointerEvent) => {
    if (e.pointerId !== down.pointerId) return;
    stop();
    if (!going) return d.click?.(e);
    last = e;
    const p = view.toDrawing({ x: e.clientX, y: e.clientY });
    d.move(p, { x: p.x - start.x, y: p.y - start.y }, e);
    d.end(p, e);
  };
  const onCancel = () => {
    stop();
    d.cancel();
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key !== "Escape") return;
    e.preventDefault();
    e.stopPropagation();
    onCancel();
  };
  window.addEventListener("pointermove", onMove);
  window.addEventListener("pointerup", onUp);
  window.addEventListener("pointercancel", onCancel);
  window.addEventListener("keydown", onKey, true);
}

const toPut = (i: Item) => ({ kind: i.kind, id: i.id, value: i.value });

/** show shows elements as they would be; drop makes them so, as one step of undo. */
function show(editor: Editor, items: Item[], guides: State["guides"] = []): void {
  editor.store.setState({ live: new Map(items.map((i) => [i.id, i])), guides });
}
function drop(editor: Editor, label: string): void {
  const { live } = editor.store.getState();
  if (live) editor.edit(label, [...live.values()].map(toPut));
  calm(editor);
}
function calm(editor: Editor): void {
  editor.store.setState({ live: null, guides: [], band: null, wire: null });
}

/** dragElements moves elements, with what is in their zones, in line with their neighbours. */
export function dragElements(editor: Editor, down: PointerEvent, ids: readonly string[], pane: HTMLElement, click: (e: PointerEvent) => void): void {
  let items: Item[] = [];
  let whole: Box | undefined;
  let others: Box[] = [];
  drag(editor, down, {
    pane,
    click,
    move: (_, by, e) => {
      if (items.length === 0) {
        items = movingWith(editor, ids);
        const own = new Set(items.map((i) => i.id));
        whole = around([
          ...items.map(boxOf).filter((b) => !!b),
          ...items.map((i) => (i.kind === "curves" ? aroundPoints(i.value.points ?? []) : undefined)).filter((b) => !!b),
        ]);
        const zones = items.some((i) => i.kind === "zones");
        const seen = editor.view!.seen();
        // In line with what is near and of the same sort: the edges of a zone far away mean nothing to a process.
        others = drawnOf(editor.store.getState().doc)
          .filter((i) => !own.has(i.id) && (zones || i.kind !== "zones"))
          .map(boxOf)
          .filter((b): b is Box => !!b && touches(b, seen));
      }
      let { x, y } = by;
      if (e.shiftKey && Math.abs(x) > Math.abs(y)) y = 0;
      else if (e.shiftKey) x = 0;
      let guides: State["guides"] = [];
      if (whole && !e.altKey) {
        const s = snap({ ...whole, x: whole.x + x, y: whole.y + y }, others, 6 / editor.view!.zoom());
        x += e.shiftKey && x === 0 ? 0 : s.dx;
        y += e.shiftKey && y === 0 ? 0 : s.dy;
        guides = s.guides;
      }
      show(
        editor,
        items.map((i) => shifted(i, x, y)),
        guides,
      );
    },
    end: () => drop(editor, ids.length === 1 ? `Move ${nameOf(itemOf(editor.store.getState(), ids[0]))}` : `Move ${ids.length} elements`),
    cancel: () => calm(editor),
  });
}

export type Side = "n" | "s" | "e" | "w" | "ne" | "nw" | "se" | "sw";

/** dragSize changes the size of a box at one of its sides or corners. */
export function dragSize(editor: Editor, down: PointerEvent, id: string, side: Side, pane: HTMLElement): void {
  const item = editor.store.getState().doc.now.get(id);
  const b = boxOf(item);
  if (!item || !b) return;
  const least = item.kind === "zones" ? { w: 80, h: 60 } : { w: 60, h: 40 };
  drag(editor, down, {
    pane,
    move: (_, by, e) => {
      const s = (v: number) => (e.altKey ? v : snapTo(v));
      let [x0, y0, x1, y1] = [b.x, b.y, b.x + b.w, b.y + b.h];
      if (side.includes("w")) x0 = Math.min(s(x0 + by.x), x1 - least.w);
      if (side.includes("e")) x1 = Math.max(s(x1 + by.x), x0 + least.w);
      if (side.includes("n")) y0 = Math.min(s(y0 + by.y), y1 - least.h);
      if (side.includes("s")) y1 = Math.max(s(y1 + by.y), y0 + least.h);
      show(editor, [{ ...item, value: { ...item.value, box: { ...b, x: x0, y: y0, w: x1 - x0, h: y1 - y0 } } } as Item]);
    },
    end: () => drop(editor, `Resize ${nameOf(item)}`),
    cancel: () => calm(editor),
  });
}

/** dragPoint moves a bend of a flow or a point of a curve; at a place between two it makes a new one. */
export function dragPoint(editor: Editor, down: PointerEvent, id: string, index: number, between: boolean, pane: HTMLElement): void {
  const item = editor.store.getState().doc.now.get(id);
  if (item?.kind !== "flows" && item?.kind !== "curves") return;
  const field = item.kind === "flows" ? "vertices" : "points";
  const old = (item.kind === "flows" ? item.value.vertices : item.value.points) ?? [];
  drag(editor, down, {
    pane,
    move: (to, _, e) => {
      const p = e.altKey ? to : { x: snapTo(to.x), y: snapTo(to.y) };
      const points = between ? [...old.slice(0, index), p, ...old.slice(index)] : old.map((o, i) => (i === index ? p : o));
      show(editor, [{ ...item, value: { ...item.value, [field]: points } } as Item]);
    },
    end: () => drop(editor, `Bend ${nameOf(item)}`),
    cancel: () => calm(editor),
  });
}

/** dropPoint takes a bend of a flow or a point of a curve away. */
export function dropPoint(editor: Editor, id: string, index: number): void {
  const item = editor.store.getState().doc.now.get(id);
  if (item?.kind === "flows")
    editor.edit(`Straighten ${nameOf(item)}`, [
      toPut({ ...item, value: { ...item.value, vertices: item.value.vertices?.filter((_, i) => i !== index) } }),
    ]);
  if (item?.kind === "curves" && (item.value.points?.length ?? 0) > 2)
    editor.edit(`Straighten ${nameOf(item)}`, [
      toPut({ ...item, value: { ...item.value, points: item.value.points?.filter((_, i) => i !== index) } }),
    ]);
}

/** dragEnd takes an end of a flow to another component, or leaves it loose. */
export function dragEnd(editor: Editor, down: PointerEvent, id: string, end: "from" | "to", pane: HTMLElement): void {
  const item = editor.store.getState().doc.now.get(id);
  if (item?.kind !== "flows") return;
  const at = (p: Point): Item => {
    const onto = componentAt(editor, p);
    const v = { ...item.value };
    if (end === "from") {
      delete v.from;
      delete v.from_point;
      if (onto) v.from = onto;
      else v.from_point = p;
    } else {
      delete v.to;
      delete v.to_point;
      if (onto) v.to = onto;
      else v.to_point = p;
    }
    return { ...item, value: v };
  };
  drag(editor, down, {
    pane,
    move: (to) => show(editor, [at(to)]),
    end: () => drop(editor, `Reconnect ${nameOf(item)}`),
    cancel: () => calm(editor),
  });
}

/** dragFlow draws a flow from a component or a free place. What is let go over nothing is given to open. */
export function dragFlow(
  editor: Editor,
  down: PointerEvent,
  from: string | Point,
  pane: HTMLElement,
  open: (from: string | Point, to: Point, e: PointerEvent) => void,
  click?: (e: PointerEvent) => void,
): void {
  let out = false;
  drag(editor, down, {
    pane,
    click,
    move: (to) => {
      const onto = componentAt(editor, to);
      out ||= onto !== from;
      editor.store.setState({ wire: { from, to, onto: onto && (onto !== from || out) ? onto : undefined } });
    },
    end: (to, e) => {
      const onto = componentAt(editor, to);
      calm(editor);
      if (onto) {
        if (onto !== from || out) connect(editor, from, onto);
      } else open(from, { x: snapTo(to.x), y: snapTo(to.y) }, e);
    },
    cancel: () => calm(editor),
  });
}

/** dragBand selects what it goes around; with Shift in addition to what is selected. */
export function dragBand(editor: Editor, down: PointerEvent, pane: HTMLElement, click: (e: PointerEvent) => void): void {
  const kept = down.shiftKey ? [...editor.store.getState().selection] : [];
  const start = editor.view!.toDrawing({ x: down.clientX, y: down.clientY });
  drag(editor, down, {
    pane,
    click,
    move: (to) => {
      const band = { x: Math.min(start.x, to.x), y: Math.min(start.y, to.y), w: Math.abs(to.x - start.x), h: Math.abs(to.y - start.y) };
      const inside = within(editor.store.getState(), band);
      const all = new Set([...kept, ...inside]);
      const old = editor.store.getState().selection;
      const same = old.size === all.size && [...all].every((id) => old.has(id));
      editor.store.setState(same ? { band } : { band, selection: all });
    },
    end: () => calm(editor),
    cancel: () => calm(editor),
  });
}

/** within lists what a band takes: boxes that it touches, zones and lines that are wholly inside. */
function within(s: State, band: Box): string[] {
  const out: string[] = [];
  for (const i of drawnOf(s.doc)) {
    const b = boxOf(i);
    if (b) {
      if (i.kind === "zones" ? encloses(band, b) : touches(band, b)) out.push(i.id);
    } else if (i.kind === "curves") {
      if (i.value.points?.length && i.value.points.every((p) => contains(band, p))) out.push(i.id);
    } else if (i.kind === "flows") {
      const l = lineOf(i.value, boxAt(s, i.value.from), boxAt(s, i.value.to));
      if (l?.points.every((p) => contains(band, p))) out.push(i.id);
    }
  }
  return out;
}

/** componentAt is the component at a place of the drawing; the topmost one. */
export function componentAt(editor: Editor, p: Point): string | undefined {
  let found: string | undefined;
  for (const c of listOf(editor.store.getState().doc, "components")) if (c.box && contains(c.box, p)) found = c.id;
  return found;
}

/** elementAt is what lies at a place of the drawing, for when nothing of it is on the page as an element of its own. */
export function elementAt(editor: Editor, p: Point, reach: number): string | undefined {
  const s = editor.store.getState();
  const component = componentAt(editor, p);
  if (component) return component;
  for (const t of listOf(s.doc, "texts")) if (t.box && contains(t.box, p)) return t.id;
  const lane = lanes(listOf(s.doc, "flows"));
  for (const f of listOf(s.doc, "flows")) {
    const l = lineOf(f, boxAt(s, f.from), boxAt(s, f.to), lane.get(f.id));
    if (l && distance(p, polyline(l)) < reach) return f.id;
  }
  for (const c of listOf(s.doc, "curves")) if (c.points && distance(p, c.points) < reach) return c.id;
  for (const z of listOf(s.doc, "zones"))
    if (z.box && contains(z.box, p) && !contains({ x: z.box.x + reach, y: z.box.y + reach, w: z.box.w - 2 * reach, h: z.box.h - 2 * reach }, p))
      return z.id;
  return undefined;
}

/** middle is where an element is, for bringing it into sight. */
export function placeOf(s: State, id: string): Box | undefined {
  const i = itemOf(s, id);
  const b = boxOf(i);
  if (b) return b;
  if (i?.kind === "curves") return aroundPoints(i.value.points ?? []);
  if (i?.kind === "flows") {
    const l = lineOf(i.value, boxAt(s, i.value.from), boxAt(s, i.value.to));
    return l && aroundPoints(l.points);
  }
  return undefined;
}
