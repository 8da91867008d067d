import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, CircleHelp, CircleMinus, RotateCcw } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Button } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Badge, Disclosure } from "../../ui/parts";
import { plural, word } from "../../ui/words";
import { formatName, type Item, type Run, type Subject, subjectOf, useSubjects } from "./data";

interface Group {
  key: "reopened" | "new" | "still_failing" | "passed_now" | "not_tested_now" | "ambiguous" | "unmatched";
  title: string;
  /** As it stands in a sentence after a number. */
  says: string;
  about?: string;
  icon: ReactNode;
  tone: string;
  open: boolean;
}

const groups: Group[] = [
  { key: "reopened", title: "Failing again", says: "failing again", icon: <RotateCcw aria-hidden size={15} />, tone: "text-critical", open: true },
  {
    key: "new",
    title: "Failing for the first time",
    says: "failing for the first time",
    icon: <CircleAlert aria-hidden size={15} />,
    tone: "text-critical",
    open: true,
  },
  { key: "passed_now", title: "Passed now", says: "passed now", icon: <CircleCheck aria-hidden size={15} />, tone: "text-low", open: true },
  {
    key: "ambiguous",
    title: "Could be about several things",
    says: "that could be about several things",
    about: "A person decides in the triage; until then no rating moves.",
    icon: <CircleHelp aria-hidden size={15} />,
    tone: "text-medium",
    open: true,
  },
  {
    key: "unmatched",
    title: "About nothing in the model",
    says: "about nothing in the model",
    about: "A person decides in the triage; until then no rating moves.",
    icon: <CircleHelp aria-hidden size={15} />,
    tone: "text-medium",
    open: false,
  },
  {
    key: "still_failing",
    title: "Still failing",
    says: "still failing",
    icon: <CircleAlert aria-hidden size={15} />,
    tone: "text-high",
    open: false,
  },
  {
    key: "not_tested_now",
    title: "Not tested this time",
    says: "not tested this time",
    about: "What is absent proves nothing: all of it stays as it was.",
    icon: <CircleMinus aria-hidden size={15} />,
    tone: "text-soft",
    open: false,
  },
];

/** sentence says what a report was and what it changed, or with dry what it would. */
export function sentence(run: Run, dry?: boolean): string {
  const c = run.counts;
  const counted = [
    c.fail && plural(c.fail, "failure"),
    c.error && plural(c.error, "error"),
    c.pass && `${c.pass.toLocaleString("en")} passed`,
    c.not_run && `${c.not_run.toLocaleString("en")} not run`,
  ].filter(Boolean);
  const seen = `${run.tool || formatName(run.format)}: ${counted.join(", ") || "no result"}.`;
  if (run.repeat || run.diff?.repeat) return `${seen} This report was read before, so nothing ${dry ? "would change" : "changed"}.`;
  const parts = groups.flatMap((g) => {
    const n = run.diff?.[g.key]?.length ?? 0;
    return n ? [`${n.toLocaleString("en")} ${g.says}`] : [];
  });
  if (parts.length === 0) return `${seen} ${dry ? "Nothing would change." : "Nothing changed."}`;
  return `${seen} ${dry ? "It would be: " : ""}${parts.join(", ")}.`;
}

/** Difference says what a report changed, in words and row by row. */
export function Difference({ product, run, dry }: { product: string; run: Run; dry?: boolean }) {
  const subjects = useSubjects(product);
  const d = run.diff;
  const touched = tickets(run, subjects);
  return (
    <div className="grid gap-3">
      <p className="text-sm">{sentence(run, dry)}</p>
      {!run.complete && (
        <div className="rounded-md bg-medium-soft px-3 py-2 text-medium text-sm">
          <p>The report is not complete, so what it does not name stays as it was.</p>
          {(run.reasons ?? []).length > 0 && (
            <ul className="mt-1 list-disc ps-4">
              {(run.reasons ?? []).map((r) => (
                <li key={r}>{r}</li>
              ))}
            </ul>
          )}
        </div>
      )}
      {(d?.asks ?? []).map((a) => (
        <p key={a} className="rounded-md bg-medium-soft px-3 py-2 text-medium text-sm">
          {a}
        </p>
      ))}
      {d && groups.map((g) => <Rows key={g.key} group={g} items={d[g.key] ?? []} product={product} subjects={subjects} />)}
      {touched.length > 0 && (
        <section>
          <h3 className="flex items-center gap-2 font-medium text-sm">
            {dry ? "Tickets that would change" : "Tickets it concerns"} <span className="num text-soft text-xs">{touched.length}</span>
          </h3>
          <p className="text-soft text-xs">
            They get a note with the verdict. A failure behind a claim opens a vulnerability ticket, if the policy of the product says so.
          </p>
          <ul className="mt-1.5 divide-y divide-line rounded-md border border-line">
            {touched.map((t) => (
              <li key={t.ticket.key + t.ticket.purpose} className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5 text-sm">
                <Link to="/products/$product/tickets" params={{ product }} search={{ q: t.ticket.key } as never} className="link num font-medium">
                  {t.ticket.key}
                </Link>
                <bdi className="min-w-0 flex-1 basis-40 truncate" title={t.title}>
                  {t.title}
                </bdi>
                <span className="text-soft text-xs">{t.ticket.status}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {(run.notes ?? []).length > 0 && (
        <Disclosure summary={plural((run.notes ?? []).length, "note of the reader", "notes of the reader")}>
          <ul className="list-disc ps-4 text-sm text-soft">
            {(run.notes ?? []).map((n, i) => (
              <li key={i}>{n}</li>
            ))}
          </ul>
        </Disclosure>
      )}
    </div>
  );
}

/** tickets are those of what changed its verdict. */
function tickets(run: Run, subjects: Map<string, Subject>): { ticket: Subject["tickets"][number]; title: string }[] {
  const out = new Map<string, { ticket: Subject["tickets"][number]; title: string }>();
  for (const k of ["new", "reopened", "passed_now"] as const)
    for (const item of run.diff?.[k] ?? [])
      for (const m of item.matches ?? []) {
        const s = subjects.get(subjectOf(m));
        for (const t of s?.tickets ?? []) if (t.key) out.set(t.key, { ticket: t, title: s!.title });
      }
  return [...out.values()].sort((a, b) => a.ticket.key.localeCompare(b.ticket.key, "en", { numeric: true }));
}

const shownAtFirst = 20;

function Rows({ group, items, product, subjects }: { group: Group; items: Item[]; product: string; subjects: Map<string, Subject> }) {
  const [all, setAll] = useState(false);
  if (items.length === 0) return null;
  return (
    <details open={group.open} className="group rounded-md border border-line">
      <summary className="flex list-none items-center gap-2 px-3 py-2 text-sm [&::-webkit-details-marker]:hidden">
        <span className={group.tone}>{group.icon}</span>
        <h3 className="font-medium">{group.title}</h3>
        <span className="num text-soft text-xs">{items.length.toLocaleString("en")}</span>
        <span className="ms-auto text-soft text-xs group-open:hidden">Show</span>
      </summary>
      {group.about && <p className="px-3 pb-1 text-soft text-xs">{group.about}</p>}
      <ul className="divide-y divide-line border-line border-t">
        {(all ? items : items.slice(0, shownAtFirst)).map((i) => (
          <li key={`${i.key} ${i.component ?? ""}`} className="grid gap-1 px-3 py-2 text-sm">
            <bdi className="font-medium">{i.name || i.id || i.key}</bdi>
            <Matches product={product} subjects={subjects} matches={i.matches ?? []} />
            {(i.matches ?? []).length === 0 && <span className="text-soft text-xs">{i.reason}</span>}
          </li>
        ))}
      </ul>
      {items.length > shownAtFirst && !all && (
        <Button look="ghost" size="sm" className="m-1.5" onClick={() => setAll(true)}>
          Show all {items.length.toLocaleString("en")}
        </Button>
      )}
      {(group.key === "unmatched" || group.key === "ambiguous") && (
        <p className="border-line border-t px-3 py-2 text-sm">
          <Link to="/products/$product/tests" params={{ product }} search={{ view: "triage" } as never} className="link">
            Decide in the triage
          </Link>
        </p>
      )}
    </details>
  );
}

/** Matches names what a result is about, with links there and the reason. */
export function Matches({
  product,
  matches,
  subjects,
  className,
}: {
  product: string;
  matches: NonNullable<Item["matches"]>;
  subjects: Map<string, Subject>;
  className?: string;
}) {
  return (
    <>
      {matches.map((m, i) => {
        const s = subjects.get(subjectOf(m));
        return (
          <span key={i} className={cx("flex flex-wrap items-baseline gap-x-2 text-soft text-xs", className)}>
            <span>{word(m.countermeasure ? "countermeasure" : "weakness")}</span>
            {s ? (
              <Link
                to={`/products/$product/${s.place}` as "/products/$product/threats"}
                params={{ product }}
                search={{ open: s.open } as never}
                className="link"
                title={m.reason}
              >
                <bdi>{s.title}</bdi>
              </Link>
            ) : (
              <code>{subjectOf(m)}</code>
            )}
            {s && <bdi>at {s.whereName}</bdi>}
            {s?.state && <Badge>{word(s.state)}</Badge>}
          </span>
        );
      })}
    </>
  );
}
