import {
  cloneElement,
  type FocusEvent,
  type PointerEvent,
  type ReactElement,
  type ReactNode,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { createPortal } from "react-dom";
import { Kbd } from "./kbd";

type Side = "top" | "right" | "bottom" | "left";

interface Trigger {
  "aria-describedby"?: string;
  onPointerEnter?: (e: PointerEvent<HTMLElement>) => void;
  onPointerLeave?: (e: PointerEvent<HTMLElement>) => void;
  onPointerDown?: (e: PointerEvent<HTMLElement>) => void;
  onFocus?: (e: FocusEvent<HTMLElement>) => void;
  onBlur?: (e: FocusEvent<HTMLElement>) => void;
}

const delay = 400;
const gap = 6;
// The next tooltip comes at once while one was just seen.
let seen = 0;

/** Tooltip names what it is around; keys shows the keys that do the same. */
export function Tooltip({ text, keys, children, side = "top" }: { text: ReactNode; keys?: string; children: ReactElement; side?: Side }) {
  const id = useId();
  const [anchor, setAnchor] = useState<HTMLElement>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const close = useCallback(() => {
    clearTimeout(timer.current);
    setAnchor((old) => {
      if (old) seen = Date.now();
      return undefined;
    });
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  const trigger = children as ReactElement<Trigger>;
  const p = trigger.props;
  return (
    <>
      {cloneElement(trigger, {
        "aria-describedby": anchor ? [p["aria-describedby"], id].filter(Boolean).join(" ") : p["aria-describedby"],
        onPointerEnter: (e) => {
          p.onPointerEnter?.(e);
          const el = e.currentTarget;
          if (e.pointerType === "touch" || e.buttons !== 0) return;
          clearTimeout(timer.current);
          timer.current = setTimeout(() => setAnchor(el), Date.now() - seen < 300 ? 0 : delay);
        },
        onPointerLeave: (e) => {
          p.onPointerLeave?.(e);
          close();
        },
        onPointerDown: (e) => {
          p.onPointerDown?.(e);
          close();
        },
        onFocus: (e) => {
          p.onFocus?.(e);
          if (e.currentTarget.matches(":focus-visible")) setAnchor(e.currentTarget);
        },
        onBlur: (e) => {
          p.onBlur?.(e);
          close();
        },
      })}
      {anchor &&
        createPortal(
          <Bubble id={id} anchor={anchor} side={side} onClose={close} text={text} keys={keys} />,
          // In the landmark of its trigger: what stands in none is passed over by who moves from one to the next.
          anchor.closest("main, header") ?? document.body,
        )}
    </>
  );
}

function Bubble({
  id,
  anchor,
  side,
  onClose,
  text,
  keys,
}: {
  id: string;
  anchor: HTMLElement;
  side: Side;
  onClose: () => void;
  text: ReactNode;
  keys?: string;
}) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const a = anchor.getBoundingClientRect();
    const w = el.offsetWidth;
    const h = el.offsetHeight;
    const over = side === "top" && a.top - h - gap < 4 ? "bottom" : side === "bottom" && a.bottom + h + gap > window.innerHeight - 4 ? "top" : side;
    const left = over === "left" ? a.left - w - gap : over === "right" ? a.right + gap : a.left + a.width / 2 - w / 2;
    const top = over === "top" ? a.top - h - gap : over === "bottom" ? a.bottom + gap : a.top + a.height / 2 - h / 2;
    el.style.left = `${Math.max(8, Math.min(window.innerWidth - w - 8, left))}px`;
    el.style.top = `${Math.max(4, Math.min(window.innerHeight - h - 4, top))}px`;
  });
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if (e.key === "Escape") onClose();
    };
    window.addEventListener("keydown", key);
    window.addEventListener("scroll", onClose, { passive: true, capture: true });
    return () => {
      window.removeEventListener("keydown", key);
      window.removeEventListener("scroll", onClose, { capture: true });
    };
  }, [onClose]);
  return (
    <div
      ref={box}
      id={id}
      role="tooltip"
      className="pointer-events-none fixed z-60 flex max-w-72 animate-in items-center gap-2 rounded-md bg-text px-2 py-1 text-bg text-xs shadow-float"
    >
      {text}
      {keys && <Kbd inverse keys={keys} />}
    </div>
  );
}
