import type { Component, Drawing, Facts, Flow, Zone } from "./types";

const bands = ["low", "medium", "high", "critical", "unrated"] as const;
const kinds = ["process", "store", "actor", "process"] as const;

/**
 * synthetic is a made-up drawing of n components on a grid with one and a half flows
 * each, all with names, in zones of nine. The same numbers give the same drawing.
 */
export function synthetic(n: number, zoneSize = 9): Drawing {
  const side = Math.ceil(Math.sqrt(n));
  const per = Math.max(1, Math.round(Math.sqrt(zoneSize)));
  const components: Component[] = [];
  const flows: Flow[] = [];
  const zones: Zone[] = [];
  const facts: Record<string, Facts> = {};
  const step = { x: 260, y: 150 };
  const gap = 90;
  const at = (i: number) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return {
      x: x * step.x + Math.floor(x / per) * gap,
      y: y * step.y + Math.floor(y / per) * gap,
      zone: `z${Math.floor(y / per)}_${Math.floor(x / per)}`,
    };
  };
  const seen = new Map<string, { x0: number; y0: number; x1: number; y1: number }>();
  for (let i = 0; i < n; i++) {
    const p = at(i);
    const id = `c${i}`;
    components.push({ id, kind: kinds[i % kinds.length]!, name: `Component ${i}`, zone: p.zone, box: { x: p.x, y: p.y, w: 160, h: 70 } });
    const band = i % 6 === 5 ? undefined : bands[i % bands.length];
    facts[id] = { trust: 50, exposure: (i * 7) % 100, threats: band ? (i % 14) + 1 : 0, band, current: (i * 13) % 100, zone: p.zone };
    const z = seen.get(p.zone) ?? { x0: p.x, y0: p.y, x1: p.x, y1: p.y };
    seen.set(p.zone, { x0: Math.min(z.x0, p.x), y0: Math.min(z.y0, p.y), x1: Math.max(z.x1, p.x), y1: Math.max(z.y1, p.y) });
  }
  for (const [id, z] of seen) {
    zones.push({ id, name: `Zone ${id.slice(1)}`, trust: 50, box: { x: z.x0 - 35, y: z.y0 - 45, w: z.x1 - z.x0 + 230, h: z.y1 - z.y0 + 150 } });
    facts[id] = { trust: 50, exposure: 50 };
  }
  const total = Math.floor(n * 1.5);
  for (let k = 0; k < total && n > 1; k++) {
    const i = k % n;
    const to = k < n ? i + 1 : i + side;
    if (to >= n) continue;
    const id = `f${k}`;
    flows.push({ id, name: `Flow ${k}`, from: `c${i}`, to: `c${to}` });
    const [a, b] = [at(i).zone, at(to).zone];
    facts[id] = {
      trust: 50,
      exposure: 50,
      threats: k % 4 === 0 ? 2 : 0,
      band: k % 4 === 0 ? bands[k % 3] : undefined,
      crosses: a === b ? undefined : [a, b],
    };
  }
  return {
    version: 1,
    diagrams: [{ id: "d", title: "Benchmark" }],
    diagram: "d",
    zones,
    components,
    flows,
    curves: [],
    texts: [],
    assets: [],
    versions: {},
    facts,
  };
}
