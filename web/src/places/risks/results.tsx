import { CircleCheck, CircleDashed, CircleX } from "lucide-react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Ago } from "../../ui/time";
import { word } from "../../ui/words";

/** What became of a verdict that no longer counts. */
const since: Record<string, string> = { cleared: "gone since", suppressed: "set aside in the tool", ended: "its source was retired" };

/** Results are the rows of evidence about one thing: what said it, when, and what it says now. */
export function Results({ of, quiet }: { of: S["TestResult"][] | null | undefined; quiet?: boolean }) {
  const list = quiet ? (of ?? []).filter((r) => r.standing === "failing").slice(0, 3) : (of ?? []);
  if (list.length === 0) return quiet ? null : <p className="text-sm text-soft">No test has said anything about it yet.</p>;
  return (
    <ul className={cx("grid", quiet ? "gap-0.5" : "gap-1.5")}>
      {list.map((r) => {
        const Icon = r.verdict === "fail" ? CircleX : r.verdict === "pass" ? CircleCheck : CircleDashed;
        return (
          <li key={r.id} className="flex items-start gap-1.5 text-xs">
            <Icon
              aria-hidden
              size={13}
              className={cx("mt-0.5 shrink-0", r.standing === "failing" ? "text-critical" : r.standing === "passing" ? "text-low" : "text-soft")}
            />
            <p className="min-w-0 flex-1">
              <span className="font-medium">
                {word(r.verdict)}
                {since[r.standing] && `, ${since[r.standing]}`}
              </span>
              : <bdi>{r.name}</bdi>
              <span className="text-soft">
                {" "}
                · {r.tool} · <Ago at={r.at} />
              </span>
              {!quiet && r.reason && <span className="block text-soft">{r.reason.charAt(0).toUpperCase() + r.reason.slice(1)}</span>}
            </p>
          </li>
        );
      })}
    </ul>
  );
}
