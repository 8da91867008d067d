import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowRight, ArrowUp } from "lucide-react";
import { cx } from "../../ui/cx";
import { ErrorText, Skeleton } from "../../ui/state";
import { Ago } from "../../ui/time";
import { word } from "../../ui/words";
import { ratingHistory } from "./data";

const figures = ["inherent", "verified", "current", "projected"] as const;

/** Ratings tells what moved the ratings of a threat, newest first. */
export function Ratings({ product, threat }: { product: string; threat: string }) {
  const q = useQuery(ratingHistory(product, threat));
  if (q.error && !q.data) return <ErrorText error={q.error} />;
  if (!q.data) return <Skeleton className="h-24 w-full" />;
  const items = q.data.items ?? [];
  if (items.length === 0) return <p className="text-sm text-soft">Its ratings have not changed since it is here.</p>;
  return (
    <ol className="grid gap-0">
      {items.map((c) => {
        const moved = figures.filter((f) => c.before[f] !== c.after[f]);
        return (
          <li key={c.at + c.cause.text} className="grid grid-cols-[0.75rem_1fr] gap-x-3">
            <span aria-hidden className="relative">
              <span className="absolute inset-y-0 start-1.25 w-px bg-line" />
              <span className="absolute start-0.75 top-2 size-1.5 rounded-full bg-control" />
            </span>
            <div className="grid gap-1 pb-4">
              <p className="text-sm">
                {c.cause.text.charAt(0).toUpperCase() + c.cause.text.slice(1)}
                <span className="text-soft">
                  {c.cause.actor && (
                    <>
                      {" "}
                      · <bdi>{c.cause.actor}</bdi>
                    </>
                  )}{" "}
                  · <Ago at={c.at} />
                </span>
              </p>
              <ul className="num flex flex-wrap gap-x-4 gap-y-1 text-xs">
                {moved.map((f) => {
                  const up = c.after[f] > c.before[f];
                  const Arrow = up ? ArrowUp : ArrowDown;
                  return (
                    <li key={f} className="inline-flex items-center gap-1">
                      <span className="text-soft">{word(f)}</span>
                      {c.before[f]}
                      <ArrowRight aria-label="to" size={11} className="text-soft" />
                      <span className="font-medium">{c.after[f]}</span>
                      <Arrow aria-label={up ? "up" : "down"} size={12} className={cx(up ? "text-critical" : "text-low")} />
                    </li>
                  );
                })}
              </ul>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
