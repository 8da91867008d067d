import type { Diagram, Item } from "./types";

/*
 * Where diagrams stand among each other. The server keeps a list; here each diagram has
 * a number of its own, so that one that is moved is one changed field: it can be taken
 * back, carried over what others did, and two people who move the same one see it.
 */

const placeOf = (d: Diagram): number => d.place ?? Number.POSITIVE_INFINITY;

/** inOrder lists the diagrams as they stand; without a number they come last, as they came. */
export function inOrder(now: ReadonlyMap<string, Item>): Diagram[] {
  const out: Diagram[] = [];
  for (const i of now.values()) if (i.kind === "diagrams") out.push(i.value);
  return out.sort((a, b) => (placeOf(a) === placeOf(b) ? 0 : placeOf(a) - placeOf(b)));
}

/** last is the number of what comes behind all. */
export function last(now: ReadonlyMap<string, Item>): number {
  return Math.max(0, ...inOrder(now).map((d) => d.place ?? 0)) + 1;
}

/** moved gives the diagrams that get another number when one goes to a place of the list: that one, all where there is no room. */
export function moved(now: ReadonlyMap<string, Item>, id: string, to: number): Diagram[] {
  const all = inOrder(now);
  const from = all.findIndex((d) => d.id === id);
  const one = all[from];
  if (!one || from === to || to < 0 || to >= all.length) return [];
  all.splice(from, 1);
  const place = between(all[to - 1]?.place, all[to]?.place);
  if (place !== undefined) return [{ ...one, place }];
  all.splice(to, 0, one);
  return all.map((d, n) => ({ ...d, place: n + 1 }));
}

/** between is a number above one and below the other; none where there is no such number. */
function between(a: number | undefined, b: number | undefined): number | undefined {
  const low = a ?? (b ?? 1) - 2;
  const high = b ?? low + 2;
  const middle = (low + high) / 2;
  return low < middle && middle < high ? middle : undefined;
}

/** behind is the number with which a diagram stands directly behind another one, "" for the first place. */
export function behind(now: ReadonlyMap<string, Item>, after: string, id: string): number {
  const all = inOrder(now).filter((d) => d.id !== id);
  const n = after === "" ? 0 : all.findIndex((d) => d.id === after) + 1;
  if (n === 0 && after !== "") return last(now);
  return between(all[n - 1]?.place, all[n]?.place) ?? last(now);
}

/** before is the diagram that one stands behind; "" for the first. Only those that count are looked at. */
export function before(now: ReadonlyMap<string, Item>, id: string, counts: (d: Diagram) => boolean = () => true): string {
  const all = inOrder(now).filter((d) => d.id === id || counts(d));
  return all[all.findIndex((d) => d.id === id) - 1]?.id ?? "";
}

/** told says in words where a number would put a diagram. */
export function told(now: ReadonlyMap<string, Item>, id: string, place: unknown): string {
  const front = inOrder(now).findLast((d) => d.id !== id && typeof place === "number" && placeOf(d) < place);
  return front ? `behind ${front.title}` : "first";
}

/**
 * numbered gives the diagrams of a list their numbers. As many as can keep the one that
 * is known of them, rather those that nobody changed; the others lie between.
 */
export function numbered(list: readonly Diagram[], known: (id: string) => { place?: number; kept: boolean } | undefined): Diagram[] {
  const was = list.map((d) => known(d.id));
  const stay = new Set(keepers(was));
  const out: Diagram[] = [];
  let low: number | undefined;
  list.forEach((d, n) => {
    let place = was[n]?.place;
    if (!stay.has(n) || place === undefined) {
      let high: number | undefined;
      let run = 1;
      for (let m = n + 1; m < list.length && high === undefined; m++) {
        if (stay.has(m)) high = was[m]!.place;
        else run++;
      }
      const floor: number = low ?? (high === undefined ? 0 : high - run - 1);
      place = high === undefined ? floor + 1 : floor + (high - floor) / (run + 1);
    }
    out.push({ ...d, place });
    low = place;
  });
  return out;
}

/** keepers are the indices of the heaviest rising run of numbers; what nobody changed weighs more. */
function keepers(was: readonly ({ place?: number; kept: boolean } | undefined)[]): number[] {
  const best: { weight: number; from: number }[] = [];
  let end = -1;
  was.forEach((w, n) => {
    best[n] = { weight: 0, from: -1 };
    if (w?.place === undefined) return;
    let from = -1;
    for (let m = 0; m < n; m++) {
      const p = was[m]?.place;
      if (p !== undefined && p < w.place && best[m]!.weight > (best[from]?.weight ?? 0)) from = m;
    }
    best[n] = { weight: (best[from]?.weight ?? 0) + (w.kept ? 1.001 : 1), from };
    if (best[n].weight > (best[end]?.weight ?? 0)) end = n;
  });
  const out: number[] = [];
  for (; end >= 0; end = best[end]!.from) out.push(end);
  return out;
}
