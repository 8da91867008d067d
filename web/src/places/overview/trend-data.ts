import type { S } from "../../api/client";

type Change = S["RatingChange"];

/** Span is how far back a trend goes: a number of days, or everything. */
export type Span = "30" | "90" | "all";

/** Moved is one threat whose rating a cause changed. */
export interface Moved {
  threat: string;
  title: string;
  from: number;
  to: number;
}

/** Step is a moment at which ratings moved, with the values that hold from it on. */
export interface Step {
  at: number;
  kind: string;
  text: string;
  ref?: string;
  current: number;
  verified: number;
  before: { current: number; verified: number };
  /** The threats it moved, the largest moves first. */
  moved: Moved[];
}

/**
 * steps groups what moved the ratings of a product by moment and cause, oldest
 * first. The highest ratings follow the product's own rows; sums are counted back
 * from what they are now, because only single moves are stored.
 */
export function steps(changes: Change[], of: "highest" | "sum", now: { current: number; verified: number }): Step[] {
  const groups = new Map<string, { first: Change; own?: Change; moved: Change[] }>();
  for (const c of changes) {
    const key = `${c.at} ${c.cause.kind} ${c.cause.text}`;
    const g = groups.get(key) ?? { first: c, moved: [] };
    if (c.threat) g.moved.push(c);
    else g.own = c;
    groups.set(key, g);
  }
  const newest = [...groups.values()].sort((a, b) => Date.parse(b.first.at) - Date.parse(a.first.at));
  let { current, verified } = now;
  const out: Step[] = [];
  for (const g of newest) {
    const after = of === "highest" && g.own ? g.own.after : { current, verified };
    const before =
      of === "highest"
        ? (g.own?.before ?? after)
        : {
            current: Math.max(0, current - total(g.moved, "current")),
            verified: Math.max(0, verified - total(g.moved, "verified")),
          };
    out.push({
      at: Date.parse(g.first.at),
      kind: g.first.cause.kind,
      text: g.first.cause.text,
      ref: g.first.cause.ref,
      current: after.current,
      verified: after.verified,
      before: { current: before.current, verified: before.verified },
      moved: g.moved
        .map((c) => ({ threat: c.threat ?? "", title: c.title ?? "", from: c.before.current, to: c.after.current }))
        .sort((a, b) => Math.abs(b.to - b.from) - Math.abs(a.to - a.from)),
    });
    ({ current, verified } = before);
  }
  return out.reverse();
}

function total(changes: Change[], figure: "current" | "verified"): number {
  return changes.reduce((n, c) => n + c.after[figure] - c.before[figure], 0);
}

/** Range is the time that a trend shows, in milliseconds. */
export interface Range {
  from: number;
  to: number;
}

const day = 86_400_000;

/** rangeOf is the time to show: the asked days up to now, or from just before the first step. */
export function rangeOf(all: Step[], span: Span, now: number): Range {
  if (span !== "all") return { from: now - Number(span) * day, to: now };
  const first = all[0]?.at ?? now - day;
  const length = Math.max(now - first, 60_000);
  return { from: first - length * 0.04, to: now };
}

/** Point is a corner of a step line: x from 0 to 1 in its range, y the value. */
export interface Point {
  x: number;
  y: number;
}

/** stepLine are the corners of a line that keeps its value until the next step. */
export function stepLine(all: Step[], figure: "current" | "verified", range: Range): Point[] {
  const length = range.to - range.from;
  const inside = all.filter((s) => s.at >= range.from && s.at <= range.to);
  const before = all.filter((s) => s.at < range.from).at(-1);
  let y = before ? before[figure] : (inside[0]?.before[figure] ?? 0);
  const out: Point[] = [{ x: 0, y }];
  for (const s of inside) {
    const x = (s.at - range.from) / length;
    out.push({ x, y }, { x, y: s[figure] });
    y = s[figure];
  }
  out.push({ x: 1, y });
  return out;
}
