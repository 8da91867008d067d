import { along, clear, labelOf, lanes, lineOf, polyline } from "./geometry";
import type { State } from "./store";
import { listOf } from "./store";
import { type Box, boxOf, type Point } from "./types";

/** near gives those of some boxes that touch a box. */
export type Near = (b: Box) => Box[];

const cell = 400;

/** nearTo keeps boxes by where they lie, so that asking for a place looks at few of them. */
export function nearTo(boxes: readonly Box[]): Near {
  const cells = new Map<string, Box[]>();
  const each = (b: Box, see: (key: string) => void) => {
    for (let x = Math.floor(b.x / cell); x * cell <= b.x + b.w; x++)
      for (let y = Math.floor(b.y / cell); y * cell <= b.y + b.h; y++) see(`${x} ${y}`);
  };
  for (const b of boxes)
    each(b, (key) => {
      const list = cells.get(key);
      if (list) list.push(b);
      else cells.set(key, [b]);
    });
  return (b) => {
    const found = new Set<Box>();
    each(b, (key) => {
      for (const o of cells.get(key) ?? []) if (overlap(b, o) > 0) found.add(o);
    });
    return [...found];
  };
}

/** overlap is how much of two boxes lies on each other, as an area. */
function overlap(a: Box, b: Box): number {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return w > 0 && h > 0 ? w * h : 0;
}

/** countBox is the room of the count of threats below a place of a flow, beside the boxes at its ends. */
export function countBox(at: Point, open: number, ends: readonly (Box | undefined)[]): Box {
  const b = { x: at.x - (22 + String(open).length * 6.5) / 2, y: at.y + 4, w: 22 + String(open).length * 6.5, h: 14 };
  const { dx, dy } = clear(b, ends);
  return { ...b, x: b.x + dx, y: b.y + dy };
}

/** The parts of a way at which its name may stand, the best first: the middle, then ever further from it. */
const parts = [0.5, ...Array.from({ length: 14 }, (_, i) => [0.5 - (i + 1) * 0.025, 0.5 + (i + 1) * 0.025]).flat()];

/**
 * freest is the part of a way, from 0 to 1, at which a name with a count below it is
 * covered least: the nearest to the middle of those that nothing covers.
 */
export function freest(text: string, way: readonly Point[], ends: readonly (Box | undefined)[], near: Near): number {
  let best = 0.5;
  let least = Number.POSITIVE_INFINITY;
  for (const part of parts) {
    const room = [...(text ? [labelOf(text, way, ends, part).box] : []), countBox(along(way, part), 10, ends)];
    const covered = room.reduce((sum, b) => sum + near(b).reduce((n, o) => n + overlap(b, o), 0), 0);
    if (covered === 0) return part;
    if (covered < least) [best, least] = [part, covered];
  }
  return best;
}

/** titleBox is about the room of the title of a zone. */
function titleBox(name: string, b: Box): Box {
  return { x: b.x, y: b.y, w: Math.min(b.w, 80 + [...name].length * 6.5), h: 26 };
}

/**
 * namePlaces gives for a flow of a drawing the part of its way at which its name stands.
 * It is worked out when it is asked for, from where things are while nothing is dragged.
 */
export function namePlaces(now: State["doc"]["now"]): (id: string) => number {
  const lane = lanes(listOf({ now }, "flows"));
  const covers: Box[] = [];
  for (const i of now.values()) {
    const b = boxOf(i);
    if (b) covers.push(i.kind === "zones" ? titleBox(i.value.name, b) : b);
  }
  const near = nearTo(covers);
  const known = new Map<string, number>();
  return (id) => {
    const old = known.get(id);
    if (old !== undefined) return old;
    const flow = now.get(id);
    if (flow?.kind !== "flows") return 0.5;
    const ends = [boxOf(now.get(flow.value.from ?? "")), boxOf(now.get(flow.value.to ?? ""))];
    const line = lineOf(flow.value, ends[0], ends[1], lane.get(id));
    const part = line ? freest(flow.value.name ?? "", polyline(line), ends, near) : 0.5;
    known.set(id, part);
    return part;
  };
}
