import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { useAddress } from "../../ui/address";
import { cx } from "../../ui/cx";
import { Disclosure, Section, Segmented } from "../../ui/parts";
import { ErrorText, Skeleton } from "../../ui/state";
import { date, dateTime } from "../../ui/time";
import { plural, word } from "../../ui/words";
import { type Range, rangeOf, type Span, type Step, stepLine, steps } from "./trend-data";

/** How many rows of the history a trend looks back: enough for years of most products. */
const pages = 5;

/** Trend shows how current and verified risk moved, and what moved them. */
export function Trend({ overview: o }: { overview: S["OverviewView"] }) {
  const product = o.product.id;
  const [search, set] = useAddress();
  const of = search.trend === "sum" ? "sum" : "highest";
  const span: Span = search.span === "30" || search.span === "90" ? search.span : "all";
  const q = useQuery({
    queryKey: keys.product(product, "ratings-history"),
    queryFn: async ({ signal }) => {
      const out: S["RatingChange"][] = [];
      let cursor: string | undefined;
      for (let n = 0; n < pages; n++) {
        const page = await ok(
          api.GET("/products/{product}/ratings/history", { params: { path: { product }, query: { cursor, limit: 1000 } }, signal }),
        );
        out.push(...(page.items ?? []));
        cursor = page.next;
        if (!cursor) break;
      }
      return { changes: out, more: !!cursor, at: Date.now() };
    },
  });
  const risk = o.product.risk;
  const currentNow = of === "highest" ? o.highest.current : o.sum.current + risk.carried.sum.current + risk.out_of_scope.sum.current;
  const verifiedNow = of === "highest" ? o.highest.verified : o.sum.verified + risk.carried.sum.verified + risk.out_of_scope.sum.verified;
  const all = useMemo(() => steps(q.data?.changes ?? [], of, { current: currentNow, verified: verifiedNow }), [q.data, of, currentNow, verifiedNow]);
  const range = rangeOf(all, span, q.data?.at ?? 0);
  return (
    <Section
      title="Trend"
      about={of === "sum" ? "Sum of all threats, accepted ones included" : "The highest open threat"}
      actions={
        <>
          <Segmented
            label="Which risk the trend shows"
            value={of}
            onChange={(v) => set({ trend: v === "sum" ? v : undefined })}
            options={[
              { value: "highest", text: "Highest" },
              { value: "sum", text: "Sum" },
            ]}
          />
          <Segmented<Span>
            label="How far back"
            value={span}
            onChange={(v) => set({ span: v === "all" ? undefined : v })}
            options={[
              { value: "30", text: "30 d" },
              { value: "90", text: "90 d" },
              { value: "all", text: "All" },
            ]}
          />
        </>
      }
    >
      {q.error && !q.data ? (
        <ErrorText error={q.error} />
      ) : !q.data ? (
        <Skeleton className="h-[268px]" />
      ) : (
        <Chart all={all} range={range} product={product} fixed={of === "highest"} />
      )}
      {q.data?.more && <p className="mt-2 text-soft text-xs">What happened longer ago is in the history.</p>}
    </Section>
  );
}

const height = 200;

function Chart({ all, range, product, fixed }: { all: Step[]; range: Range; product: string; fixed: boolean }) {
  const [at, setAt] = useState<number>();
  const marks = useRef<HTMLDivElement>(null);
  const shown = all.filter((s) => s.at >= range.from && s.at <= range.to);
  const current = stepLine(all, "current", range);
  const verified = stepLine(all, "verified", range);
  const most = Math.max(...verified.map((p) => p.y), 1);
  const top = fixed ? 100 : niceTop(most);
  const y = (v: number) => (1 - v / top) * 100;
  const x = (s: Step) => ((s.at - range.from) / (range.to - range.from)) * 100;
  const path = (points: { x: number; y: number }[]) =>
    points.map((p, i) => `${i ? "L" : "M"}${(p.x * 100).toFixed(3)} ${y(p.y).toFixed(3)}`).join("");
  const gap = `${path(verified)}${[...current]
    .reverse()
    .map((p) => `L${(p.x * 100).toFixed(3)} ${y(p.y).toFixed(3)}`)
    .join("")}Z`;
  const step = at === undefined ? undefined : shown[at];
  const move = (e: KeyboardEvent) => {
    const i = at ?? shown.length - 1;
    const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: shown.length - 1 }[e.key];
    if (e.key === "Escape") setAt(undefined);
    if (to === undefined) return;
    e.preventDefault();
    marks.current?.querySelector<HTMLElement>(`[data-i="${Math.max(0, Math.min(shown.length - 1, to))}"]`)?.focus();
  };
  if (all.length === 0)
    return (
      <p className="py-16 text-center text-soft text-sm">
        Nothing has moved the ratings yet. From the first threat on, every change is drawn here with its cause.
      </p>
    );
  return (
    <>
      <div className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2">
        <div aria-hidden className="num relative w-9 text-end text-2xs text-soft" style={{ height }}>
          {[1, 0.75, 0.5, 0.25, 0].map((t) => (
            <span key={t} className="absolute end-0 -translate-y-1/2 whitespace-nowrap" style={{ top: `${(1 - t) * 100}%` }}>
              {compact(t * top)}
            </span>
          ))}
        </div>
        {/* The chart reads from left to right in every script. */}
        <div dir="ltr" className="relative" style={{ height }}>
          <svg aria-hidden className="absolute inset-0 size-full overflow-visible" viewBox="0 0 100 100" preserveAspectRatio="none">
            <defs>
              <pattern id="trend-gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="scale(0.2 0.6) rotate(45)">
                <rect width="2" height="6" fill="currentColor" />
              </pattern>
            </defs>
            {[0, 25, 50, 75, 100].map((v) => (
              <line key={v} x1="0" x2="100" y1={v} y2={v} className="stroke-line" vectorEffect="non-scaling-stroke" />
            ))}
            <path d={gap} className="text-accent/35" fill="url(#trend-gap)" />
            <path d={path(verified)} fill="none" className="stroke-soft" strokeWidth="1.5" strokeDasharray="4 3" vectorEffect="non-scaling-stroke" />
            <path d={path(current)} fill="none" className="stroke-accent" strokeWidth="2" strokeLinejoin="round" vectorEffect="non-scaling-stroke" />
            {step && <line x1={x(step)} x2={x(step)} y1="0" y2="100" className="stroke-control" vectorEffect="non-scaling-stroke" />}
          </svg>
          <div
            ref={marks}
            role="group"
            aria-label="What moved the rating; arrow keys go from cause to cause"
            onKeyDown={move}
            onPointerLeave={() => setAt(undefined)}
            className="absolute inset-0"
          >
            {shown.map((s, i) => (
              <button
                key={`${s.at} ${s.text}`}
                type="button"
                data-i={i}
                tabIndex={i === (at ?? shown.length - 1) ? 0 : -1}
                aria-label={`${dateTime(new Date(s.at))}: ${s.text}. Current ${Math.round(s.before.current)} to ${Math.round(s.current)}, verified ${Math.round(s.before.verified)} to ${Math.round(s.verified)}.`}
                onPointerEnter={() => setAt(i)}
                onFocus={() => setAt(i)}
                onBlur={() => setAt(undefined)}
                className="group absolute grid size-6 -translate-1/2 place-items-center rounded-full"
                style={{ left: `${x(s)}%`, top: `${y(s.current)}%` }}
              >
                <span
                  className={cx(
                    "size-2 rounded-full border-2 border-surface bg-accent outline outline-accent transition-transform",
                    i === at && "scale-150",
                    s.current === s.before.current && s.verified === s.before.verified && "bg-surface",
                  )}
                />
              </button>
            ))}
          </div>
          {step && <Callout step={step} x={x(step)} low={y(step.current) > 45} />}
        </div>
        <div aria-hidden className="num relative col-start-2 flex h-6 items-end justify-between text-2xs text-soft">
          <span>{moment(range.from, range)}</span>
          <span>{moment((range.from + range.to) / 2, range)}</span>
          <span>now</span>
        </div>
      </div>
      <p className="mt-2 flex flex-wrap gap-x-4 gap-y-1 text-soft text-xs">
        <span className="inline-flex items-center gap-1.5">
          <span aria-hidden className="w-5 border-accent border-t-2" /> Current
        </span>
        <span className="inline-flex items-center gap-1.5">
          <span aria-hidden className="w-5 border-soft border-t-2 border-dashed" /> Verified
        </span>
        <span className="inline-flex items-center gap-1.5">
          <span aria-hidden className="hatch h-2.5 w-5 text-accent/50" /> Assurance gap
        </span>
        <span className="inline-flex items-center gap-1.5">
          <span aria-hidden className="size-2 rounded-full bg-accent" /> A cause; hollow where it moved other threats only
        </span>
      </p>
      <div className="mt-2">
        <Disclosure summary={`Causes as a list (${shown.length.toLocaleString("en")})`}>
          <Causes steps={shown} product={product} />
        </Disclosure>
      </div>
    </>
  );
}

function Callout({ step: s, x, low }: { step: Step; x: number; low: boolean }) {
  return (
    <div
      aria-hidden
      className={cx(
        "pointer-events-none absolute z-10 w-60 max-w-[80%] rounded-md border border-line bg-surface px-3 py-2 text-xs shadow-float",
        low ? "top-1" : "bottom-1",
      )}
      style={x > 50 ? { right: `calc(${100 - x}% + 12px)` } : { left: `calc(${x}% + 12px)` }}
    >
      <p className="text-soft">{dateTime(new Date(s.at))}</p>
      <p className="mt-0.5 line-clamp-3 font-medium">{s.text}</p>
      <p className="num mt-1">
        Current {from(s.before.current, s.current)}
        <br />
        Verified {from(s.before.verified, s.verified)}
      </p>
      {s.moved.length > 0 && <p className="mt-1 text-soft">{plural(s.moved.length, "threat")} moved</p>}
    </div>
  );
}

const from = (a: number, b: number) => (Math.round(a) === Math.round(b) ? `stays at ${compact(b)}` : `${compact(a)} → ${compact(b)}`);

function Causes({ steps: list, product }: { steps: Step[]; product: string }) {
  const [all, setAll] = useState(false);
  const newest = [...list].reverse();
  return (
    <>
      <ul className="grid divide-y divide-line">
        {newest.slice(0, all ? undefined : 12).map((s) => (
          <li key={`${s.at} ${s.text}`} className="grid gap-x-4 gap-y-0.5 py-2 text-sm sm:grid-cols-[9.5rem_minmax(0,1fr)_auto]">
            <time dateTime={new Date(s.at).toISOString()} className="num text-soft text-xs leading-5">
              {dateTime(new Date(s.at))}
            </time>
            <div className="min-w-0">
              <span className="text-soft">{word(s.kind)}: </span>
              <bdi>{s.text}</bdi>
              {s.moved.length > 0 && (
                <p className="text-soft text-xs">
                  {s.moved.slice(0, 3).map((m, i) => (
                    <span key={m.threat}>
                      {i > 0 && " · "}
                      <Link to="/products/$product/threats" params={{ product }} search={{ open: m.threat } as never} className="link">
                        <bdi>{m.title || "a threat that is gone"}</bdi>
                      </Link>{" "}
                      <span className="num">
                        {Math.round(m.from)} → {Math.round(m.to)}
                      </span>
                    </span>
                  ))}
                  {s.moved.length > 3 && ` and ${s.moved.length - 3} more`}
                </p>
              )}
            </div>
            <span className="num whitespace-nowrap text-soft text-xs leading-5">
              {Math.round(s.before.current) !== Math.round(s.current)
                ? `${compact(s.before.current)} → ${compact(s.current)}`
                : "no change of the figure"}
            </span>
          </li>
        ))}
      </ul>
      {newest.length > 12 && !all && (
        <button type="button" className="link mt-1 text-sm" onClick={() => setAll(true)}>
          Show all {newest.length.toLocaleString("en")}
        </button>
      )}
    </>
  );
}

function niceTop(n: number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(n, 10))) / 2;
  return Math.ceil(n / step) * step;
}

const compact = (n: number) => Math.round(n).toLocaleString("en");

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });

function moment(t: number, range: Range): string {
  return range.to - range.from < 86_400_000 * 2 ? clock.format(t) : date(new Date(t));
}
