import type { Box, Flow, Point } from "./types";

/** The grid that things snap to, in pixels. */
export const grid = 10;

export const snapTo = (v: number, step = grid): number => Math.round(v / step) * step;
export const middleOf = (b: Box): Point => ({ x: b.x + b.w / 2, y: b.y + b.h / 2 });
export const moved = <T extends Point>(p: T, dx: number, dy: number): T => ({ ...p, x: p.x + dx, y: p.y + dy });

export function contains(b: Box, p: Point): boolean {
  return p.x >= b.x && p.x <= b.x + b.w && p.y >= b.y && p.y <= b.y + b.h;
}

export function encloses(b: Box, o: Box): boolean {
  return o.x >= b.x && o.y >= b.y && o.x + o.w <= b.x + b.w && o.y + o.h <= b.y + b.h;
}

export function touches(a: Box, b: Box): boolean {
  return a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;
}

/** around is the smallest box around boxes; undefined around nothing. */
export function around(boxes: Iterable<Box>): Box | undefined {
  let x0 = Number.POSITIVE_INFINITY;
  let y0 = Number.POSITIVE_INFINITY;
  let x1 = Number.NEGATIVE_INFINITY;
  let y1 = Number.NEGATIVE_INFINITY;
  for (const b of boxes) {
    x0 = Math.min(x0, b.x);
    y0 = Math.min(y0, b.y);
    x1 = Math.max(x1, b.x + b.w);
    y1 = Math.max(y1, b.y + b.h);
  }
  return x0 > x1 ? undefined : { x: x0, y: y0, w: x1 - x0, h: y1 - y0 };
}

export const aroundPoints = (points: readonly Point[]): Box | undefined => around(points.map((p) => ({ x: p.x, y: p.y, w: 0, h: 0 })));

export function grown(b: Box, by: number): Box {
  return { x: b.x - by, y: b.y - by, w: b.w + 2 * by, h: b.h + 2 * by };
}

/** border is where the line from the middle of a box towards a point leaves the box. */
export function border(b: Box, to: Point, gap = 0): Point {
  const c = middleOf(b);
  const dx = to.x - c.x;
  const dy = to.y - c.y;
  if (dx === 0 && dy === 0) return { x: c.x, y: b.y - gap };
  const s = Math.min(
    dx === 0 ? Number.POSITIVE_INFINITY : (b.w / 2 + gap) / Math.abs(dx),
    dy === 0 ? Number.POSITIVE_INFINITY : (b.h / 2 + gap) / Math.abs(dy),
  );
  return { x: c.x + dx * s, y: c.y + dy * s };
}

/** Line is the drawn way of a flow: its points from end to end, and whether it bends softly between them. */
export interface Line {
  points: Point[];
  /** A single bow by this much to the side, for flows between the same two ends. */
  bow: number;
}

/** The room between flows that run beside each other. */
const apart = 34;

/**
 * lineOf is the way of a flow between the boxes of its ends (undefined: a loose end).
 * lane says which of several flows between the same two it is: 0 is the middle, and
 * the others lie beside it. A flow without any place has no line.
 */
export function lineOf(flow: Flow, from: Box | undefined, to: Box | undefined, lane = 0): Line | undefined {
  const a = from ? middleOf(from) : flow.from_point;
  const b = to ? middleOf(to) : flow.to_point;
  if (!a || !b) return undefined;
  const via = flow.vertices ?? [];
  if (from && flow.from && flow.from === flow.to && via.length === 0) {
    const right = from.x + from.w;
    const out = 26 + lane * 14;
    const points = [
      { x: right - 26, y: from.y },
      { x: right - 26, y: from.y - out },
      { x: right + out, y: from.y - out },
      { x: right + out, y: from.y + 22 },
      { x: right, y: from.y + 22 },
    ];
    return { points, bow: 0 };
  }
  const bow = via.length === 0 ? lane * apart : 0;
  const aim = bow ? bowed(a, b, bow) : undefined;
  const first = from ? border(from, via[0] ?? aim ?? b, 1) : a;
  const last = to ? border(to, via.at(-1) ?? aim ?? a, 2) : b;
  return { points: [first, ...via, last], bow };
}

/** bowed is the point in the middle between two, moved to the side. */
function bowed(a: Point, b: Point, by: number): Point {
  const d = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  return { x: (a.x + b.x) / 2 - ((b.y - a.y) / d) * by, y: (a.y + b.y) / 2 + ((b.x - a.x) / d) * by };
}

const n = (v: number): string => String(Math.round(v * 10) / 10);

/** pathOf writes a line as an SVG path; corners are a little round. */
export function pathOf(l: Line): string {
  const p = l.points;
  const a = p[0]!;
  const z = p.at(-1)!;
  if (l.bow && p.length === 2) {
    const c = bowed(a, z, l.bow);
    return `M${n(a.x)} ${n(a.y)}Q${n(c.x)} ${n(c.y)} ${n(z.x)} ${n(z.y)}`;
  }
  let d = `M${n(a.x)} ${n(a.y)}`;
  for (let i = 1; i < p.length - 1; i++) {
    const [b, c, e] = [p[i - 1]!, p[i]!, p[i + 1]!];
    const r = Math.min(12, Math.hypot(c.x - b.x, c.y - b.y) / 2, Math.hypot(e.x - c.x, e.y - c.y) / 2);
    const s = towards(c, b, r);
    const t = towards(c, e, r);
    d += `L${n(s.x)} ${n(s.y)}Q${n(c.x)} ${n(c.y)} ${n(t.x)} ${n(t.y)}`;
  }
  return `${d}L${n(z.x)} ${n(z.y)}`;
}

function towards(from: Point, to: Point, by: number): Point {
  const d = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  return { x: from.x + ((to.x - from.x) / d) * by, y: from.y + ((to.y - from.y) / d) * by };
}

/** polyline is a line as straight pieces, fine enough to point at. */
export function polyline(l: Line): Point[] {
  if (!l.bow || l.points.length !== 2) return l.points;
  const [a, z] = [l.points[0]!, l.points[1]!];
  const c = bowed(a, z, l.bow);
  return Array.from({ length: 13 }, (_, i) => {
    const t = i / 12;
    const u = 1 - t;
    return { x: u * u * a.x + 2 * u * t * c.x + t * t * z.x, y: u * u * a.y + 2 * u * t * c.y + t * t * z.y };
  });
}

/** along is the point at a part of the length of a way, with the direction there. */
export function along(points: readonly Point[], part: number): Point & { angle: number } {
  let total = 0;
  for (let i = 1; i < points.length; i++) total += Math.hypot(points[i]!.x - points[i - 1]!.x, points[i]!.y - points[i - 1]!.y);
  let left = total * part;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1]!, points[i]!];
    const d = Math.hypot(b.x - a.x, b.y - a.y);
    if (left <= d || i === points.length - 1) {
      const t = d === 0 ? 0 : Math.min(1, left / d);
      return { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t, angle: Math.atan2(b.y - a.y, b.x - a.x) };
    }
    left -= d;
  }
  return { x: points[0]?.x ?? 0, y: points[0]?.y ?? 0, angle: 0 };
}

/** Mark is a place where a way meets a border, with the direction of the way there. */
export type Mark = Point & { angle: number };

/** meetings are the places where two ways meet. */
export function meetings(a: readonly Point[], b: readonly Point[]): Mark[] {
  const out: Mark[] = [];
  for (let i = 1; i < a.length; i++) {
    for (let j = 1; j < b.length; j++) {
      const [p, q, r, s] = [a[i - 1]!, a[i]!, b[j - 1]!, b[j]!];
      const d = (q.x - p.x) * (s.y - r.y) - (q.y - p.y) * (s.x - r.x);
      if (d === 0) continue;
      const t = ((r.x - p.x) * (s.y - r.y) - (r.y - p.y) * (s.x - r.x)) / d;
      const u = ((r.x - p.x) * (q.y - p.y) - (r.y - p.y) * (q.x - p.x)) / d;
      if (t < 0 || t > 1 || u < 0 || u > 1) continue;
      out.push({ x: p.x + (q.x - p.x) * t, y: p.y + (q.y - p.y) * t, angle: Math.atan2(q.y - p.y, q.x - p.x) });
    }
  }
  return out;
}

export function outline(b: Box): Point[] {
  return [
    { x: b.x, y: b.y },
    { x: b.x + b.w, y: b.y },
    { x: b.x + b.w, y: b.y + b.h },
    { x: b.x, y: b.y + b.h },
    { x: b.x, y: b.y },
  ];
}

/** distance is how far a point is from a way. */
export function distance(p: Point, way: readonly Point[]): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 1; i < way.length; i++) best = Math.min(best, toSegment(p, way[i - 1]!, way[i]!));
  return best;
}

function toSegment(p: Point, a: Point, b: Point): number {
  const l = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
  const t = l === 0 ? 0 : Math.max(0, Math.min(1, ((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y)) / l));
  return Math.hypot(p.x - a.x - t * (b.x - a.x), p.y - a.y - t * (b.y - a.y));
}

/** piece is the index at which a new point of a way belongs, for a place beside it. */
export function piece(p: Point, way: readonly Point[]): number {
  let best = 0;
  for (let i = 1; i < way.length - 1; i++) if (toSegment(p, way[i]!, way[i + 1]!) < toSegment(p, way[best]!, way[best + 1]!)) best = i;
  return best;
}

/** lanes gives each of several flows between the same two its place beside the others; what is alone or has points of its own is not in it. */
export function lanes(flows: readonly Flow[]): Map<string, number> {
  const pairs = new Map<string, Flow[]>();
  for (const f of flows) {
    if (!f.from || !f.to || f.vertices?.length) continue;
    const pair = f.from < f.to ? `${f.from} ${f.to}` : `${f.to} ${f.from}`;
    const list = pairs.get(pair);
    if (list) list.push(f);
    else pairs.set(pair, [f]);
  }
  const out = new Map<string, number>();
  for (const list of pairs.values()) {
    if (list.length < 2) continue;
    list.forEach((f, i) => {
      const lane = f.from === f.to ? i : i - (list.length - 1) / 2;
      // The side is that of the pair, not of the direction, or two opposite flows would lie on each other.
      if (lane) out.set(f.id, f.from! <= f.to! ? lane : -lane);
    });
  }
  return out;
}

/** Guide is a line that shows what something snapped to. */
export interface Guide {
  axis: "x" | "y";
  at: number;
  from: number;
  to: number;
}

/**
 * snap moves a box by what brings one of its edges or its middle in line with a
 * neighbour, else onto the grid. reach is how far it may be moved.
 */
export function snap(b: Box, others: readonly Box[], reach: number): { dx: number; dy: number; guides: Guide[] } {
  const lines = (o: Box, axis: "x" | "y") => (axis === "x" ? [o.x, o.x + o.w / 2, o.x + o.w] : [o.y, o.y + o.h / 2, o.y + o.h]);
  const guides: Guide[] = [];
  const by = { x: 0, y: 0 };
  for (const axis of ["x", "y"] as const) {
    let best = reach + 0.001;
    let hit: { at: number; other: Box } | undefined;
    for (const o of others) {
      for (const at of lines(o, axis)) {
        for (const own of lines(b, axis)) {
          const d = Math.abs(at - own);
          if (d < best) {
            best = d;
            hit = { at, other: o };
            by[axis] = at - own;
          }
        }
      }
    }
    if (!hit) {
      by[axis] = snapTo(b[axis]) - b[axis];
      continue;
    }
    const o = hit.other;
    guides.push(
      axis === "x"
        ? { axis, at: hit.at, from: Math.min(b.y, o.y), to: Math.max(b.y + b.h, o.y + o.h) }
        : { axis, at: hit.at, from: Math.min(b.x, o.x), to: Math.max(b.x + b.w, o.x + o.w) },
    );
  }
  return { dx: by.x, dy: by.y, guides };
}

/** roomOf is how much room a name has above a way: where it runs across, what is between its ends. */
export function roomOf(way: readonly Point[]): number {
  const [a, z] = [way[0]!, way.at(-1)!];
  return Math.abs(z.x - a.x) > Math.abs(z.y - a.y) ? Math.abs(z.x - a.x) : Number.POSITIVE_INFINITY;
}

/** The most that stands on one line of a name; what is longer takes two, and what is longer than both is cut. */
const widest = 34;

const cut = (line: string): string => {
  const all = [...line];
  return all.length > widest
    ? `${all
        .slice(0, widest - 1)
        .join("")
        .trimEnd()}…`
    : line;
};

/** broken breaks a text at the blank nearest its middle, where its one line is longer than the room or than a line may be. */
export function broken(text: string, room: number): string[] {
  return halves(text, room).map(cut);
}

function halves(text: string, room: number): string[] {
  if (text.length * 6.2 <= room && [...text].length <= widest) return [text];
  const blanks = [...text.matchAll(/ /g)].map((m) => m.index);
  if (blanks.length === 0) return [text];
  const at = blanks.reduce((a, b) => (Math.abs(b - text.length / 2) < Math.abs(a - text.length / 2) ? b : a));
  return [text.slice(0, at), text.slice(at + 1)];
}

/** Label is where a name stands: its lines, the middle of each, the foot of the first, and the room of all. */
export interface Label {
  lines: string[];
  x: number;
  y: number;
  box: Box;
}

/** The height of a line of a name, and how far above its way a name stands. */
const lead = 14;
const above = 7;

/**
 * labelOf puts the name of a flow above a part of its way (its middle), on two lines where there
 * is no room for one. Where it would lie behind a box at an end, it moves beside both,
 * the shortest way.
 */
export function labelOf(text: string, way: readonly Point[], ends: readonly (Box | undefined)[], part = 0.5): Label {
  const mid = along(way, part);
  const lines = broken(text, roomOf(way));
  const w = Math.max(...lines.map((l) => [...l].length)) * 6.2;
  const h = lines.length * lead;
  const box = { x: mid.x - w / 2, y: mid.y - above - h + 2, w, h };
  const { dx, dy } = clear(box, ends);
  return { lines, x: mid.x + dx, y: mid.y - above - (lines.length - 1) * lead + dy, box: moved(box, dx, dy) };
}

/** clear is the shortest move across or down that brings a box beside others; none where it touches none of them. */
export function clear(b: Box, others: readonly (Box | undefined)[]): { dx: number; dy: number } {
  const near = others.filter((o): o is Box => !!o);
  const free = (dx: number, dy: number) =>
    !near.some((o) => b.x + dx < o.x + o.w && o.x < b.x + dx + b.w && b.y + dy < o.y + o.h && o.y < b.y + dy + b.h);
  if (free(0, 0)) return { dx: 0, dy: 0 };
  const gap = 4;
  const ways = near.flatMap((o) => [
    { dx: 0, dy: o.y - gap - b.h - b.y },
    { dx: 0, dy: o.y + o.h + gap - b.y },
    { dx: o.x - gap - b.w - b.x, dy: 0 },
    { dx: o.x + o.w + gap - b.x, dy: 0 },
  ]);
  const far = (d: { dx: number; dy: number }) => Math.abs(d.dx) + Math.abs(d.dy);
  return ways.filter((d) => free(d.dx, d.dy)).reduce((best, d) => (far(d) < far(best) ? d : best), { dx: Number.POSITIVE_INFINITY, dy: 0 });
}
