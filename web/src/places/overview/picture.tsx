import { type ReactNode, useState } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Disclosure, Section, Segmented } from "../../ui/parts";
import { type Band, Bars, bandFill, bandNames, bandOf, bandTone } from "../../ui/rating";

type Figures = S["RiskFigures"];
type Of = "highest" | "sum";

const rows: { of: keyof Figures; name: string; short: string; long: string }[] = [
  {
    of: "inherent",
    name: "Inherent",
    short: "with nothing done",
    long: "The risk before any countermeasure. It follows from what the product is worth and how exposed it is, and is what you would carry if nothing were done.",
  },
  {
    of: "verified",
    name: "Verified",
    short: "what tests prove",
    long: "Counts only countermeasures that a fresh test shows to work. It is what you can demonstrate to somebody who does not take your word for it.",
  },
  {
    of: "current",
    name: "Current",
    short: "what is said to be done",
    long: "Counts countermeasures that are proven, and also those that somebody says are implemented. Where a test contradicts the claim, it does not count.",
  },
  {
    of: "projected",
    name: "Projected",
    short: "when the planned work is done",
    long: "Counts also what is required and not done yet. It is where you will be when the planned work is finished.",
  },
];

const scaleBands: { band: Band; from: number; to: number }[] = [
  { band: "low", from: 0, to: 25 },
  { band: "medium", from: 25, to: 50 },
  { band: "high", from: 50, to: 75 },
  { band: "critical", from: 75, to: 100 },
];

/** RiskPicture draws the four ratings and the assurance gap on one scale. */
export function RiskPicture({ overview: o }: { overview: S["OverviewView"] }) {
  const [of, setOf] = useState<Of>("highest");
  const f = o[of];
  const gap = of === "highest" ? o.assurance_gap_highest : o.assurance_gap;
  const top = of === "highest" ? 100 : ceiling(f.inherent);
  return (
    <Section
      title="Where the risk stands"
      actions={
        <Segmented<Of>
          label="Which risk"
          value={of}
          onChange={setOf}
          options={[
            { value: "highest", text: "Highest threat" },
            { value: "sum", text: "Sum of all" },
          ]}
        />
      }
    >
      <p className="mb-3 max-w-[72ch] text-soft text-sm">{sentence(of, f, gap, o.product.risk.open.threats)}</p>
      <Scale figures={f} top={top} gap={gap} bands={of === "highest"} tolerance={of === "highest" ? o.tolerance : undefined} />
      <div className="mt-3">
        <Disclosure summary="Explain these four figures">
          <dl className="grid gap-x-8 gap-y-3 py-1 text-sm sm:grid-cols-2">
            {rows.map((r) => (
              <div key={r.of}>
                <dt className="font-medium">{r.name}</dt>
                <dd className="text-soft">{r.long}</dd>
              </div>
            ))}
            <div className="sm:col-span-2">
              <dt className="font-medium">Assurance gap</dt>
              <dd className="text-soft">
                Verified minus current: the part of the reduction that is claimed and not proven. A passing test closes it, a failing one shows that
                the claim was wrong.
              </dd>
            </div>
          </dl>
        </Disclosure>
      </div>
    </Section>
  );
}

function sentence(of: Of, f: Figures, gap: number, threats: number): string {
  const what = of === "highest" ? "The highest threat" : `All ${threats.toLocaleString("en")} open threats together`;
  const now = of === "highest" ? `stands at ${f.current} (${bandNames[bandOf(f.current)].toLowerCase()})` : `stand at ${num(f.current)}`;
  const from = f.current < f.inherent ? `, down from ${num(f.inherent)}` : ", as high as with nothing done";
  const proof =
    gap > 0
      ? ` ${num(gap)} of that reduction is claimed and not proven by a test.`
      : f.current < f.inherent
        ? " All of that reduction is proven by tests."
        : "";
  const plan = f.projected < f.current ? ` When the required work is done, ${num(f.projected)} will be left.` : "";
  return `${what} ${now}${from}.${proof}${plan}`;
}

const num = (n: number) => Math.round(n).toLocaleString("en");

/** ceiling is a round end for a scale that holds n. */
function ceiling(n: number): number {
  if (n <= 100) return 100;
  const step = 10 ** Math.floor(Math.log10(n)) / 2;
  return Math.ceil(n / step) * step;
}

function Scale({ figures: f, top, gap, bands, tolerance }: { figures: Figures; top: number; gap: number; bands: boolean; tolerance?: number }) {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((t) => t * top);
  const pct = (v: number) => `${(Math.min(v, top) / top) * 100}%`;
  return (
    <div className="relative">
      <div aria-hidden className="absolute inset-x-0 top-0 bottom-6">
        {bands &&
          scaleBands.map((b) => (
            <div
              key={b.band}
              className={cx("absolute inset-y-0 border-line border-s", bandTone(b.band))}
              style={{ insetInlineStart: pct(b.from), width: pct(b.to - b.from) }}
            >
              <div className="h-1 bg-current opacity-70" />
              <div className="flex items-center gap-1 px-1.5 pt-1 text-2xs">
                <Bars band={b.band} className="max-sm:hidden" />
                <span className="truncate">{bandNames[b.band]}</span>
              </div>
            </div>
          ))}
        {!bands && ticks.map((t) => <div key={t} className="absolute inset-y-0 border-line border-s" style={{ insetInlineStart: pct(t) }} />)}
        <div className="absolute inset-y-0 end-0 border-line border-e" />
      </div>
      <dl className={cx("relative grid gap-3 pb-3", bands ? "pt-8" : "pt-3")}>
        {rows.map((r) => (
          <Row key={r.of} name={r.name} short={r.short} value={f[r.of]} band={bands ? bandOf(f[r.of]) : undefined}>
            {r.of === "inherent" && <Bar at={pct(f.inherent)} className="border border-control bg-surface/60" />}
            {r.of === "verified" && <Bar at={pct(f.verified)} className={cx("bg-current", bands ? bandFill(bandOf(f.verified)) : "text-accent")} />}
            {r.of === "current" && (
              <>
                {gap > 0 && <Bar at={pct(f.verified)} className="hatch border border-current text-text/70" />}
                <Bar at={pct(f.current)} className={cx("bg-current", bands ? bandFill(bandOf(f.current)) : "text-accent")} />
              </>
            )}
            {r.of === "projected" && (
              <Bar
                at={pct(f.projected)}
                className={cx("border border-current border-dashed bg-surface/60", bands ? bandFill(bandOf(f.projected)) : "text-accent")}
              />
            )}
          </Row>
        ))}
      </dl>
      {tolerance !== undefined && <Tolerance at={tolerance} />}
      <div aria-hidden className="num relative h-6 text-2xs text-soft">
        {ticks.map((t, i) => (
          <span
            key={t}
            className={cx(
              "absolute top-1 whitespace-nowrap",
              i === 0 ? "" : i === 4 ? "-translate-x-full rtl:translate-x-full" : "-translate-x-1/2 rtl:translate-x-1/2",
            )}
            style={{ insetInlineStart: pct(t) }}
          >
            {num(t)}
          </span>
        ))}
      </div>
      <p className="mt-1 flex flex-wrap items-center gap-x-4 gap-y-1 text-xs">
        <span className="inline-flex items-center gap-2">
          <span aria-hidden className="hatch h-3 w-7 rounded-sm border border-current text-text/70" />
          <span>
            Assurance gap <strong className="num font-semibold">{num(gap)}</strong>
            <span className="text-soft">{gap > 0 ? " · claimed, not proven by a test" : " · nothing is claimed that is not proven"}</span>
          </span>
        </span>
        {tolerance !== undefined && (
          <span className="inline-flex items-center gap-2">
            <span aria-hidden className="h-3 border-text border-s-2 border-dashed" /> Tolerance{" "}
            <strong className="num font-semibold">{num(tolerance)}</strong>
          </span>
        )}
      </p>
    </div>
  );
}

function Row({ name, short, value, band, children }: { name: string; short: string; value: number; band?: Band; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-3 gap-y-0.5">
      <dt className="flex min-w-0 items-baseline gap-2 text-sm">
        <span className="font-medium">{name}</span>
        <span className="truncate text-soft text-xs">{short}</span>
      </dt>
      <dd className="contents">
        <span className={cx("num inline-flex items-center gap-1.5 bg-surface ps-1 text-sm", band && bandTone(band))}>
          {band && <Bars band={band} />}
          <strong className="font-semibold">{num(value)}</strong>
          {band && <span className="sr-only">{bandNames[band].toLowerCase()}</span>}
        </span>
        <span aria-hidden className="relative col-span-2 h-4">
          {children}
        </span>
      </dd>
    </div>
  );
}

function Bar({ at, className }: { at: string; className: string }) {
  return (
    <span
      className={cx("absolute inset-y-0 start-0 min-w-0.5 rounded-e-sm transition-[width] duration-200 ease-out", className)}
      style={{ width: at }}
    />
  );
}

function Tolerance({ at }: { at: number }) {
  return (
    <div aria-hidden className="absolute top-0 bottom-6 border-text border-s-2 border-dashed" style={{ insetInlineStart: `calc(${at}% - 1px)` }} />
  );
}
