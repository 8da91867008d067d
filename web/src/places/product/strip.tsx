import { ChevronLeft, ChevronRight } from "lucide-react";
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { cx } from "../../ui/cx";

/** stripLink is the look of a link in a Strip. */
export const stripLink =
  "inline-flex h-10 items-center gap-1.5 border-transparent border-b-2 text-sm text-soft -outline-offset-2 hover:text-text [&[aria-current=page]]:border-accent [&[aria-current=page]]:text-text";

/**
 * Strip is a row of links to places that belong together. On a narrow screen it
 * scrolls, shows that it does, and brings the place that is open into sight: the
 * item with at as its data-path.
 */
export function Strip({
  label,
  at,
  ground = "surface",
  className,
  children,
}: {
  label: string;
  at: string;
  ground?: "surface" | "bg";
  className?: string;
  children: ReactNode;
}) {
  const list = useRef<HTMLUListElement>(null);
  const { before, after } = useEdges(list);
  useEffect(() => {
    list.current?.querySelector(`[data-path="${at}"]`)?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [at]);
  const scroll = (by: number) => list.current?.scrollBy({ left: by * 0.7 * list.current.clientWidth, behavior: "smooth" });
  return (
    <nav aria-label={label} className={cx("relative", className)}>
      <ul ref={list} className="relative flex gap-5 overflow-x-auto [scrollbar-width:none]">
        {children}
      </ul>
      <Edge side="start" ground={ground} shown={before} onPress={() => scroll(-1)} />
      <Edge side="end" ground={ground} shown={after} onPress={() => scroll(1)} />
    </nav>
  );
}

/** Edge fades what goes on beyond the screen, and brings it in. The keyboard scrolls by moving on, so it is only for the pointer. */
function Edge({ side, ground, shown, onPress }: { side: "start" | "end"; ground: "surface" | "bg"; shown: boolean; onPress: () => void }) {
  if (!shown) return null;
  const Icon = side === "end" ? ChevronRight : ChevronLeft;
  return (
    <button
      type="button"
      aria-hidden
      tabIndex={-1}
      onClick={onPress}
      className={cx(
        "absolute inset-y-0 flex w-12 items-center to-transparent text-soft",
        ground === "surface" ? "from-surface via-surface/85" : "from-bg via-bg/85",
        side === "end" ? "end-0 justify-end bg-linear-to-l" : "start-0 justify-start bg-linear-to-r",
      )}
    >
      <Icon size={16} />
    </button>
  );
}

/** useEdges tells on which sides of a scrolling list something is out of view. */
function useEdges(list: RefObject<HTMLElement | null>): { before: boolean; after: boolean } {
  const [edges, setEdges] = useState({ before: false, after: false });
  useEffect(() => {
    const el = list.current;
    if (!el) return;
    const look = () => {
      const at = Math.abs(el.scrollLeft);
      const now = { before: at > 4, after: at + el.clientWidth < el.scrollWidth - 4 };
      setEdges((old) => (old.before === now.before && old.after === now.after ? old : now));
    };
    const resized = new ResizeObserver(look);
    resized.observe(el);
    el.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      resized.disconnect();
      el.removeEventListener("scroll", look);
    };
  }, [list]);
  return edges;
}
