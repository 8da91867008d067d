import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Boxes, ClipboardCheck, FileCheck2, FlaskConical, Gauge, MessageSquare, Package, Ticket, Users } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { Button } from "../../ui/button";
import { Section } from "../../ui/parts";
import { ErrorText, Skeleton } from "../../ui/state";
import { Ago, ago } from "../../ui/time";

/** From when on a person sees news: it stays the same while the tab is open, though the visit itself moves on. */
const started = new Map<string, { from: string; first: boolean }>();

const week = 7 * 86_400_000;
const kinds: Record<string, typeof Gauge> = {
  rating: Gauge,
  plan: ClipboardCheck,
  model: Boxes,
  ticket: Ticket,
  test: FlaskConical,
  acceptance: FileCheck2,
  product: Package,
  comment: MessageSquare,
  people: Users,
};
const few = 6;

/** Since tells what happened since the last visit, and notes that the person is here now. */
export function Since({ product }: { product: string }) {
  const [all, setAll] = useState(false);
  const [seen, setSeen] = useState(0);
  const q = useQuery({
    queryKey: keys.product(product, "since", seen),
    queryFn: async ({ signal }) => {
      const known = started.get(product);
      const r = await ok(api.GET("/products/{product}/since", { params: { path: { product }, query: { from: known?.from } }, signal }));
      const start = known ?? { from: r.since ?? new Date(Date.now() - week).toISOString(), first: !r.since };
      started.set(product, start);
      return { ...r, ...start };
    },
  });
  const read = q.isSuccess;
  useEffect(() => {
    if (!read) return;
    const visit = () => void api.PUT("/products/{product}/visit", { params: { path: { product } } }).catch(() => undefined);
    const timer = setTimeout(visit, 4000);
    return () => clearTimeout(timer);
  }, [product, read]);
  const items = q.data?.items ?? [];
  return (
    <Section
      title="Since your last visit"
      about={q.data ? (q.data.first ? "The last seven days" : `You were here ${ago(q.data.from)}`) : "…"}
      flush
      actions={
        items.length > 0 && (
          <Button
            size="sm"
            look="ghost"
            onClick={() => {
              started.set(product, { from: new Date().toISOString(), first: false });
              setSeen((n) => n + 1);
            }}
          >
            Seen
          </Button>
        )
      }
    >
      {q.error && !q.data ? (
        <div className="p-4">
          <ErrorText error={q.error} />
        </div>
      ) : !q.data ? (
        <div className="p-4">
          <Skeleton className="h-40" />
        </div>
      ) : items.length === 0 ? (
        <p className="px-4 pt-1 pb-4 text-soft text-sm">Nothing has changed.</p>
      ) : (
        <>
          {q.data.ratings.then.inherent > 0 && q.data.ratings.then.current !== q.data.ratings.now.current && (
            <p className="px-4 pt-1 pb-1 text-sm">
              The highest threat went from <strong className="num font-semibold">{q.data.ratings.then.current}</strong> to{" "}
              <strong className="num font-semibold">{q.data.ratings.now.current}</strong>.
            </p>
          )}
          <ul className="divide-y divide-line pt-1">
            {items.slice(0, all ? undefined : few).map((i, n) => {
              const Icon = kinds[i.kind] ?? Boxes;
              return (
                <li key={`${i.at} ${n}`}>
                  <ObjectLink product={product} object={i.object}>
                    <Icon aria-hidden size={15} className="mt-0.5 shrink-0 text-soft" />
                    <span className="min-w-0 flex-1">
                      <bdi className="wrap-anywhere line-clamp-6">{i.text}</bdi>
                      <span className="block text-soft text-xs">
                        {i.actor_name && (
                          <>
                            <bdi>{i.actor_name}</bdi> ·{" "}
                          </>
                        )}
                        <Ago at={i.at} />
                      </span>
                    </span>
                  </ObjectLink>
                </li>
              );
            })}
          </ul>
          {(items.length > few || q.data.more) && (
            <p className="flex flex-wrap gap-x-4 border-line border-t px-4 py-2.5 text-sm">
              {items.length > few && (
                <button type="button" className="link" aria-expanded={all} onClick={() => setAll(!all)}>
                  {all ? "Show fewer" : `Show all ${items.length}`}
                </button>
              )}
              <Link to="/products/$product/history" params={{ product }} className="link">
                History
              </Link>
            </p>
          )}
        </>
      )}
    </Section>
  );
}

/** ObjectLink leads to what a line is about, where it has a place. */
function ObjectLink({ product, object, children }: { product: string; object?: string; children: ReactNode }) {
  const look = "flex items-start gap-2.5 px-4 py-2 text-sm";
  const [kind, id] = (object ?? "").split("/", 2);
  const place = {
    threat: "threats",
    weakness: "threats",
    countermeasure: "countermeasures",
    run: "tests",
    ticket: "tickets",
    component: "diagram",
    flow: "diagram",
    zone: "diagram",
    diagram: "diagram",
  }[kind ?? ""];
  if (!place || !id || kind === "weakness") return <div className={look}>{children}</div>;
  const search = place === "tests" ? { run: id } : place === "diagram" ? { select: id } : { open: id };
  return (
    <Link
      to={`/products/$product/${place}` as "/products/$product/threats"}
      params={{ product }}
      search={search as never}
      className={`${look} -outline-offset-2 hover:bg-raised/60`}
    >
      {children}
    </Link>
  );
}
