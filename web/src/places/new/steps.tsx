import { Check } from "lucide-react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Progress } from "../../ui/progress";

type Group = S["GroupProgress"];

/** Steps are the groups of a questionnaire with how far each is, and how far the whole is. */
export function Steps({
  groups,
  now,
  onGo,
  progress,
  disabled,
}: {
  groups: Group[];
  now: string;
  onGo?: (group: string) => void;
  progress: { answered: number; total: number };
  disabled?: boolean;
}) {
  const part = progress.total > 0 ? progress.answered / progress.total : 0;
  return (
    <div className="mb-5">
      <div className="mb-2 flex items-baseline gap-2 text-soft text-xs">
        <span className="num flex-1">
          {progress.answered} of {progress.total} questions answered
        </span>
        <span className="num">{Math.round(part * 100)} %</span>
      </div>
      <Progress value={part} label="Questions answered" />
      <nav aria-label="Steps of the questionnaire" className="-mx-1.5 mt-2 flex flex-wrap gap-1">
        {groups.map((g) => {
          const done = g.total > 0 && g.answered === g.total;
          const here = g.ref === now;
          return (
            <button
              key={g.ref}
              type="button"
              disabled={disabled || !onGo}
              aria-current={here ? "step" : undefined}
              onClick={() => onGo?.(g.ref)}
              className={cx(
                "inline-flex h-7 shrink-0 items-center gap-1.5 rounded-md px-2 text-xs",
                here ? "bg-accent-soft font-medium text-accent" : "text-soft enabled:hover:bg-raised enabled:hover:text-text",
              )}
            >
              {done ? (
                <Check aria-label="answered" size={13} className="text-low" />
              ) : (
                <span className="num">
                  {g.answered}/{g.total}
                </span>
              )}
              {g.title}
            </button>
          );
        })}
      </nav>
    </div>
  );
}
