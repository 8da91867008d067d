import type { ReactNode } from "react";
import { Bandline, Bars, bandNames, bands } from "../../ui/rating";
import type { Totals } from "./data";

/** Head is the portfolio in one calm row of figures; it follows the filters. */
export function Head({ totals: t, complete }: { totals: Totals; complete: boolean }) {
  const threats = bands.reduce((n, b) => n + t.threats[b], 0);
  return (
    <dl
      aria-busy={!complete}
      className="card mb-5 grid grid-cols-2 gap-px overflow-hidden bg-line sm:grid-cols-3 lg:grid-cols-[1.6fr_1.6fr_1fr_1fr_1fr]"
    >
      <Cell name={complete ? "Products" : "Products so far"} value={t.products}>
        <ByBand counts={t.byBand} of="highest rating" rest={t.quiet > 0 ? `${t.quiet.toLocaleString("en")} without threats` : undefined} />
      </Cell>
      <Cell name="Open threats" value={threats}>
        <ByBand counts={t.threats} of="current rating" />
      </Cell>
      <Cell name="Above tolerance" value={t.exceeding}>
        {t.exceeding === 0 ? "none exceeds it" : t.exceeding === 1 ? "product exceeds it" : "products exceed it"}
      </Cell>
      <Cell name="Vulnerabilities" value={t.vulnerabilities}>
        {t.untested === 0 ? "all products tested" : `${t.untested.toLocaleString("en")} never tested`}
      </Cell>
      <Cell name="Tickets behind" value={t.behind} className="max-sm:col-span-2">
        {t.behind === 0 ? "trackers agree" : "with what tests say"}
      </Cell>
    </dl>
  );
}

function Cell({ name, value, children, className }: { name: string; value: number; children: ReactNode; className?: string }) {
  return (
    <div className={`flex flex-col bg-surface px-4 py-3 ${className ?? ""}`}>
      <dt className="text-soft text-xs">{name}</dt>
      <dd className="num font-semibold text-2xl tracking-tight">{value.toLocaleString("en")}</dd>
      <dd className="mt-auto text-soft text-xs">{children}</dd>
    </div>
  );
}

function ByBand({ counts, of, rest }: { counts: Totals["threats"]; of: string; rest?: string }) {
  const there = bands.filter((b) => counts[b] > 0);
  if (there.length === 0) return <span>{rest ?? "none"}</span>;
  return (
    <span className="grid gap-1.5 pt-1" title={`By ${of}`}>
      <Bandline counts={counts} />
      <span className="flex flex-wrap gap-x-2.5">
        {there.map((b) => (
          <span key={b} aria-hidden className="num inline-flex items-center gap-1" title={bandNames[b]}>
            <Bars band={b} className="h-2.5 w-3" />
            {counts[b].toLocaleString("en")}
          </span>
        ))}
        {rest && <span className="num">{rest}</span>}
      </span>
    </span>
  );
}
