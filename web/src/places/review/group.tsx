import { MapPin } from "lucide-react";
import { Button } from "../../ui/button";
import type { Rows } from "../../ui/virtual";
import { plural } from "../../ui/words";
import { type Group, type Step, waits } from "./plan";

/** GroupHead names a place and answers for all of its steps at once. It stays in view as long as one of them is. */
export function GroupHead({
  group: g,
  index,
  measure,
  selected,
  select,
  accept,
  busy,
  can,
}: {
  group: Group;
  index: number;
  measure: Rows["measure"];
  selected: Set<string>;
  select: (steps: Step[], on: boolean) => void;
  accept: (steps: Step[]) => void;
  busy: boolean;
  can: boolean;
}) {
  const open = g.steps.filter(waits);
  const chosen = open.filter((s) => selected.has(s.key)).length;
  const name = placeName(g);
  return (
    <div
      ref={measure}
      data-index={index}
      className="sticky top-(--top) z-10 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-t-lg border-line border-b bg-surface px-4 py-2.5"
    >
      {can && open.length > 0 && (
        <input
          type="checkbox"
          className="size-3.5"
          aria-label={`Select all of ${name}`}
          checked={chosen === open.length}
          ref={(el) => {
            if (el) el.indeterminate = chosen > 0 && chosen < open.length;
          }}
          onChange={() => select(open, chosen < open.length)}
        />
      )}
      <h2 className="flex min-w-0 flex-1 items-center gap-2 font-semibold text-sm">
        <MapPin aria-hidden size={14} className="shrink-0 text-soft" />
        <bdi className="truncate">{name}</bdi>
        <span className="num shrink-0 font-normal text-soft text-xs">
          {plural(g.steps.length, "step")}
          {g.links > 0 && <span className="max-sm:hidden">, with {plural(g.links, "link")}</span>}
        </span>
      </h2>
      {can && open.length > 1 && (
        <Button size="sm" disabled={busy} onClick={() => accept(open)}>
          Accept these {open.length}
        </Button>
      )}
    </div>
  );
}

/** placeName is what a place is called. */
export const placeName = (g: Group): string => g.name || "The product as a whole";
