import { along, meetings, middleOf } from "./geometry";
import type { Box, Flow, Point } from "./types";

/** Ways are flows by id, each from middle to middle over its own points: as the server reads what crosses a boundary. */
export type Ways = ReadonlyMap<string, readonly Point[]>;

/** wayOf is one of them; undefined where an end has no place. */
export function wayOf(f: Flow, box: (id: string) => Box | undefined): Point[] | undefined {
  const end = (id: string | undefined, loose: Point | undefined) => {
    const b = id ? box(id) : undefined;
    return b ? middleOf(b) : loose;
  };
  const [a, z] = [end(f.from, f.from_point), end(f.to, f.to_point)];
  return a && z && [a, ...(f.vertices ?? []), z];
}

/** crossing are the flows that cross a boundary curve. */
export const crossing = (points: readonly Point[], ways: Ways): string[] =>
  [...ways].filter(([, way]) => meetings(way, points).length > 0).map(([id]) => id);

/**
 * recross lays a boundary curve through the flows that crossed it before they moved, each as far on its way as it was,
 * and as short as it can be where it would meet others too. Undefined where none crossed it.
 */
export function recross(points: readonly Point[], before: Ways, after: Ways): Point[] | undefined {
  const wanted = crossing(points, before).filter((id) => after.has(id));
  if (wanted.length === 0) return undefined;
  const through = wanted.map((id) => along(after.get(id)!, partOf(before.get(id)!, meetings(before.get(id)!, points)[0]!)));
  const [a, b] = farthest(through);
  const apart = Math.hypot(b.x - a.x, b.y - a.y);
  // One flow alone is crossed at a right angle.
  const angle = apart < 1 ? a.angle + Math.PI / 2 : Math.atan2(b.y - a.y, b.x - a.x);
  const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
  const line = [...through].sort((p, q) => (p.x - q.x) * dx + (p.y - q.y) * dy);
  const at = (p: Point, by: number): Point => ({ x: Math.round(p.x + dx * by), y: Math.round(p.y + dy * by) });
  const drawn = (room: number): Point[] => [at(line[0]!, -room), ...line.map((p) => at(p, 0)), at(line.at(-1)!, room)];
  const strangers = (way: Point[]) => crossing(way, after).filter((id) => !wanted.includes(id)).length;
  return [60, 30, 12].map(drawn).reduce((best, way) => (strangers(way) < strangers(best) ? way : best));
}

/** partOf is how far on a way a place on it is; kept off its ends, where the boxes are. */
function partOf(way: readonly Point[], p: Point): number {
  let [total, until] = [0, 0];
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < way.length; i++) {
    const [a, b] = [way[i - 1]!, way[i]!];
    const d = Math.hypot(b.x - a.x, b.y - a.y);
    const to = Math.hypot(p.x - a.x, p.y - a.y);
    const off = Math.abs(to + Math.hypot(b.x - p.x, b.y - p.y) - d);
    if (off < nearest) [nearest, until] = [off, total + to];
    total += d;
  }
  return total === 0 ? 0.5 : Math.min(0.65, Math.max(0.35, until / total));
}

function farthest<T extends Point>(of: readonly T[]): [T, T] {
  let best: [T, T] = [of[0]!, of[0]!];
  let far = 0;
  for (const a of of) {
    for (const b of of) {
      const d = Math.hypot(b.x - a.x, b.y - a.y);
      if (d > far) [far, best] = [d, [a, b]];
    }
  }
  return best;
}
