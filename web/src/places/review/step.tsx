import { ArrowRight, Box, Check, Link2, Lock, Pencil, Plus, ShieldCheck, TriangleAlert, Unplug, X } from "lucide-react";
import { memo, type ReactNode } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Badge, Disclosure } from "../../ui/parts";
import { Ago } from "../../ui/time";
import type { Rows } from "../../ui/virtual";
import { word } from "../../ui/words";
import { fieldName, say } from "../product/difference";
import { type Does, does, doesName, refusable, type Step, waits } from "./plan";

const kindIcons: Record<string, typeof Box> = { product: Box, threat: TriangleAlert, weakness: Unplug, countermeasure: ShieldCheck, link: Link2 };

const looks: Record<Does, { tone: "good" | "accent" | "warn" | "neutral"; icon: ReactNode }> = {
  add: { tone: "good", icon: <Plus aria-hidden size={12} /> },
  change: { tone: "accent", icon: <Pencil aria-hidden size={12} /> },
  retire: { tone: "warn", icon: <X aria-hidden size={12} /> },
  keep: { tone: "neutral", icon: <Lock aria-hidden size={12} /> },
};

const badge = (s: Step) =>
  s.action === "revive" ? "Comes back" : s.action === "retire" ? "Retired" : s.action === "remove" ? "Removed" : doesName[does(s)];

/** Acts are a person's answers to a step; they stay the same from one drawing of the plan to the next. */
export interface Acts {
  select: (step: Step, on: boolean) => void;
  accept: (step: Step) => void;
  refuse: (step: Step) => void;
}

const act = "inline-grid size-7 shrink-0 place-items-center rounded-md transition-colors duration-100 hover:bg-raised";

/** StepRow is one step of the plan: what it does, why, and the person's answer. A plan has thousands: each is drawn again only when it changes. */
export const StepRow = memo(function StepRow({
  step: s,
  index,
  top,
  place,
  of,
  measure,
  selected,
  acts,
  can,
  reasons,
}: {
  step: Step;
  /** Its number in the list, and where it stands in its place: from the top, and as which of how many. */
  index: number;
  top: number;
  place: number;
  of: number;
  measure: Rows["measure"];
  selected: boolean;
  acts: Acts;
  can: boolean;
  /** Titles of what the steps give as their reason. */
  reasons: Titles;
}) {
  const Icon = kindIcons[s.kind] ?? Box;
  const look = looks[does(s)];
  const open = waits(s);
  return (
    <li
      ref={measure}
      data-index={index}
      aria-posinset={place}
      aria-setsize={of}
      className={cx(
        "absolute inset-x-0 top-0 grid grid-cols-[1.25rem_minmax(0,1fr)_auto] gap-x-3 px-4 py-2.5 [contain:layout_style]",
        place < of && "border-line border-b",
        selected && "bg-accent-soft/60",
      )}
      style={{ transform: `translateY(${top}px)` }}
    >
      {can && open ? (
        <input
          type="checkbox"
          className="mt-1 size-3.5"
          aria-label={`Select: ${s.title}`}
          checked={selected}
          onChange={(e) => acts.select(s, e.target.checked)}
        />
      ) : (
        <span />
      )}
      <div className="min-w-0">
        <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <span className="inline-flex items-center gap-1.5 text-soft text-xs">
            <Icon aria-hidden size={14} />
            {word(s.kind)}
          </span>
          <Badge tone={look.tone} icon={look.icon}>
            {badge(s)}
          </Badge>
        </div>
        <bdi className="mt-0.5 block text-sm">{s.title}</bdi>
        {s.reason && <p className="text-soft text-xs">{sentence(s.reason)}</p>}
        {(s.fields ?? []).length > 0 && <Fields step={s} reasons={reasons} />}
        {(s.why ?? []).length > 0 && (
          <Disclosure
            summary={
              <span className="py-0.5 font-normal text-soft text-xs">
                Why: {s.why?.[0]?.text || (reasons[s.why?.[0]?.rule ?? ""] ?? s.why?.[0]?.rule)}
              </span>
            }
          >
            <Reasons why={s.why ?? []} titles={reasons} />
          </Disclosure>
        )}
      </div>
      {can && open && (
        <span className="flex items-start gap-1">
          {refusable(s) && (
            <button type="button" title="Refuse" aria-label={`Refuse: ${s.title}`} className={cx(act, "text-soft")} onClick={() => acts.refuse(s)}>
              <X aria-hidden size={15} />
            </button>
          )}
          <button
            type="button"
            title="Accept"
            aria-label={`Accept: ${s.title}`}
            data-accept
            className={cx(act, "border border-control/60 bg-surface")}
            onClick={() => acts.accept(s)}
          >
            <Check aria-hidden size={15} />
          </button>
        </span>
      )}
    </li>
  );
});

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? "" : "."}`;

/** Titles are those of rules, component types and standards, by what names them as a reason. */
export type Titles = Record<string, string>;

/** Value is what a field holds. */
function Value({ value, quiet }: { value: unknown; quiet?: boolean }) {
  return <bdi className={quiet ? "text-soft line-through decoration-soft/60" : "font-medium"}>{say(value)}</bdi>;
}

const refs = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Brought is what brings something in, before and after: what goes, what stays and what is new, by title with what names it beside. */
function Brought({ before, after, titles }: { before: string[]; after: string[]; titles: Titles }) {
  const gone = before.filter((ref) => !after.includes(ref));
  return (
    <ul className="grid min-w-0 gap-0.5">
      {[...gone, ...after].map((ref) => {
        const how = !after.includes(ref) ? "no longer" : before.includes(ref) ? "still" : "new";
        return (
          <li key={ref} className="grid grid-cols-[auto_minmax(0,1fr)] items-baseline gap-x-2">
            <span className={how === "new" ? "text-accent text-xs" : "text-soft text-xs"}>{how}</span>
            <span className="flex flex-wrap items-baseline gap-x-2">
              <bdi className={how === "new" ? "font-medium" : how === "still" ? "text-soft" : "text-soft line-through decoration-soft/60"}>
                {titles[ref] ?? ref}
              </bdi>
              {titles[ref] && <code className="text-2xs text-soft">{ref.replace(/^standard /, "")}</code>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function Fields({ step: s, reasons }: { step: Step; reasons: Titles }) {
  const keep = s.action === "keep";
  return (
    <dl className="mt-1 grid gap-1.5 border-line border-s-2 ps-3 text-sm">
      {(s.fields ?? []).map((f) => (
        <div key={f.field}>
          <dt className="text-soft text-xs">
            {f.field === "why" ? "Brought by" : fieldName(f.field)}
            {(f.by_name || f.by) && (
              <>
                {" · set by "}
                <bdi>{f.by_name || word(f.by).toLowerCase()}</bdi>
                {f.at && (
                  <>
                    {" "}
                    <Ago at={f.at} />
                  </>
                )}
              </>
            )}
          </dt>
          <dd className="flex flex-wrap items-baseline gap-x-2">
            {keep ? (
              <>
                <bdi className="font-medium">{say(f.old)}</bdi>
                <span className="text-soft text-xs">
                  the library would say <bdi>{say(f.new)}</bdi>
                </span>
              </>
            ) : f.field === "why" ? (
              <Brought before={refs(f.old)} after={refs(f.new)} titles={reasons} />
            ) : (
              <>
                <Value value={f.old} quiet />
                <ArrowRight aria-hidden size={13} className="shrink-0 self-center text-soft rtl:rotate-180" />
                <span className="sr-only">becomes</span>
                <Value value={f.new} />
              </>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Reasons are the rules that brought something in, with the facts they saw. */
export function Reasons({ why, titles }: { why: S["Why"][]; titles: Titles }) {
  return (
    <ul className="grid gap-2 pb-1 text-xs">
      {why.map((w) => (
        <li key={`${w.rule} ${w.pattern ?? ""}`}>
          <p>
            {w.text}{" "}
            <span className="text-soft">
              {titles[w.rule] && <bdi>{titles[w.rule]}</bdi>} <code className="text-2xs">{w.rule.replace(/^standard /, "")}</code>
            </span>
          </p>
          {(w.facts ?? []).length > 0 && (
            <dl className="mt-1 flex flex-wrap gap-x-4 gap-y-0.5 text-soft">
              {(w.facts ?? []).map((f, i) => (
                <div key={`${f.name} ${i}`} className="flex min-w-0 gap-1">
                  <dt>{f.name}:</dt>
                  <dd className="min-w-0 text-text">
                    <bdi>{f.value.replace(/^"(.*)"$/s, "$1")}</bdi>
                  </dd>
                </div>
              ))}
            </dl>
          )}
        </li>
      ))}
    </ul>
  );
}
