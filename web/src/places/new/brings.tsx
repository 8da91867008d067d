import { ArrowRight, Bug, ShieldCheck } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { asBand, BandBadge, Bars, bandNames, bandOf } from "../../ui/rating";
import { ErrorText, Skeleton } from "../../ui/state";
import { plural } from "../../ui/words";
import type { Preview } from "./preview";

type Item = S["BroughtItem"];

const keyOf = (i: Item) => `${i.kind} ${i.pattern ?? ""} ${i.title} ${i.where_name}`;

/** Brings shows beside the questions what the answers bring in, while they are given. */
export function Brings({
  preview: p,
  error,
  step,
}: {
  preview: Preview | undefined;
  error: unknown /** What is new is told from the start of a step on. */;
  step: string;
}) {
  const [start, setStart] = useState<{ step: string; known: Set<string> }>();
  const items = p?.brings.items ?? [];
  if (p && start?.step !== step) setStart({ step, known: new Set(items.map(keyOf)) });
  const known = start?.known;
  return (
    <section aria-label="What the answers bring in" className="card overflow-hidden">
      <div className="border-line border-b px-4 py-3.5">
        <h2 className="font-semibold text-base">{p?.before ? "What would change" : "What this brings in"}</h2>
        {p ? <Sums preview={p} /> : error ? null : <Skeleton className="mt-2 h-11" />}
      </div>
      {error !== null && error !== undefined && !p ? (
        <ErrorText error={error} className="m-3" />
      ) : (
        <div
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard
          tabIndex={0}
          role="group"
          aria-label="What comes in, one by one"
          className="max-h-[calc(100dvh-var(--top)-23rem)] overflow-y-auto px-1.5 py-1.5 -outline-offset-2"
        >
          <List items={items} known={known} more={p?.brings.more ?? 0} before={!!p?.before} ready={!!p} />
        </div>
      )}
    </section>
  );
}

function Sums({ preview: p }: { preview: Preview }) {
  const b = p.brings;
  const changed = Object.entries(p.changes ?? {}).filter(([what, n]) => n > 0 && ["change", "retire", "remove", "revive"].includes(what));
  return (
    <>
      <div role="status" className="mt-2 flex flex-wrap justify-between gap-x-3 gap-y-1">
        <Sum n={b.threats} name={b.threats === 1 ? "threat" : "threats"} />
        <Sum n={b.weaknesses} name={b.weaknesses === 1 ? "weakness" : "weaknesses"} />
        <Sum n={b.countermeasures} name={b.countermeasures === 1 ? "countermeasure" : "countermeasures"} />
      </div>
      {changed.length > 0 && <p className="mt-2 text-soft text-xs">{changed.map(([what, n]) => sentence(what, n)).join(", ")}.</p>}
      {(b.threats > 0 || p.before) && (
        <p className="mt-2.5 flex flex-wrap items-center gap-1.5 text-soft text-xs">
          Highest rating
          {p.before && p.before.current !== p.highest.current && (
            <>
              {p.before.inherent > 0 ? <Now figure={p.before.current} /> : <span>none</span>}
              <ArrowRight aria-label="becomes" size={12} />
            </>
          )}
          <Now figure={p.highest.current} />
          {!p.before && p.highest.inherent !== p.highest.current && <span className="num">of {p.highest.inherent} without countermeasures</span>}
        </p>
      )}
    </>
  );
}

const sentence = (what: string, n: number): string =>
  what === "change"
    ? `${plural(n, "thing")} would change`
    : what === "retire"
      ? `${n} would be retired`
      : what === "remove"
        ? `${n} would go`
        : `${n} would come back`;

function Now({ figure }: { figure: number }) {
  return <BandBadge band={bandOf(figure)} figure={figure} />;
}

function Sum({ n, name }: { n: number; name: string }) {
  return (
    <div className="min-w-0">
      <span className="num block font-semibold text-xl tracking-tight">{n.toLocaleString("en")}</span>
      <span className="block truncate text-soft text-xs">{name}</span>
    </div>
  );
}

const kinds: { kind: Item["kind"]; name: string; icon?: ReactNode }[] = [
  { kind: "threat", name: "Threats" },
  { kind: "weakness", name: "Weaknesses", icon: <Bug aria-hidden size={14} /> },
  { kind: "countermeasure", name: "Countermeasures", icon: <ShieldCheck aria-hidden size={14} /> },
];

function List({
  items,
  known,
  more,
  before,
  ready,
}: {
  items: Item[];
  known: Set<string> | undefined;
  more: number;
  before: boolean;
  ready: boolean;
}) {
  const groups = useMemo(
    () => kinds.map((k) => ({ ...k, items: items.filter((i) => i.kind === k.kind) })).filter((g) => g.items.length > 0),
    [items],
  );
  if (!ready) return null;
  if (groups.length === 0)
    return (
      <p className="px-2.5 py-6 text-center text-sm text-soft">
        {before ? "These answers add nothing to what is there." : "Nothing yet. Each answer shows here at once what follows from it."}
      </p>
    );
  return (
    <>
      {groups.map((g) => (
        <div key={g.kind} className="mb-1.5">
          <h3 className="px-2.5 pt-1.5 pb-1 font-medium text-soft text-xs">{g.name}</h3>
          <ul>
            {g.items.map((i, n) => {
              const fresh = !!known && !known.has(keyOf(i));
              return (
                <li
                  key={`${keyOf(i)} ${n}`}
                  className={cx("flex gap-2 rounded-md px-2.5 py-1 text-sm", fresh && "bg-accent-soft/60")}
                  title={i.because}
                >
                  <span className="mt-1 shrink-0 text-soft">{g.icon ?? <Bars band={asBand(i.band)} className="mt-0.5" />}</span>
                  <span className="min-w-0 flex-1">
                    {g.kind === "threat" && <span className="sr-only">{bandNames[asBand(i.band)]}: </span>}
                    <bdi>{i.title}</bdi>
                    {g.kind === "threat" && i.because && <span className="line-clamp-2 text-soft text-xs">{i.because}</span>}
                  </span>
                  {fresh && (
                    <span role="img" aria-label="New" title="New since this step began" className="mt-2 size-1.5 shrink-0 rounded-full bg-accent" />
                  )}
                </li>
              );
            })}
          </ul>
        </div>
      ))}
      {more > 0 && <p className="px-2.5 py-1.5 text-soft text-xs">and {more.toLocaleString("en")} more; the review shows them all.</p>}
    </>
  );
}
