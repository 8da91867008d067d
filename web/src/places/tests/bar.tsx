import type { S } from "../../api/client";
import { cx } from "../../ui/cx";

const parts = [
  ["fail", "failed", "bg-critical"],
  ["error", "errors", "bg-high hatch text-bg"],
  ["pass", "passed", "bg-low"],
  ["not_run", "not run", "bg-control/50"],
] as const;

/** ResultBar draws the results of a run as one bar, with its numbers beside it. */
export function ResultBar({ counts, className }: { counts: S["ResultCounts"]; className?: string }) {
  const total = parts.reduce((n, [k]) => n + counts[k], 0);
  const text = parts
    .filter(([k]) => counts[k])
    .map(([k, name]) => `${counts[k].toLocaleString("en")} ${name}`)
    .join(", ");
  if (total === 0) return <span className="text-soft text-xs">no result</span>;
  return (
    <span className={cx("flex items-center gap-2", className)}>
      <span role="img" aria-label={text} title={text} className="flex h-2 w-20 shrink-0 gap-px overflow-hidden rounded-full bg-sunken">
        {parts.map(([k, , look]) => (counts[k] ? <span key={k} className={look} style={{ flexGrow: counts[k], minWidth: 3 }} /> : null))}
      </span>
      <span aria-hidden className="num truncate text-xs">
        {counts.fail + counts.error > 0 ? (
          <span className="font-medium text-critical">{(counts.fail + counts.error).toLocaleString("en")} failed</span>
        ) : (
          <span className="text-low">all passed</span>
        )}
        <span className="text-soft"> of {total.toLocaleString("en")}</span>
      </span>
    </span>
  );
}
