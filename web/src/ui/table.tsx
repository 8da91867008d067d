import { ArrowDown, ArrowUp, Download } from "lucide-react";
import { type KeyboardEvent, type MouseEvent, memo, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useAddress } from "./address";
import { IconButton } from "./button";
import { cx } from "./cx";
import { useNarrow } from "./media";
import { type Rows, useRows } from "./virtual";

/** Column is one column of a table of T. */
export interface Column<T> {
  id: string;
  name: string;
  cell: (row: T) => ReactNode;
  /** By what the column sorts; without it, it does not. Undefined comes last either way. */
  sort?: (row: T) => string | number | undefined;
  /** What stands in an export; without it the column is left out there. */
  text?: (row: T) => string | number | undefined;
  /** A CSS grid track: "minmax(12rem,3fr)", "7rem". */
  width: string;
  align?: "end";
  /** Where it stands in the card that a row becomes on a narrow screen: its title, at its end, below it, or nowhere. */
  narrow?: "title" | "end" | "below" | "hide";
  /** Not on the page: it sorts and stands in exports only. */
  hidden?: boolean;
}

export interface TableProps<T> {
  rows: T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  label: string;
  /** Opens a row: by Enter, or a press anywhere on it. */
  onOpen?: (row: T) => void;
  /** The row that is open beside the table. */
  openKey?: string;
  /** While a row is open, moving by keys opens the row that is moved to. */
  follow?: boolean;
  selected?: Set<string>;
  onSelect?: (keys: Set<string>) => void;
  /** The column that the table sorts by at first, "-" before it for descending. */
  sortBy?: string;
  /** Rows are still being read, and come in the order of sortBy: what concerns all of them waits. */
  reading?: boolean;
  empty: ReactNode;
  /** Name of the file of an export. */
  exportName?: string;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/**
 * plainKey writes plain text (letters, digits, single spaces) so that comparing it by
 * its characters is what the collator would say, at a small part of the cost; other
 * text has none.
 */
function plainKey(text: string): string | undefined {
  if (!/^[a-z0-9]+( [a-z0-9]+)*$/i.test(text)) return undefined;
  // A number is its length and its digits: "0" keeps it before letters.
  return text.toLowerCase().replace(/0*(\d+)/g, (_, n: string) => `0${String.fromCharCode(n.length + 32)}${n}`);
}

/** sorted returns the rows in the order of a column; equal ones keep their order. */
export function sorted<T>(rows: T[], columns: Column<T>[], by: string | undefined): T[] {
  if (!by) return rows;
  const down = by.startsWith("-");
  const column = columns.find((c) => c.id === by.replace(/^-/, ""));
  const sort = column?.sort;
  if (!sort) return rows;
  const keyed = rows.map((row) => {
    const key = sort(row);
    return { row, key, plain: typeof key === "string" ? plainKey(key) : undefined };
  });
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) return a.key === b.key ? 0 : a.key === undefined ? 1 : -1;
    const c =
      typeof a.key === "number" && typeof b.key === "number"
        ? a.key - b.key
        : a.plain !== undefined && b.plain !== undefined
          ? Number(a.plain > b.plain) - Number(a.plain < b.plain)
          : collator.compare(String(a.key), String(b.key));
    return down ? -c : c;
  });
  return keyed.map((k) => k.row);
}

/**
 * Table shows rows of any number: only those in view are in the page. Its order is
 * in the address. Keys: arrows or j and k to move, Enter to open
 * and again to go into what is open, x or Space to select.
 */
export function Table<T>({
  rows,
  columns: every,
  rowKey,
  label,
  onOpen,
  openKey,
  follow,
  selected,
  onSelect,
  sortBy,
  reading,
  empty,
  exportName,
}: TableProps<T>) {
  const [search, setSearch] = useAddress();
  const by = search.sort ?? sortBy;
  const narrow = useNarrow();
  const columns = useMemo(() => every.filter((c) => !c.hidden), [every]);
  const ordered = useMemo(() => sorted(rows, every, by), [rows, every, by]);
  const latestKey = useRef(rowKey);
  latestKey.current = rowKey;
  const all = useMemo(
    () => selected !== undefined && selected.size >= ordered.length && ordered.every((r) => selected.has(latestKey.current(r))),
    [selected, ordered],
  );
  if (rows.length === 0 && !reading) return <>{empty}</>;
  const tracks = [onSelect ? "2.25rem" : "", ...columns.map((c) => c.width)].filter(Boolean).join(" ");
  // Rows that are still to come would go between these.
  const waits = reading && by !== sortBy;
  return (
    <div role="table" aria-label={label} aria-rowcount={reading ? -1 : ordered.length + 1} className="text-sm">
      <div role="rowgroup" className={cx("sticky top-(--top) z-10 bg-bg", narrow && "sr-only")}>
        <div role="row" aria-rowindex={1} className="grid items-center gap-x-3 border-line border-b px-2" style={{ gridTemplateColumns: tracks }}>
          {onSelect && (
            <div role="columnheader" className="grid h-9 items-center">
              <input
                type="checkbox"
                className="size-3.5"
                aria-label="Select all rows"
                title={reading ? waiting : undefined}
                disabled={reading}
                checked={all && !reading}
                onChange={() => onSelect(all ? new Set() : new Set(ordered.map(rowKey)))}
              />
            </div>
          )}
          {columns.map((c, i) => {
            const on = by === c.id ? "ascending" : by === `-${c.id}` ? "descending" : undefined;
            return (
              <div
                key={c.id}
                role="columnheader"
                aria-sort={c.sort ? (on ?? "none") : undefined}
                className={cx("flex h-9 min-w-0 items-center gap-1", c.align === "end" && "justify-end pe-2")}
              >
                {c.sort ? (
                  <button
                    type="button"
                    onClick={() => setSearch({ sort: on === "ascending" ? `-${c.id}` : on === "descending" ? undefined : c.id })}
                    className={cx(
                      "inline-flex min-w-0 items-center gap-1 rounded-sm text-xs hover:text-text",
                      on ? "font-medium text-text" : "text-soft",
                    )}
                  >
                    <span className="truncate">{c.name}</span>
                    {on === "ascending" ? <ArrowUp aria-hidden size={12} /> : on === "descending" ? <ArrowDown aria-hidden size={12} /> : null}
                  </button>
                ) : (
                  <span className="truncate text-soft text-xs">{c.name}</span>
                )}
                {exportName && i === columns.length - 1 && (
                  <IconButton
                    label={reading ? `Export these rows as CSV: ${waiting.toLowerCase()}` : "Export these rows as CSV"}
                    size="sm"
                    className="ms-auto"
                    disabled={reading}
                    onClick={() =>
                      void import("./csv").then(({ csv, save }) => save(`${exportName}.csv`, csv(ordered, every), "text/csv;charset=utf-8"))
                    }
                  >
                    <Download size={14} />
                  </IconButton>
                )}
              </div>
            );
          })}
        </div>
      </div>
      {waits || rows.length === 0 ? (
        <div role="rowgroup">
          <div role="row" className="py-10 text-center text-soft">
            <span role="cell">{waits ? "Put in order once all rows are read" : "No row so far"}</span>
          </div>
        </div>
      ) : (
        <Body
          ordered={ordered}
          columns={columns}
          tracks={tracks}
          narrow={narrow}
          rowKey={rowKey}
          onOpen={onOpen}
          openKey={openKey}
          follow={follow}
          selected={selected}
          onSelect={onSelect}
        />
      )}
    </div>
  );
}

const waiting = "Waits until all rows are read";

/** Acts are what can be done to the row of a number; they stay the same from one drawing to the next. */
interface Acts {
  focus: (i: number) => void;
  press: (i: number, e: MouseEvent<HTMLElement>) => void;
  toggle: (i: number, range: boolean) => void;
}

type BodyProps<T> = Pick<TableProps<T>, "columns" | "rowKey" | "onOpen" | "openKey" | "follow" | "selected" | "onSelect"> & {
  ordered: T[];
  tracks: string;
  narrow: boolean;
};

/** Body are the rows. It alone is drawn again when the window moves over them, and of them those that change. */
function Body<T>({ ordered, columns, tracks, narrow, rowKey, onOpen, openKey, follow, selected, onSelect }: BodyProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const anchor = useRef<number | undefined>(undefined);
  const latestKey = useRef(rowKey);
  latestKey.current = rowKey;
  // Cards and rows of the same thing differ in height.
  const keyOf = useCallback((i: number) => (narrow ? "card " : "row ") + latestKey.current(ordered[i]!), [narrow, ordered]);
  const virtual = useRows({ box, count: ordered.length, keyOf, estimate: narrow ? 84 : 41, covered: narrow ? 56 : 44, around: 12, keep: active });
  useEffect(() => {
    if (active >= ordered.length) setActive(Math.max(0, ordered.length - 1));
  }, [active, ordered.length]);

  const focusRow = (i: number) => {
    const to = Math.max(0, Math.min(ordered.length - 1, i));
    setActive(to);
    if (follow && openKey !== undefined && ordered[to]) onOpen?.(ordered[to]);
    virtual.show(to);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-index="${to}"]`)?.focus({ preventScroll: true }));
  };
  const toggle = (i: number, range: boolean) => {
    if (!onSelect || !selected) return;
    const next = new Set(selected);
    const on = !selected.has(rowKey(ordered[i]!));
    const from = range && anchor.current !== undefined ? anchor.current : i;
    for (let n = Math.min(from, i); n <= Math.max(from, i); n++) {
      const key = rowKey(ordered[n]!);
      if (on) next.add(key);
      else next.delete(key);
    }
    anchor.current = i;
    onSelect(next);
  };
  const press = (i: number, e: MouseEvent<HTMLElement>) => {
    // What opened from the row, a menu or a dialog, is its child here but not on the page.
    if (!e.currentTarget.contains(e.target as Node)) return;
    if ((e.target as HTMLElement).closest("a,button,input,select,label,[role=combobox]")) return;
    if (onSelect && (e.shiftKey || e.metaKey || e.ctrlKey)) toggle(i, e.shiftKey);
    else onOpen?.(ordered[i]!);
  };
  const latest = useRef({ press, toggle });
  latest.current = { press, toggle };
  const acts = useMemo<Acts>(
    () => ({ focus: setActive, press: (i, e) => latest.current.press(i, e), toggle: (i, range) => latest.current.toggle(i, range) }),
    [],
  );
  const onKey = (e: KeyboardEvent) => {
    const on = e.target as HTMLElement;
    if (!on.dataset.index || e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(1, Math.floor(window.innerHeight / 41) - 4);
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      j: active + 1,
      ArrowUp: active - 1,
      k: active - 1,
      Home: 0,
      End: ordered.length - 1,
      PageDown: active + page,
      PageUp: active - page,
    };
    if (e.key in moves) focusRow(moves[e.key]!);
    else if (e.key === "Enter" && openKey === rowKey(ordered[active]!)) document.querySelector<HTMLElement>("[data-drawer]")?.focus();
    else if (e.key === "Enter") onOpen?.(ordered[active]!);
    else if ((e.key === "x" || e.key === " ") && onSelect) toggle(active, e.shiftKey);
    else if (e.key === "Escape" && selected?.size) onSelect?.(new Set());
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  return (
    <div ref={box} role="rowgroup" onKeyDown={onKey} className="relative" style={{ height: virtual.height }}>
      {virtual.items.map(({ index, start }) => {
        const row = ordered[index]!;
        const key = rowKey(row);
        return (
          <Row
            key={key}
            row={row}
            index={index}
            start={start}
            columns={columns as Column<unknown>[]}
            tracks={tracks}
            narrow={narrow}
            selectable={!!onSelect}
            opens={!!onOpen}
            chosen={selected?.has(key) ?? false}
            open={key === openKey}
            active={index === active}
            acts={acts}
            measure={virtual.measure}
          />
        );
      })}
    </div>
  );
}

interface RowProps {
  row: unknown;
  index: number;
  start: number;
  columns: Column<unknown>[];
  tracks: string;
  narrow: boolean;
  selectable: boolean;
  opens: boolean;
  chosen: boolean;
  open: boolean;
  active: boolean;
  acts: Acts;
  measure: Rows["measure"];
}

const Row = memo(function Row({ row, index, start, columns, tracks, narrow, selectable, opens, chosen, open, active, acts, measure }: RowProps) {
  const pick = selectable && (
    <input
      type="checkbox"
      className="size-3.5"
      tabIndex={-1}
      aria-label="Select this row"
      checked={chosen}
      onChange={() => undefined}
      onClick={(e) => {
        e.stopPropagation();
        acts.toggle(index, e.shiftKey);
      }}
    />
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the rows' keys are handled by their group
    <div
      ref={measure}
      data-index={index}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selectable ? chosen : undefined}
      tabIndex={active ? 0 : -1}
      onFocus={() => acts.focus(index)}
      onClick={(e) => acts.press(index, e)}
      className={cx(
        "absolute inset-x-0 top-0 border-line border-b px-2 -outline-offset-2 [contain:layout_style]",
        opens && "cursor-pointer",
        open ? "bg-accent-soft" : chosen ? "bg-accent-soft/60" : "hover:bg-raised/60",
        narrow ? "py-2.5" : "grid min-h-10 items-center gap-x-3 py-1",
      )}
      style={{ transform: `translateY(${start}px)`, gridTemplateColumns: narrow ? undefined : tracks }}
    >
      {narrow ? (
        <NarrowRow row={row} columns={columns} pick={pick || undefined} />
      ) : (
        <>
          {pick && (
            <div role="cell" className="flex items-center">
              {pick}
            </div>
          )}
          {columns.map((c) => (
            <div key={c.id} role="cell" className={cx("min-w-0", c.align === "end" && "pe-2 text-end")}>
              {c.cell(row)}
            </div>
          ))}
        </>
      )}
    </div>
  );
});

function NarrowRow<T>({ row, columns, pick }: { row: T; columns: Column<T>[]; pick?: ReactNode }) {
  const at = (where: Column<T>["narrow"]) => columns.filter((c) => (c.narrow ?? "below") === where);
  return (
    <div className="grid grid-cols-1 gap-1.5">
      <div className="flex items-start gap-2.5">
        {pick && (
          <div role="cell" className="pt-0.5">
            {pick}
          </div>
        )}
        <div className="min-w-0 flex-1">
          {at("title").map((c) => (
            <div key={c.id} role="cell">
              {c.cell(row)}
            </div>
          ))}
        </div>
        {at("end").map((c) => (
          <div key={c.id} role="cell" className="shrink-0">
            {c.cell(row)}
          </div>
        ))}
      </div>
      <div className={cx("flex flex-wrap items-center gap-x-3 gap-y-1 text-soft text-xs", pick !== undefined && "ps-6")}>
        {at("below").map((c) => (
          <div key={c.id} role="cell" className="min-w-0">
            {c.cell(row)}
          </div>
        ))}
      </div>
    </div>
  );
}
