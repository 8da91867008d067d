import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

export interface Rows {
  /** What is in view, with some around it, from top to bottom. */
  items: { index: number; start: number }[];
  /** Height of all rows. */
  height: number;
  /** Where a row begins, below the top of the first. */
  start: (index: number) => number;
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

/** Stack is how high rows are and where each begins; the last offset is the end of all. */
export interface Stack {
  heights: Float64Array;
  offsets: Float64Array;
}

/** stack puts rows below each other. */
export function stack(count: number, heightOf: (index: number) => number): Stack {
  const s = { heights: new Float64Array(count), offsets: new Float64Array(count + 1) };
  for (let i = 0; i < count; i++) s.heights[i] = heightOf(i);
  settle(s, 0);
  return s;
}

/** settle puts the rows from one on where their heights say. */
export function settle({ heights, offsets }: Stack, from: number): void {
  for (let i = from; i < heights.length; i++) offsets[i + 1] = offsets[i]! + heights[i]!;
}

const middleOf = (list: number[]) => list.sort((a, b) => a - b)[list.length >> 1]!;

/**
 * useRows tells which of many rows below each other the window shows. Rows may be of
 * any height; those not seen yet count as high as most that were, and until one was,
 * as estimate says (a function is believed). box is the element that holds them,
 * covered how much of the window's top is under something that stays, and keep a row
 * that is there wherever the window is: the one that has or gets the focus. Scrolling
 * reads no layout and draws who calls this only where other rows come into view.
 */
export function useRows({
  box,
  count,
  keyOf,
  estimate,
  covered,
  around,
  keep,
}: {
  box: RefObject<HTMLElement | null>;
  count: number;
  keyOf: (index: number) => string;
  estimate: number | ((index: number) => number);
  covered: number;
  around: number;
  keep?: number;
}): Rows {
  const sizes = useRef(new Map<string, number>());
  const usual = useRef<number>(undefined);
  // The stack is changed where it stands; this tells that it was.
  const [, setMeasured] = useState(0);
  const rows = useMemo(() => {
    const guess = typeof estimate === "function" ? estimate : () => usual.current ?? estimate;
    return stack(count, (i) => sizes.current.get(keyOf(i)) ?? guess(i));
  }, [count, keyOf, estimate]);
  const margin = useRef(0);
  const [range, setRange] = useState<[first: number, end: number]>([0, 0]);
  const look = useCallback(() => {
    const top = window.scrollY - margin.current;
    const first = Math.max(0, last(rows.offsets, top) - around);
    const end = Math.min(count, last(rows.offsets, top + window.innerHeight) + 1 + around);
    setRange((old) => (old[0] === first && old[1] === end ? old : [first, end]));
  }, [rows, count, around]);
  // Where the rows begin changes with what stands above them, which shows in the height of the page.
  useLayoutEffect(() => {
    const place = () => {
      if (box.current) margin.current = box.current.getBoundingClientRect().top + window.scrollY;
      look();
    };
    place();
    const page = new ResizeObserver(place);
    page.observe(document.body);
    return () => page.disconnect();
  }, [box, look]);
  useEffect(() => {
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [look]);

  const now = useRef({ keyOf, rows, look, estimate });
  now.current = { keyOf, rows, look, estimate };
  const observer = useRef<ResizeObserver>(undefined);
  const measure = useCallback((el: HTMLElement | null) => {
    if (!el) return undefined;
    observer.current ??= new ResizeObserver((entries) => {
      const { keyOf, rows, look, estimate } = now.current;
      const seen: number[] = [];
      let from = rows.heights.length;
      const top = last(rows.offsets, window.scrollY - margin.current);
      const before = rows.offsets[top]!;
      for (const e of entries) {
        const i = Number((e.target as HTMLElement).dataset.index);
        const size = e.borderBoxSize[0]?.blockSize ?? 0;
        if (!e.target.isConnected || i >= rows.heights.length || size === 0) continue;
        seen.push(size);
        sizes.current.set(keyOf(i), size);
        if (Math.abs(size - rows.heights[i]!) < 0.01) continue;
        rows.heights[i] = size;
        from = Math.min(from, i);
      }
      if (typeof estimate === "number" && usual.current === undefined && seen.length > 0) {
        const most = middleOf(seen);
        usual.current = most;
        for (let i = 0; i < rows.heights.length; i++) rows.heights[i] = sizes.current.get(keyOf(i)) ?? most;
        from = 0;
      }
      if (from === rows.heights.length) return;
      settle(rows, from);
      setMeasured((n) => n + 1);
      // What changed above the window must not move what is in it.
      const moved = rows.offsets[top]! - before;
      if (moved !== 0) window.scrollBy(0, moved);
      look();
    });
    const o = observer.current;
    o.observe(el);
    return () => o.unobserve(el);
  }, []);
  useEffect(() => () => observer.current?.disconnect(), []);

  const show = useCallback(
    (index: number) => {
      const top = (rows.offsets[index] ?? 0) + margin.current;
      const bottom = (rows.offsets[index + 1] ?? top) + margin.current;
      if (top < window.scrollY + covered) window.scrollTo({ top: top - covered });
      else if (bottom > window.scrollY + window.innerHeight) window.scrollTo({ top: bottom - window.innerHeight });
      look();
    },
    [rows, covered, look],
  );
  const items: Rows["items"] = [];
  const add = (index: number) => items.push({ index, start: rows.offsets[index]! });
  const [first, end] = [Math.min(range[0], count), Math.min(range[1], count)];
  const kept = keep !== undefined && keep < count ? keep : undefined;
  if (kept !== undefined && kept < first) add(kept);
  for (let i = first; i < end; i++) add(i);
  if (kept !== undefined && kept >= end) add(kept);
  return { items, height: rows.offsets[count] ?? 0, start: (i) => rows.offsets[i] ?? 0, measure, show };
}
