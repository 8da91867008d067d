import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleHelp } from "lucide-react";
import type { ReactNode } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Section } from "../../ui/parts";
import { asBand, Figure, RatingBar } from "../../ui/rating";
import { plural, word } from "../../ui/words";

type Of = { overview: S["OverviewView"] };

/** TopThreats are the threats that stand highest now. */
export function TopThreats({ overview: o }: Of) {
  const product = o.product.id;
  return (
    <Section
      title="Top threats"
      flush
      actions={
        <Link to="/products/$product/threats" params={{ product }} className="link text-sm">
          All {o.product.risk.open.threats.toLocaleString("en")}
        </Link>
      }
    >
      <ul className="divide-y divide-line pt-1">
        {(o.top ?? []).slice(0, 8).map((t) => (
          <li key={t.id}>
            <Link
              to="/products/$product/threats"
              params={{ product }}
              search={{ open: t.id } as never}
              className="grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1.5 px-4 py-2.5 -outline-offset-2 hover:bg-raised/60 md:grid-cols-[minmax(0,1fr)_8rem_auto]"
            >
              <span className="min-w-0">
                <bdi className="line-clamp-2 text-sm">{t.title}</bdi>
                <bdi className="block truncate text-soft text-xs">{t.where_name || "The product as a whole"}</bdi>
              </span>
              <span className="max-md:order-3 max-md:col-span-2">
                <RatingBar {...t.rating} />
              </span>
              <Figure value={t.rating.current} band={asBand(t.band)} />
            </Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const states = ["recommended", "required", "implemented", "rejected", "not_applicable"];

/** Work shows countermeasures by state with what they cost. */
export function Work({ overview: o }: Of) {
  const c = o.countermeasures;
  const of = (state: string) => c.states[state] ?? 0;
  const total = states.reduce((n, s) => n + of(s), 0);
  const most = Math.max(1, ...states.map(of));
  const costs = (state: string) => (c.costs ?? []).filter((x) => x.state === state && x.amount > 0);
  return (
    <Section title="Countermeasures" flush>
      <ul className="px-2 pt-1 pb-2">
        {states
          .filter((s) => of(s) > 0 || s === "required" || s === "implemented")
          .map((s) => (
            <li key={s}>
              <Link
                to="/products/$product/countermeasures"
                params={{ product: o.product.id }}
                search={{ state: s } as never}
                className="grid grid-cols-[6.75rem_minmax(1.5rem,1fr)_auto_4.5rem] items-center gap-x-3 rounded-md px-2 py-1.5 text-sm hover:bg-raised"
              >
                <span className="truncate">{word(s)}</span>
                <span aria-hidden className="h-2 overflow-hidden rounded-full bg-sunken">
                  <span
                    className={cx("block h-full rounded-full", s === "implemented" ? "bg-accent" : "bg-control/60")}
                    style={{ width: `${(of(s) / most) * 100}%` }}
                  />
                </span>
                <span className="num text-end font-medium">{of(s).toLocaleString("en")}</span>
                <span className="num truncate text-end text-soft text-xs">
                  {costs(s)
                    .map((x) => `${x.amount.toLocaleString("en", { maximumFractionDigits: 1 })} ${x.unit}`)
                    .join(" + ") || "–"}
                </span>
              </Link>
            </li>
          ))}
      </ul>
      <p className="border-line border-t px-4 py-2.5 text-soft text-xs">
        {plural(total, "countermeasure")}; the last column is what they cost.
        {c.without_cost > 0 && ` ${plural(c.without_cost, "has", "have").replace(/^(\S+) (\S+)/, "$1 $2")} no cost yet.`}
      </p>
    </Section>
  );
}

/** Proof sums up evidence and tickets. */
export function Proof({ overview: o }: Of) {
  const product = o.product.id;
  const e = o.evidence;
  const t = o.tickets;
  return (
    <Section title="Evidence and tickets" flush>
      <div className="grid grid-cols-2 divide-x divide-line pt-1">
        <div className="px-4 pb-3">
          <h3 className="mb-1.5 font-medium text-soft text-xs">
            <Link to="/products/$product/tests" params={{ product }} className="hover:text-text hover:underline">
              Tests
            </Link>
          </h3>
          <dl className="grid gap-1 text-sm">
            <Line name="Passed" n={e.pass} tone="text-low" />
            <Line name="Failed" n={e.fail} tone="text-critical" />
            <Line name="Stale" n={e.stale} tone="text-medium" title="Passed too long ago to count as proof" />
            <Line name="Untested" n={e.untested} />
          </dl>
        </div>
        <div className="px-4 pb-3">
          <h3 className="mb-1.5 font-medium text-soft text-xs">
            <Link to="/products/$product/tickets" params={{ product }} className="hover:text-text hover:underline">
              Tickets
            </Link>
          </h3>
          <dl className="grid gap-1 text-sm">
            <Line name="Open" n={t.open} />
            <Line name="Done" n={t.done} tone="text-low" />
            <Line name="Waiting" n={t.waiting} title="Held until a person publishes them" />
            <Line name="Behind" n={t.behind} tone="text-critical" title="Not made yet, failed, or being looked for" />
          </dl>
        </div>
      </div>
      <p className="border-line border-t px-4 py-2.5 text-soft text-xs">
        Evidence counts weaknesses and countermeasures by what the last tests say of them.
      </p>
    </Section>
  );
}

function Line({ name, n, tone, title }: { name: string; n: number; tone?: string; title?: string }) {
  return (
    <div className="flex items-baseline justify-between gap-2" title={title}>
      <dt className={cx(!n && "text-soft")}>{name}</dt>
      <dd className={cx("num font-medium", n ? tone : "text-soft")}>{n.toLocaleString("en")}</dd>
    </div>
  );
}

/** Exceeding names what stands above the tolerance, where anything does. */
export function Exceeding({ overview: o }: Of) {
  const list = o.exceeds ?? [];
  if (list.length === 0) return null;
  return (
    <section className="mb-4 rounded-lg border border-critical/40 bg-critical-soft px-4 py-3" aria-label="Above tolerance">
      <h2 className="flex items-start gap-2 font-semibold text-critical text-sm">
        <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />
        {o.exceeds_count === 1 ? "1 threat exceeds" : `${o.exceeds_count.toLocaleString("en")} threats exceed`} the tolerance of {o.tolerance} without
        a decision
      </h2>
      <ul className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1 ps-6 text-sm">
        {list.slice(0, 4).map((t) => (
          <li key={t.id} className="min-w-0 max-w-full">
            <Link
              to="/products/$product/threats"
              params={{ product: o.product.id }}
              search={{ open: t.id } as never}
              className="inline-flex max-w-full items-baseline gap-1.5 underline-offset-3 hover:underline"
            >
              <span className="num font-semibold">{t.current}</span>
              <bdi className="truncate">{t.title}</bdi>
              {t.where_name && <bdi className="shrink-0 text-soft text-xs max-sm:hidden">{t.where_name}</bdi>}
            </Link>
          </li>
        ))}
        {o.exceeds_count > 4 && (
          <li>
            <Link
              to="/products/$product/threats"
              params={{ product: o.product.id }}
              search={{ sort: "-current" } as never}
              className="underline underline-offset-3"
            >
              {o.exceeds_count - 4} more
            </Link>
          </li>
        )}
      </ul>
    </section>
  );
}

const asks: Record<string, string> = { trust: "How far is it trusted?", value: "What is it worth?", type: "What is it?", question: "Not answered" };

/** Guesses are what the ratings assume until a person settles it. */
export function Guesses({ overview: o }: Of) {
  const list = o.guesses ?? [];
  if (list.length === 0) return null;
  const more = o.guesses_more + Math.max(0, list.length - 6);
  return (
    <Section title="To be settled" about="Until a person says so, the ratings rest on assumptions" flush>
      <ul className="divide-y divide-line pt-1">
        {list.slice(0, 6).map((g) => (
          <li key={`${g.kind} ${g.object}`}>
            <GuessLink guess={g} product={o.product.id}>
              <CircleHelp aria-hidden size={15} className="mt-0.5 shrink-0 text-medium" />
              <span className="min-w-0">
                <span className="font-medium">{asks[g.kind]} </span>
                <bdi>{g.name}</bdi>
                <span className="block text-soft text-xs">{capital(g.text)}.</span>
              </span>
            </GuessLink>
          </li>
        ))}
      </ul>
      {more > 0 && <p className="border-line border-t px-4 py-2.5 text-soft text-xs">And {more.toLocaleString("en")} more.</p>}
    </Section>
  );
}

function GuessLink({ guess: g, product, children }: { guess: S["Guess"]; product: string; children: ReactNode }) {
  const look = "flex items-start gap-2.5 px-4 py-2.5 text-sm -outline-offset-2 hover:bg-raised/60";
  const [kind, id] = g.object.split("/", 2);
  if (kind === "answers") {
    return (
      <Link to="/products/$product/questionnaire" params={{ product }} search={{ question: id } as never} className={look}>
        {children}
      </Link>
    );
  }
  if (kind === "product" || !id) {
    return (
      <Link to="/products/$product/settings" params={{ product }} hash="value" className={look}>
        {children}
      </Link>
    );
  }
  return (
    <Link to="/products/$product/diagram" params={{ product }} search={{ select: id } as never} className={look}>
      {children}
    </Link>
  );
}

const capital = (s: string) => s.charAt(0).toUpperCase() + s.slice(1).replace(/\.$/, "");
