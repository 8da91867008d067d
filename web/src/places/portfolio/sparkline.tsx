import { memo } from "react";
import type { S } from "../../api/client";
import { date } from "../../ui/time";

type Point = S["TrendPoint"];

/** path draws a step function: a value holds until the next point. */
export function path(points: Point[], value: (p: Point) => number, width: number, height: number): string {
  const first = Date.parse(points[0]?.at ?? "");
  const span = Date.parse(points.at(-1)?.at ?? "") - first;
  const round = (n: number) => Math.round(n * 10) / 10;
  const y = (p: Point) => round(height - (Math.max(0, Math.min(100, value(p))) / 100) * height);
  let d = "";
  points.forEach((p, i) => {
    const x = span > 0 ? round(((Date.parse(p.at) - first) / span) * width) : 0;
    d += i === 0 ? `M0 ${y(p)}` : `H${x}V${y(p)}`;
  });
  return `${d}H${width}`;
}

/** inWords says what a trend shows, for who does not see it. */
export function inWords(points: Point[]): string {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return "No rating yet";
  const moved = last.current - first.current;
  const change = moved === 0 ? `unchanged at ${last.current}` : `${moved > 0 ? "up" : "down"} from ${first.current} to ${last.current}`;
  return `Current rating ${change} since ${date(first.at)}, verified ${last.verified}`;
}

const width = 72;
const height = 20;

/** Sparkline is the trend of a product's highest rating: current as a line, verified lighter behind it. */
export const Sparkline = memo(function Sparkline({ points }: { points: Point[] }) {
  const text = inWords(points);
  if (points.length === 0) return <span className="text-soft">–</span>;
  return (
    <svg role="img" aria-label={text} viewBox={`0 -2 ${width} ${height + 4}`} width={width} height={height + 4} className="block overflow-visible">
      <title>{text}</title>
      <path d={`M0 ${height + 1}H${width}`} stroke="var(--line)" fill="none" />
      <path
        d={path(points, (p) => p.verified, width, height)}
        stroke="var(--control)"
        strokeOpacity={0.6}
        strokeWidth={1.25}
        strokeDasharray="2 2"
        fill="none"
      />
      <path d={path(points, (p) => p.current, width, height)} stroke="var(--accent)" strokeWidth={1.5} strokeLinejoin="round" fill="none" />
    </svg>
  );
});
