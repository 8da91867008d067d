import { MapPin } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { plural } from "../../ui/words";
import { type Group, type Step, waits } from "./plan";
import { type Acts, StepRow } from "./step";

const most = 100;

/** PlaceGroup is a place with the steps that concern it. */
export function PlaceGroup({
  group: g,
  selected,
  select,
  accept,
  acts,
  busy,
  can,
}: {
  group: Group;
  selected: Set<string>;
  select: (steps: Step[], on: boolean) => void;
  accept: (steps: Step[]) => void;
  acts: Acts;
  busy: boolean;
  can: boolean;
}) {
  const [all, setAll] = useState(false);
  const open = g.steps.filter(waits);
  const chosen = open.filter((s) => selected.has(s.key)).length;
  const name = g.name || "The product as a whole";
  return (
    <section className="card" aria-label={name}>
      <div className="sticky top-(--top) z-10 flex flex-wrap items-center gap-x-3 gap-y-2 rounded-t-lg border-line border-b bg-surface px-4 py-2.5">
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
      <ul className="divide-y divide-line">
        {g.steps.slice(0, all ? undefined : most).map((s) => (
          <StepRow key={s.key} step={s} selected={selected.has(s.key)} acts={acts} can={can} />
        ))}
      </ul>
      {g.steps.length > most && !all && (
        <div className="border-line border-t px-4 py-2">
          <Button look="ghost" size="sm" onClick={() => setAll(true)}>
            Show the other {g.steps.length - most}
          </Button>
        </div>
      )}
    </section>
  );
}
