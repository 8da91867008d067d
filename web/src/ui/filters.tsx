import { ListFilter, X } from "lucide-react";
import { type ReactNode, useDeferredValue, useMemo, useRef } from "react";
import type { Reading } from "../api/whole";
import { useAddress, useList } from "./address";
import { Button } from "./button";
import { ahead, Choices, type Option } from "./combobox";
import { SearchInput } from "./field";
import { Popover } from "./parts";
import { plural } from "./words";

/** Filter is one thing that a list can be filtered by; its values are in the address under its key. */
export interface Filter {
  key: string;
  name: string;
  options: Option[];
}

/** FilterBar is the row above a list: search, filters, what is chosen, and what the place adds. */
export function FilterBar({
  label,
  filters,
  shown,
  total,
  unit = "row",
  note,
  reading,
  status,
  children,
}: {
  label: string;
  filters: Filter[];
  shown: number;
  total: number;
  /** What a row is, for one. */
  unit?: string;
  /** What the count is made of, where it says more than the number. */
  note?: string;
  /** How far the list is, where it is not all there yet. */
  reading?: Reading;
  /** Says how many there are instead, where the rows are not all there. */
  status?: string;
  children?: ReactNode;
}) {
  const [search, set] = useAddress();
  const on = filters.filter((f) => search[f.key]);
  const any = on.length > 0 || !!search.q;
  return (
    <div className="mb-3 flex flex-wrap items-center gap-2">
      <SearchInput value={search.q ?? ""} onChange={(q) => set({ q })} label={label} small className="w-full sm:w-60" />
      {filters.map((f) => (
        <FilterButton key={f.key} filter={f} />
      ))}
      {any && (
        <Button
          look="ghost"
          size="sm"
          icon={<X aria-hidden size={13} />}
          onClick={() => set(Object.fromEntries([["q", undefined], ...filters.map((f) => [f.key, undefined])]))}
        >
          Clear
        </Button>
      )}
      <span className="num text-soft text-xs" role="status">
        {status ? (
          status
        ) : reading ? (
          <>
            {any && `${shown.toLocaleString("en")} match so far, `}
            {reading.read.toLocaleString("en")} of {reading.total?.toLocaleString("en") ?? "more"}
            <span className="sr-only"> rows read</span>
            <span aria-hidden>…</span>
          </>
        ) : shown === total ? (
          [plural(total, unit), note].filter(Boolean).join(": ")
        ) : (
          `${shown.toLocaleString("en")} of ${plural(total, unit)}`
        )}
      </span>
      {reading?.failed && (
        <Button size="sm" onClick={reading.again}>
          Read the rest
        </Button>
      )}
      {children && <div className="ms-auto flex flex-wrap items-center gap-2">{children}</div>}
    </div>
  );
}

function FilterButton({ filter }: { filter: Filter }) {
  const [values, set] = useList(filter.key);
  const names = values.map((v) => filter.options.find((o) => o.value === v)?.text ?? v);
  return (
    <Popover
      label={filter.name}
      className="w-60 p-2"
      trigger={
        <Button
          size="sm"
          {...ahead}
          className={values.length ? "border-accent bg-accent-soft text-accent" : "border-dashed"}
          icon={values.length ? undefined : <ListFilter aria-hidden size={13} />}
        >
          {values.length > 0 ? `${filter.name}:` : filter.name}
          {values.length > 0 && (
            <span className="max-w-40 truncate font-medium">{names.length > 2 ? `${names.length} chosen` : names.join(", ")}</span>
          )}
        </Button>
      }
    >
      <Choices
        label={filter.name}
        options={filter.options}
        chosen={(v) => values.includes(v)}
        onChoose={(v) => set(values.includes(v) ? values.filter((x) => x !== v) : [...values, v])}
      />
    </Popover>
  );
}

const fold = (s: string) => (/^[ -~]*$/.test(s) ? s : s.normalize("NFKD").replace(/\p{M}/gu, "")).toLowerCase();

/**
 * useFiltered applies the address to rows: every word of q is in the text, and for
 * each filter the row has one of the chosen values. deps is what text and values read
 * besides the row: with it the same rows stay the same list until one of them changes.
 */
export function useFiltered<T extends object>(
  rows: T[],
  text: (row: T) => string,
  values: Record<string, (row: T) => string | string[] | undefined>,
  deps: unknown[] = [{}],
): T[] {
  const [search] = useAddress();
  const q = useDeferredValue(fold(search.q ?? ""));
  const on = Object.keys(values).filter((k) => search[k]);
  const folded = useRef(new WeakMap<T, string>());
  // biome-ignore lint/correctness/useExhaustiveDependencies: deps stands for the functions
  return useMemo(() => {
    const words = q.split(/\s+/).filter(Boolean);
    const chosen = on.map((k) => [values[k]!, new Set(search[k]!.split(","))] as const);
    if (words.length === 0 && chosen.length === 0) return rows;
    return rows.filter((r) => {
      for (const [of, set] of chosen) {
        const v = of(r);
        if (!(Array.isArray(v) ? v.some((x) => set.has(x)) : set.has(v ?? ""))) return false;
      }
      if (words.length === 0) return true;
      let t = folded.current.get(r);
      if (t === undefined) {
        t = fold(text(r));
        folded.current.set(r, t);
      }
      return words.every((w) => t.includes(w));
    });
  }, [rows, q, on.map((k) => `${k}=${search[k]}`).join("&"), ...deps]);
}
