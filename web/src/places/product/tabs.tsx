import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { type RefObject, useEffect, useRef, useState } from "react";
import { productPlaces } from "../../app/places";
import { cx } from "../../ui/cx";
import { Count } from "../../ui/parts";
import { planSummaryQuery, waitingIn } from "./waiting";

/** ProductTabs leads to the places of a product; on a narrow screen it scrolls, and shows that it does. */
export function ProductTabs({ product, path, plan }: { product: string; path: string; plan: boolean }) {
  const list = useRef<HTMLUListElement>(null);
  const { before, after } = useEdges(list);
  const waiting = waitingIn(useQuery({ ...planSummaryQuery(product), enabled: plan }).data);
  useEffect(() => {
    list.current?.querySelector(`[data-path="${path}"]`)?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [path]);
  const scroll = (by: number) => list.current?.scrollBy({ left: by * 0.7 * list.current.clientWidth, behavior: "smooth" });
  return (
    <nav aria-label="Places of the product" className="relative -mb-px">
      <ul ref={list} className="relative flex gap-5 overflow-x-auto [scrollbar-width:none]">
        {productPlaces.map((t) => (
          <li key={t.path} className="shrink-0">
            <Link
              data-path={t.path}
              to={`/products/$product/${t.path}` as "/products/$product/overview"}
              params={{ product }}
              activeOptions={{ includeSearch: false }}
              className="inline-flex h-10 items-center gap-1.5 border-transparent border-b-2 text-sm text-soft -outline-offset-2 hover:text-text [&[aria-current=page]]:border-accent [&[aria-current=page]]:text-text"
            >
              {t.name}
              {t.path === "review" && waiting > 0 && (
                <>
                  <Count n={waiting} tone="accent" />
                  <span className="sr-only">waiting</span>
                </>
              )}
            </Link>
          </li>
        ))}
      </ul>
      <Edge side="start" shown={before} onPress={() => scroll(-1)} />
      <Edge side="end" shown={after} onPress={() => scroll(1)} />
    </nav>
  );
}

/** Edge fades what goes on beyond the screen, and brings it in. The keyboard scrolls by moving on, so it is only for the pointer. */
function Edge({ side, shown, onPress }: { side: "start" | "end"; shown: boolean; onPress: () => void }) {
  if (!shown) return null;
  const Icon = side === "end" ? ChevronRight : ChevronLeft;
  return (
    <button
      type="button"
      aria-hidden
      tabIndex={-1}
      onClick={onPress}
      className={cx(
        "absolute inset-y-0 flex w-12 items-center from-surface via-surface/85 to-transparent text-soft",
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
