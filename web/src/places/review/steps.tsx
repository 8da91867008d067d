import { type FocusEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useRows } from "../../ui/virtual";
import { GroupHead, placeName } from "./group";
import { flat, type Group, type Step } from "./plan";
import { type Acts, StepRow, type Titles } from "./step";

// What a head, a step and the room after a place are high, until it is known.
const heights = { head: 49, step: 78, end: 16 };

/**
 * Steps are the steps of a plan, place by place. A plan has thousands: only those in
 * view are in the page, and the one with the focus. Where that was answered and went,
 * the next takes its place, so that one after the other can be answered by the keyboard.
 */
export function Steps({
  groups,
  selected,
  select,
  accept,
  acts,
  busy,
  can,
  reasons,
}: {
  groups: Group[];
  selected: Set<string>;
  select: (steps: Step[], on: boolean) => void;
  accept: (steps: Step[]) => void;
  acts: Acts;
  busy: boolean;
  can: boolean;
  reasons: Titles;
}) {
  const box = useRef<HTMLDivElement>(null);
  const { entries, at } = useMemo(() => flat(groups), [groups]);
  const [focused, setFocused] = useState<{ key: string; index: number }>();
  const keyOf = useCallback((i: number) => entries[i]!.key, [entries]);
  const estimate = useCallback((i: number) => heights[entries[i]!.is], [entries]);
  const keep = focused && at.get(focused.key);
  const { items, height, start, measure, show } = useRows({ box, count: entries.length, keyOf, estimate, covered: 96, around: 8, keep });
  const latest = useRef(show);
  latest.current = show;
  useEffect(() => {
    if (!focused || at.has(focused.key) || document.activeElement !== document.body) return;
    let next = Math.min(focused.index, entries.length - 1);
    while (next < entries.length - 1 && entries[next]!.is !== "step") next++;
    while (next > 0 && entries[next]!.is !== "step") next--;
    if (entries[next]?.is !== "step") return;
    latest.current(next);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-index="${next}"] [data-accept]`)?.focus({ preventScroll: true }));
  }, [focused, at, entries]);
  const onFocus = (e: FocusEvent) => {
    const index = Number((e.target as HTMLElement).closest<HTMLElement>("li[data-index]")?.dataset.index ?? -1);
    if (entries[index]) setFocused({ key: entries[index].key, index });
  };
  const seen = new Map<number, { index: number; start: number }[]>();
  for (const item of items) {
    const { group, is } = entries[item.index]!;
    const rows = seen.get(group) ?? [];
    if (is === "step") rows.push(item);
    seen.set(group, rows);
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only learns where the focus is
    <div ref={box} className="relative" style={{ height }} onFocus={onFocus}>
      {[...seen].map(([n, rows]) => {
        const g = groups[n]!;
        const head = at.get(`head ${g.where}`) ?? 0;
        const first = start(head + 1);
        const end = start(head + 1 + g.steps.length);
        return (
          <section
            key={g.where}
            aria-label={placeName(g)}
            className="card absolute inset-x-0 top-0"
            style={{ top: start(head), height: end - start(head) }}
          >
            <GroupHead group={g} index={head} measure={measure} selected={selected} select={select} accept={accept} busy={busy} can={can} />
            <ul className="relative" style={{ height: end - first }}>
              {rows.map(({ index, start }) => {
                const step = entries[index]!.step!;
                return (
                  <StepRow
                    key={step.key}
                    step={step}
                    index={index}
                    top={start - first}
                    place={index - head}
                    of={g.steps.length}
                    measure={measure}
                    selected={selected.has(step.key)}
                    acts={acts}
                    can={can}
                    reasons={reasons}
                  />
                );
              })}
            </ul>
          </section>
        );
      })}
    </div>
  );
}
