import { type CSSProperties, type PointerEvent, type RefObject, useCallback, useEffect, useRef, useState } from "react";

/** Held is a tab while it is being dragged: where each stood on the screen when it began, and how far it is. */
interface Held {
  from: number;
  to: number;
  by: number;
  boxes: { left: number; width: number }[];
}

const far = 4; // pixels until a press is a drag
const edge = 28; // pixels at the ends of the row in which it scrolls along

/**
 * useTabDrag lets a row of tabs ([data-tab]) be put into another order with the mouse. The
 * others make room while one is dragged; Escape lets go. A finger scrolls the row as before.
 */
export function useTabDrag(row: RefObject<HTMLElement | null>, enabled: boolean, drop: (from: number, to: number) => void) {
  const [held, setHeld] = useState<Held>();
  const press = useRef<{ x: number; scroll: number; from: number; pointer: number }>(undefined);
  const dragged = useRef(false);
  const end = useCallback(() => {
    press.current = undefined;
    setHeld(undefined);
  }, []);
  useEffect(() => {
    if (!held) return;
    const letGo = (e: KeyboardEvent) => {
      if (e.key !== "Escape") return;
      e.stopPropagation();
      end();
    };
    window.addEventListener("keydown", letGo, true);
    return () => window.removeEventListener("keydown", letGo, true);
  }, [held, end]);

  const down = (e: PointerEvent<HTMLElement>) => {
    dragged.current = false;
    const tab = (e.target as Element).closest("[data-tab]");
    if (!enabled || !row.current || !tab || e.button !== 0 || e.pointerType === "touch") return;
    const from = [...row.current.querySelectorAll("[data-tab]")].indexOf(tab);
    press.current = { x: e.clientX, scroll: row.current.scrollLeft, from, pointer: e.pointerId };
  };
  const move = (e: PointerEvent<HTMLElement>) => {
    const p = press.current;
    const nav = row.current;
    if (!p || !nav || e.pointerId !== p.pointer) return;
    if (!held && Math.abs(e.clientX - p.x) < far) return;
    if (!held) {
      dragged.current = true;
      nav.setPointerCapture(e.pointerId);
    }
    const room = nav.getBoundingClientRect();
    if (e.clientX > room.right - edge) nav.scrollLeft += 8;
    else if (e.clientX < room.left + edge) nav.scrollLeft -= 8;
    const boxes =
      held?.boxes ??
      [...nav.querySelectorAll("[data-tab]")].map((t) => {
        const b = t.getBoundingClientRect();
        return { left: b.left + nav.scrollLeft, width: b.width };
      });
    const [one, first, last] = [boxes[p.from]!, boxes[0]!, boxes.at(-1)!];
    // It stays within the row.
    const by = Math.min(Math.max(e.clientX - p.x + nav.scrollLeft - p.scroll, first.left - one.left), last.left + last.width - one.left - one.width);
    setHeld({ from: p.from, to: onto(boxes, p.from, by), by, boxes });
  };
  const up = (e: PointerEvent<HTMLElement>) => {
    if (held && e.pointerId === press.current?.pointer && held.to !== held.from) drop(held.from, held.to);
    end();
  };
  return {
    /** The index of the tab that is being dragged. */
    of: held?.from,
    handlers: {
      onPointerDown: down,
      onPointerMove: move,
      onPointerUp: up,
      onPointerCancel: end,
      // What was dragged is not opened.
      onClickCapture: (e: { stopPropagation: () => void }) => {
        if (dragged.current) e.stopPropagation();
        dragged.current = false;
      },
    },
    style: (n: number): CSSProperties | undefined => {
      if (!held) return undefined;
      if (n === held.from) return { transform: `translateX(${held.by}px)` };
      const width = held.boxes[held.from]!.width + 2;
      const shift = n > held.from && n <= held.to ? -width : n < held.from && n >= held.to ? width : 0;
      return { transform: `translateX(${shift}px)`, transition: "transform 120ms" };
    },
  };
}

/** onto is the place of the row over which the middle of a tab is that was moved so far. */
function onto(boxes: Held["boxes"], from: number, by: number): number {
  const one = boxes[from]!;
  let to = from;
  boxes.forEach((b, n) => {
    const middle = b.left + b.width / 2;
    if (n > from && one.left + one.width + by > middle) to = n;
    if (n < from && one.left + by < middle) to = Math.min(to, n);
  });
  return to;
}
