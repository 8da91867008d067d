import { Ban, CircleCheck, CircleDashed, Clock, type LucideIcon, ShieldCheck } from "lucide-react";
import { cx } from "../../ui/cx";
import { Badge } from "../../ui/parts";
import { word } from "../../ui/words";
import { count, means, type Status, statuses, type Totals } from "./data";

const looks: Record<Status, { icon: LucideIcon; tone: "neutral" | "accent" | "good" | "warn"; bar: string }> = {
  proven: { icon: ShieldCheck, tone: "good", bar: "bg-low-fill" },
  implemented: { icon: CircleCheck, tone: "accent", bar: "bg-accent" },
  planned: { icon: Clock, tone: "warn", bar: "bg-medium-fill" },
  gap: { icon: CircleDashed, tone: "neutral", bar: "bg-sunken" },
  "not-applicable": { icon: Ban, tone: "neutral", bar: "hatch" },
};

/** StatusIcon is the sign of a clause's status. */
export function StatusIcon({ status, size = 13 }: { status: Status; size?: number }) {
  const Icon = looks[status].icon;
  return <Icon aria-hidden size={size} className="shrink-0" />;
}

/** ClauseStatus is the status of a clause: a word and a sign. */
export function ClauseStatus({ status }: { status: Status }) {
  return (
    <span title={means[status]}>
      <Badge tone={looks[status].tone} icon={<StatusIcon status={status} />} className={status === "gap" ? "bg-transparent px-0" : undefined}>
        {word(status)}
      </Badge>
    </span>
  );
}

/** covered says in a sentence how far a standard is kept. */
export function covered(t: Totals): string {
  const counts = t.clauses - t.not_applicable;
  const done = t.proven + t.implemented;
  return `${done.toLocaleString("en")} of ${counts.toLocaleString("en")} clauses covered, ${t.proven.toLocaleString("en")} of them proven`;
}

/** CoverageBar shows the parts of a standard that are proven, implemented, planned and open. */
export function CoverageBar({ totals: t, label, thin }: { totals: Totals; label: string; thin?: boolean }) {
  return (
    <div
      role="img"
      aria-label={`${label}: ${statuses.map((s) => `${count(t, s)} ${word(s).toLowerCase()}`).join(", ")}`}
      className={cx("flex w-full gap-px overflow-hidden rounded-full bg-sunken", thin ? "h-1.5" : "h-2.5")}
    >
      {statuses
        .filter((s) => count(t, s) > 0)
        .map((s) => (
          <span key={s} className={cx("min-w-1", looks[s].bar)} style={{ flexGrow: count(t, s), flexBasis: 0 }} />
        ))}
    </div>
  );
}

/** Legend names the parts of a bar with their numbers; each filters the clauses below. */
export function Legend({ totals: t, chosen, onChoose }: { totals: Totals; chosen: string[]; onChoose: (s: Status) => void }) {
  return (
    <ul className="flex flex-wrap gap-x-1 gap-y-1">
      {statuses.map((s) => (
        <li key={s}>
          <button
            type="button"
            aria-pressed={chosen.includes(s)}
            title={means[s]}
            onClick={() => onChoose(s)}
            className={cx(
              "inline-flex h-7 items-center gap-1.5 rounded-md px-2 text-xs hover:bg-raised",
              chosen.includes(s) && "bg-accent-soft text-accent",
            )}
          >
            <span aria-hidden className={cx("size-2.5 rounded-sm border", s === "gap" ? "border-control" : "border-line", looks[s].bar)} />
            {word(s)} <span className="num font-medium">{count(t, s).toLocaleString("en")}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
