import { Link, useParams } from "@tanstack/react-router";
import { CircleCheck, CircleDashed, CircleX } from "lucide-react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Ago } from "../../ui/time";
import { sentence, word } from "../../ui/words";

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
              {!quiet && r.reason && <Reason text={r.reason} />}
            </p>
          </li>
        );
      })}
    </ul>
  );
}

/** Reason is why a result counts as it does; where it names a run, it leads there. */
function Reason({ text }: { text: string }) {
  const { product } = useParams({ strict: false });
  const [before = "", run, after = ""] = sentence(text).split(/\b(?:run )?(run_\w+)/);
  return (
    <span className="block text-soft">
      {before}
      {run && product ? (
        <Link to="/products/$product/tests" params={{ product }} search={{ run } as never} className="link">
          this run
        </Link>
      ) : (
        run
      )}
      {after}
    </span>
  );
}
