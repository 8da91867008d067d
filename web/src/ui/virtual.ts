import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

export interface Rows {
  /** What is in view, with some around it. */
  items: { index: number; start: number }[];
  /** Height of all rows. */
  height: number;
  /** Ref of each row, which has its number as data-index. */
  measure: (el: HTMLElement | null) => (() => void) | undefined;
  /** Brings a row into view, if it is not. */
  show: (index: number) => void;
}

/** last is the last offset that is not after y; offsets rise. */
export function last(offsets: ArrayLike<number>, y: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle]! <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * useRows tells which of many rows below each other the window shows. Rows may be of
 * any height; those not seen yet count as high as estimate says. margin is how far
 * below the top of the document they begin, covered how much of the window's top is
 * under something that stays.
 */
export function useRows({
  count,
  keyOf,
  estimate,
  margin,
  covered,
  around,
}: {
  count: number;
  keyOf: (index: number) => string;
  estimate: number;
  margin: number;
  covered: number;
  around: number;
}): Rows {
  const sizes = useRef(new Map<string, number>());
  const [measured, setMeasured] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured stands for the sizes
  const offsets = useMemo(() => {
    const out = new Float64Array(count + 1);
    for (let i = 0; i < count; i++) out[i + 1] = out[i]! + (sizes.current.get(keyOf(i)) ?? estimate);
    return out;
  }, [count, keyOf, estimate, measured]);
  const [range, setRange] = useState<[first: number, end: number]>([0, 0]);
  const look = useCallback(() => {
    const top = window.scrollY - margin;
    const first = Math.max(0, last(offsets, top) - around);
    const end = Math.min(count, last(offsets, top + window.innerHeight) + 1 + around);
    setRange((old) => (old[0] === first && old[1] === end ? old : [first, end]));
  }, [offsets, margin, count, around]);
  useLayoutEffect(look, [look]);
  useEffect(() => {
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [look]);

  const now = useRef({ keyOf, offsets, margin, estimate });
  now.current = { keyOf, offsets, margin, estimate };
  const observer = useRef<ResizeObserver>(undefined);
  const measure = useCallback((el: HTMLElement | null) => {
    if (!el) return undefined;
    observer.current ??= new ResizeObserver((entries) => {
      const { keyOf, offsets, margin, estimate } = now.current;
      let changed = false;
      let above = 0;
      for (const e of entries) {
        const row = e.target as HTMLElement;
        const i = Number(row.dataset.index);
        if (!row.isConnected || i >= offsets.length - 1) continue;
        const size = row.offsetHeight;
        const old = sizes.current.get(keyOf(i)) ?? estimate;
        if (size === 0 || size === old) continue;
        sizes.current.set(keyOf(i), size);
        changed = true;
        if (offsets[i + 1]! <= window.scrollY - margin) above += size - old;
      }
      if (changed) setMeasured((n) => n + 1);
      // What changed above the window must not move what is in it.
      if (above !== 0) window.scrollBy(0, above);
    });
    const o = observer.current;
    o.observe(el);
    return () => o.unobserve(el);
  }, []);
  useEffect(() => () => observer.current?.disconnect(), []);

  const show = useCallback(
    (index: number) => {
      const top = (offsets[index] ?? 0) + margin;
      const bottom = (offsets[index + 1] ?? top) + margin;
      if (top < window.scrollY + covered) window.scrollTo({ top: top - covered });
      else if (bottom > window.scrollY + window.innerHeight) window.scrollTo({ top: bottom - window.innerHeight });
      look();
    },
    [offsets, margin, covered, look],
  );
  const items = [];
  for (let i = Math.min(range[0], count); i < Math.min(range[1], count); i++) items.push({ index: i, start: offsets[i]! });
  return { items, height: offsets[count] ?? 0, measure, show };
}
