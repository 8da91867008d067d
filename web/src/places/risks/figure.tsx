import { Check, Minus } from "lucide-react";
import type { ReactNode } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Disclosure } from "../../ui/parts";
import { asBand, bandGround, bandNames, bandTone } from "../../ui/rating";
import { word } from "../../ui/words";

type Explanation = S["RiskExplanation"];

const two = (n: number): string => n.toLocaleString("en", { maximumFractionDigits: 2 });

/** WhyFigure shows the formula with its numbers, one step after the other, from what it hurts to what remains. */
export function WhyFigure({ of: e }: { of: Explanation }) {
  const closed = e.rating.standing === "closed" || e.rating.standing === "retired";
  const irius = e.method === "iriusrisk";
  let step = 0;
  return (
    <div className="grid gap-4">
      {e.impact && (
        <Step n={++step} title="What it hurts" result={e.impact.value} word="Impact">
          <Dimensions impact={e.impact} />
          {irius && <p className="mt-2 text-soft text-xs">{e.impact.formula}</p>}
        </Step>
      )}
      {e.exposure && (
        <Step
          n={++step}
          title={irius ? "How likely it is" : "How near it is to what is not trusted"}
          result={e.exposure.value}
          word={irius ? "Probability" : "Exposure"}
        >
          <Exposure exposure={e.exposure} lines={e.lines ?? []} irius={irius} />
        </Step>
      )}
      {e.impact && !irius && (
        <Step n={++step} title="How easy it is" result={e.ease} word="Ease">
          <p className="text-sm text-soft">Given with the threat: 0 is out of reach for nearly everybody, 100 takes nothing but a browser.</p>
        </Step>
      )}
      <Step n={++step} title="Without any countermeasure" result={e.inherent.value} word="Inherent">
        {e.impact && e.exposure && !irius ? (
          <Formula>
            √ (<Num name="impact">{e.impact.value}</Num> × <Num name="exposure">{e.exposure.value}</Num> × <Num name="ease">{e.ease}</Num> ÷ 100)
          </Formula>
        ) : (
          <p className="text-sm">{e.inherent.formula.replace(/^inherent = /, "")}</p>
        )}
      </Step>
      <Step n={++step} title="What the countermeasures take off">
        <Links links={e.links ?? []} results={e.results ?? []} inherent={e.inherent.value} closed={closed} />
        {closed && <p className="mt-2 text-sm">All three are 0: the threat is {e.rating.standing === "retired" ? "retired" : "taken out"}.</p>}
        {irius && <Formulas of={(e.results ?? []).map((r) => r.formula)} />}
      </Step>
      {e.flags && e.flags.length > 0 && (
        <div className="rounded-md bg-medium-soft px-3 py-2">
          <h4 className="font-medium text-medium text-sm">To keep in mind</h4>
          <ul className="mt-1 list-disc ps-4 text-sm">
            {e.flags.map((f) => (
              <li key={f.flag}>{f.text.charAt(0).toUpperCase() + f.text.slice(1)}.</li>
            ))}
          </ul>
        </div>
      )}
      <Disclosure summary={<span className="font-normal text-soft">The same in sentences</span>}>
        <Formulas of={e.lines ?? []} />
      </Disclosure>
    </div>
  );
}

function Formulas({ of }: { of: string[] }) {
  return (
    <ol className="mt-1 grid list-decimal gap-1 ps-5 text-soft text-sm">
      {of.map((l) => (
        <li key={l}>{l}</li>
      ))}
    </ol>
  );
}

function Step({ n, title, result, word: name, children }: { n: number; title: string; result?: number; word?: string; children: ReactNode }) {
  return (
    <section className="grid grid-cols-[1.5rem_1fr] gap-x-2.5">
      <span aria-hidden className="num grid size-5.5 place-items-center rounded-full bg-raised text-soft text-xs">
        {n}
      </span>
      <div className="min-w-0">
        <div className="mb-1 flex min-h-5.5 flex-wrap items-baseline gap-x-3">
          <h4 className="flex-1 font-medium text-sm">{title}</h4>
          {result !== undefined && (
            <span className="num text-sm">
              <span className="text-soft">{name} </span>
              <span className="font-semibold">{two(result)}</span>
            </span>
          )}
        </div>
        {children}
      </div>
    </section>
  );
}

function Formula({ children }: { children: ReactNode }) {
  return <p className="num flex flex-wrap items-baseline gap-x-1 rounded-md bg-bg px-3 py-2 text-sm">{children}</p>;
}

function Num({ name, children }: { name: string; children: number }) {
  return (
    <span className="inline-flex items-baseline gap-1">
      <span className="font-medium">{two(children)}</span>
      <span className="text-2xs text-soft">{name}</span>
    </span>
  );
}

const sources: Record<string, string> = { asset: "of an asset here", product: "of the product", guess: "a guess" };

function Dimensions({ impact }: { impact: S["RiskImpactStep"] }) {
  return (
    <table className="num w-full text-sm">
      <thead>
        <tr className="text-start text-soft text-xs">
          <th className="py-1 text-start font-normal">Property</th>
          <th className="py-1 ps-3 text-end font-normal">Hurt</th>
          <th className="py-1 ps-3 text-end font-normal">Value</th>
          <th className="py-1 ps-3 text-end font-normal">Impact</th>
        </tr>
      </thead>
      <tbody>
        {(impact.dimensions ?? []).map((d) => {
          const worst = d.name === impact.worst;
          return (
            <tr key={d.name} className={cx("border-line border-t align-top", worst ? "font-medium" : "text-soft")}>
              <td className="py-1">
                {word(d.name)}
                {worst && <span className="font-normal text-soft text-xs max-sm:block"> decides</span>}
              </td>
              <td className="whitespace-nowrap py-1 ps-3 text-end">{two(d.threat)} %</td>
              <td className="py-1 ps-3 text-end">
                {two(d.value)} <span className="font-normal text-soft text-xs max-sm:block">{sources[d.source] ?? d.source}</span>
              </td>
              <td className="py-1 ps-3 text-end">{two(d.result)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Exposure({ exposure: x, lines, irius }: { exposure: S["RiskExposureStep"]; lines: string[]; irius: boolean }) {
  if (irius) return <p className="text-sm text-soft">{x.formula}</p>;
  const line = lines.find((l) => l.startsWith(x.formula)) ?? "";
  const way = /, by way of (.*?)(?:; the trust of|$)/.exec(line)?.[1]?.split(" > ") ?? [];
  const guessed = (x.guessed ?? []).length > 0;
  return (
    <div className="grid gap-1.5 text-sm">
      {way.length > 1 && (
        <ol className="flex flex-wrap items-center gap-1" aria-label="The way from what is not trusted to here">
          {way.map((name, i) => (
            <li key={`${i}-${name}`} className="inline-flex max-w-full items-center gap-1">
              {i > 0 && (
                <span aria-hidden className="text-soft">
                  →
                </span>
              )}
              <bdi className={cx("truncate rounded-sm px-1.5 text-xs leading-5", i % 2 === 0 ? "border border-line bg-surface" : "text-soft")}>
                {name}
              </bdi>
            </li>
          ))}
        </ol>
      )}
      <p className="text-soft">
        It begins at {two(x.own)}, which is 100 less the trust there
        {x.climbs > 0
          ? `, and keeps ${two(x.k * 100)} % at each of ${x.climbs === 1 ? "one boundary" : `${x.climbs} boundaries`} into a more trusted zone.`
          : "; no boundary into a more trusted zone lies between."}
        {guessed && " Some of that trust is a guess: settle it on the diagram."}
      </p>
    </div>
  );
}

const ratings = ["verified", "current", "projected"] as const;

function Links({
  links,
  results,
  inherent,
  closed,
}: {
  links: S["RiskLinkStep"][];
  results: S["RiskReductionStep"][];
  inherent: number;
  closed: boolean;
}) {
  const rows = links.filter((l) => l.countermeasure);
  if (rows.length === 0) return <p className="text-sm text-soft">No countermeasure is known, so nothing is taken off.</p>;
  const mark = (on: boolean) =>
    on ? (
      <Check aria-label="counts" size={14} className="inline text-low" />
    ) : (
      <Minus aria-label="does not count" size={14} className="inline text-soft" />
    );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard
    <div tabIndex={0} role="group" aria-label="What each countermeasure takes off" className="overflow-x-auto">
      <table className="num w-full min-w-96 text-sm">
        <thead>
          <tr className="text-soft text-xs">
            <th className="py-1 text-start font-normal">Countermeasure</th>
            <th className="whitespace-nowrap py-1 text-end font-normal">Share</th>
            {ratings.map((r) => (
              <th key={r} className="w-18 py-1 ps-2 text-center font-normal">
                {word(r)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((l) => (
            <tr key={`${l.weakness}/${l.countermeasure}`} className="border-line border-t align-top">
              <td className="py-1.5 pe-2">
                <bdi>{l.countermeasure_title}</bdi>
                <span className="block text-soft text-xs">{l.why.charAt(0).toUpperCase() + l.why.slice(1)}</span>
              </td>
              <td className="whitespace-nowrap py-1.5 text-end">{two(l.share)} %</td>
              <td className="py-1.5 ps-2 text-center">{mark(l.counts_verified)}</td>
              <td className="py-1.5 ps-2 text-center">{mark(l.counts_current)}</td>
              <td className="py-1.5 ps-2 text-center">{mark(l.counts_projected)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className="border-control/60 border-t text-soft text-xs">
            <td className="py-1.5" colSpan={2}>
              Taken off in all, at most 100 %
            </td>
            {ratings.map((r) => (
              <td key={r} className="py-1.5 ps-2 text-center">
                {two(results.find((x) => x.rating === r)?.share ?? 0)} %
              </td>
            ))}
          </tr>
          <tr className="font-semibold">
            <td className="py-1" colSpan={2}>
              What remains of {two(inherent)}
            </td>
            {ratings.map((r) => (
              <td key={r} className="py-1 ps-2 text-center">
                {closed ? 0 : two(results.find((x) => x.rating === r)?.value ?? inherent)}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

/** Four are the four ratings side by side, the current one first among them. */
export function Four({ rating, unrated }: { rating: S["RiskRating"]; unrated?: boolean }) {
  const band = asBand(rating.band);
  const cells: [string, number, string][] = [
    ["Inherent", rating.inherent, "Without any countermeasure"],
    ["Verified", rating.verified, "What tests have proven"],
    ["Current", rating.current, "What is claimed and not contradicted"],
    ["Projected", rating.projected, "When the required work is done"],
  ];
  return (
    <dl className="grid grid-cols-4 gap-2">
      {cells.map(([name, value, about]) => (
        <div key={name} title={about} className={cx("rounded-md px-2.5 py-1.5", name === "Current" ? bandGround(band) : "bg-bg")}>
          <dt className={cx("text-xs", name === "Current" ? bandTone(band) : "text-soft")}>
            {name}
            {name === "Current" && <span className="max-sm:sr-only"> · {bandNames[band]}</span>}
          </dt>
          <dd className={cx("num font-semibold text-lg", name === "Current" && bandTone(band))}>{unrated ? "–" : value}</dd>
        </div>
      ))}
    </dl>
  );
}
