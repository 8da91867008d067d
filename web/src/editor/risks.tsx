import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, Route } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { api, everything, ok, type S } from "../api/client";
import { keys } from "../api/query";
import { useAddress } from "../ui/address";
import { IconButton } from "../ui/button";
import { Badge, Count, Facts as FactList } from "../ui/parts";
import { asBand, Bars, Figure } from "../ui/rating";
import { Skeleton } from "../ui/state";
import { category, plural, word } from "../ui/words";
import { useDrawing, useEditor } from "./store";
import { type Item, nameOf } from "./types";

const ThreatDrawer = lazy(() => import("../places/risks/threat-drawer").then((m) => ({ default: m.ThreatDrawer })));
const CountermeasureDrawer = lazy(() => import("../places/risks/countermeasure-drawer").then((m) => ({ default: m.CountermeasureDrawer })));

/** Drawers show the threat or countermeasure that is open: its id is in the address. */
export function Drawers() {
  const product = useDrawing((s) => s.product);
  const [search, set] = useAddress();
  const [kind, id] = (search.open ?? "").split(":") as [string, string | undefined];
  if (!id) return null;
  const p = { product, id, onClose: () => set({ open: undefined }), onOpen: (k: string, other: string) => set({ open: `${k}:${other}` }) };
  return <Suspense fallback={null}>{kind === "countermeasure" ? <CountermeasureDrawer {...p} /> : <ThreatDrawer {...p} />}</Suspense>;
}

/** useThreats reads the threats at an element. */
function useThreats(where: string) {
  const product = useDrawing((s) => s.product);
  return useQuery({
    queryKey: keys.product(product, "threats", "at", where),
    queryFn: ({ signal }) =>
      everything<S["ThreatView"]>((cursor) =>
        ok(api.GET("/products/{product}/threats", { params: { path: { product }, query: { where, cursor, limit: 1000 } }, signal })),
      ),
  });
}

function useCountermeasures(where: string) {
  const product = useDrawing((s) => s.product);
  return useQuery({
    queryKey: keys.product(product, "countermeasures", "at", where),
    queryFn: ({ signal }) =>
      everything<S["CountermeasureView"]>((cursor) =>
        ok(api.GET("/products/{product}/countermeasures", { params: { path: { product }, query: { where, cursor, limit: 1000 } }, signal })),
      ),
  });
}

/** Risks are the threats and countermeasures at one element. */
export function Risks({ item }: { item: Item }) {
  const editor = useEditor();
  const [, set] = useAddress();
  const shown = useDrawing((s) => s.threat);
  const threats = useThreats(item.id);
  const measures = useCountermeasures(item.id);
  const path = (threat: string) => {
    const s = editor.store.getState();
    const off = s.threat === threat;
    editor.store.setState({ threat: off ? null : threat, path: off ? [] : (s.facts[item.id]?.exposure_path ?? [item.id]) });
  };
  const open = (threats.data ?? []).filter((t) => !t.retired).sort((a, b) => b.rating.current - a.rating.current);
  const done = (measures.data ?? []).filter((m) => !m.retired);
  return (
    <>
      <section aria-label="Threats">
        <h3 className="mb-1 flex items-center gap-1.5 font-semibold text-sm">
          Threats <Count n={open.length} />
        </h3>
        {threats.isPending ? (
          <Skeleton className="h-8" />
        ) : open.length === 0 ? (
          <p className="text-soft text-xs">None. The rules bring threats once the plan is accepted in the review.</p>
        ) : (
          <ul className="-mx-2 grid grid-cols-[minmax(0,1fr)]">
            {open.map((t) => (
              <li key={t.id} className="group flex items-center rounded-md hover:bg-raised">
                <button
                  type="button"
                  onClick={() => set({ open: `threat:${t.id}` }, true)}
                  className="flex min-w-0 flex-1 items-center gap-2 px-2 py-1.5 text-start"
                >
                  <Figure value={t.rating.unrated ? undefined : t.rating.current} band={asBand(t.rating.band)} muted={t.status !== "open"} />
                  <span className="min-w-0 flex-1">
                    <bdi className="line-clamp-2 text-sm leading-4.5" title={t.title}>
                      {t.title}
                    </bdi>
                    <span className="block truncate text-2xs text-soft">
                      {[t.categories?.[0] && category(t.categories[0]).name, t.status !== "open" && word(t.status)].filter(Boolean).join(" · ")}
                    </span>
                  </span>
                </button>
                <IconButton
                  size="sm"
                  label={shown === t.id ? "Hide how it is reached" : "Show how it is reached"}
                  aria-pressed={shown === t.id}
                  onClick={() => path(t.id)}
                  className={shown === t.id ? "text-critical!" : "opacity-0 focus-visible:opacity-100 group-hover:opacity-100"}
                >
                  <Route size={14} />
                </IconButton>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-label="Countermeasures">
        <h3 className="mb-1 flex items-center gap-1.5 font-semibold text-sm">
          Countermeasures <Count n={done.length} />
        </h3>
        {measures.isPending ? (
          <Skeleton className="h-8" />
        ) : done.length === 0 ? (
          <p className="text-soft text-xs">None.</p>
        ) : (
          <ul className="-mx-2 grid grid-cols-[minmax(0,1fr)]">
            {done.map((m) => (
              <li key={m.id}>
                <button
                  type="button"
                  onClick={() => set({ open: `countermeasure:${m.id}` }, true)}
                  className="flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-start hover:bg-raised"
                >
                  <bdi className="line-clamp-2 min-w-0 flex-1 text-sm leading-4.5" title={m.title}>
                    {m.title}
                  </bdi>
                  <Badge tone={m.state === "implemented" ? "good" : m.state === "required" ? "accent" : "neutral"}>{word(m.state)}</Badge>
                </button>
              </li>
            ))}
          </ul>
        )}
      </section>
    </>
  );
}

/** ElementFacts tells what follows for an element, and by what way it is reached. */
export function ElementFacts({ item }: { item: Item }) {
  const editor = useEditor();
  const facts = useDrawing((s) => s.facts[item.id]);
  const now = useDrawing((s) => s.doc.now);
  const on = useDrawing((s) => s.path.length > 0 && s.threat === null);
  if (!facts) return null;
  const path = facts.exposure_path ?? [];
  const steps = path.filter((id) => now.get(id)?.kind !== "flows");
  return (
    <section aria-label="What follows from the drawing">
      <h3 className="mb-1.5 font-semibold text-sm">What follows</h3>
      <FactList
        items={[
          [
            "Exposure",
            <span key="e" className="flex items-center gap-1.5">
              <span className="num">{facts.exposure}</span>
              {path.length > 1 && (
                <button
                  type="button"
                  aria-pressed={on}
                  className="link inline-flex items-center gap-1 text-xs"
                  onClick={() => editor.store.setState({ threat: null, path: on ? [] : path })}
                >
                  <Route aria-hidden size={13} />
                  {on ? "Hide the way" : "Show the way"}
                </button>
              )}
            </span>,
          ],
          steps.length > 1 && [
            "Reached by",
            <bdi key="p" className="text-xs">
              {steps.map((id) => nameOf(now.get(id))).join(" → ")}
            </bdi>,
          ],
          [
            "Trust",
            <span key="t" className="num">
              {facts.trust}
              {facts.trust_guess && <span className="text-soft"> · assumed</span>}
            </span>,
          ],
          facts.value && [
            "Value",
            <span key="v" className="num">{`C ${facts.value.confidentiality} · I ${facts.value.integrity} · A ${facts.value.availability}`}</span>,
          ],
          !!facts.crosses?.length && ["Crosses", <bdi key="c">{facts.crosses.map((id) => nameOf(now.get(id))).join(", ")}</bdi>],
          !!facts.threats && [
            "Risk",
            <span key="r" className="num inline-flex items-center gap-1.5">
              <Bars band={asBand(facts.band)} />
              {facts.current ?? 0} now, {facts.verified ?? 0} verified
            </span>,
          ],
        ]}
      />
    </section>
  );
}

/** PlanStrip tells what the rules would bring or retire at an element since the last change. */
export function PlanStrip({ where }: { where?: string }) {
  const product = useDrawing((s) => s.product);
  const saved = useDrawing((s) => s.save.state === "saved");
  const version = useDrawing((s) => s.doc.base);
  const [asked, setAsked] = useState(version);
  useEffect(() => {
    if (!saved) return;
    const t = setTimeout(() => setAsked(version), 350);
    return () => clearTimeout(t);
  }, [saved, version]);
  const stamp = useStamp(asked);
  const plan = useQuery({
    queryKey: keys.product(product, "plan", "summary", where ?? "", stamp),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/plan/summary", { params: { path: { product }, query: { where } }, signal })),
    placeholderData: (old) => old,
  });
  const c = plan.data?.counts;
  const added = c ? (c.add.threats ?? 0) + (c.add.weaknesses ?? 0) + (c.add.countermeasures ?? 0) : 0;
  if (!c || added + c.change + c.retire === 0) return null;
  const parts = [
    c.add.threats && `+${plural(c.add.threats, "threat")}`,
    c.add.countermeasures && `+${plural(c.add.countermeasures, "countermeasure")}`,
    c.change && `${plural(c.change, "change")}`,
    c.retire && `−${c.retire} retired`,
  ].filter(Boolean);
  return (
    <div className="flex items-start border-accent/25 border-b bg-accent-soft text-sm">
      <details className="group/plan min-w-0 flex-1">
        <summary className="flex list-none items-start gap-1.5 py-2 ps-4 pe-2 [&::-webkit-details-marker]:hidden">
          <ChevronRight aria-hidden size={14} className="mt-0.75 shrink-0 text-accent transition-transform group-open/plan:rotate-90" />
          <span className="min-w-0 flex-1 font-medium text-accent" role="status">
            {(parts.length > 0 ? parts : [`+${plural(added, "item")}`]).map((p, n, all) => (
              <span key={p} className="inline-block">
                {p}
                {n < all.length - 1 && ",\u00a0"}
              </span>
            ))}
          </span>
        </summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard */}
        <ul tabIndex={0} aria-label="What the rules would change" className="max-h-56 overflow-y-auto ps-4 pb-2.5">
          {(plan.data?.items ?? []).map((i) => (
            <li key={i.key} className="flex gap-2 py-0.5 text-xs">
              <span className="w-3 shrink-0 font-semibold text-accent">{i.op === "add" ? "+" : i.op === "retire" ? "−" : "~"}</span>
              <bdi className="min-w-0 flex-1">
                {i.title}
                {!where && <span className="text-soft"> · {i.where_name}</span>}
              </bdi>
            </li>
          ))}
          {!!plan.data?.more && <li className="text-soft text-xs">and {plan.data.more} more</li>}
        </ul>
      </details>
      <Link to="/products/$product/review" params={{ product }} className="link mx-3 mt-1.5 grid h-6 shrink-0 place-items-center text-xs">
        Review
      </Link>
    </div>
  );
}

const stamps = new WeakMap<object, number>();
let last = 0;
/** useStamp numbers states of the document, so that each is asked about once. */
function useStamp(of: object): number {
  let n = stamps.get(of);
  if (n === undefined) {
    n = ++last;
    stamps.set(of, n);
  }
  return n;
}
