import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useAddress } from "../../ui/address";
import { type Filter, FilterBar, useFiltered } from "../../ui/filters";
import { Failed, Loading } from "../../ui/state";
import { sorted, Table } from "../../ui/table";
import { word } from "../../ui/words";
import { CountermeasureDrawer } from "../risks/countermeasure-drawer";
import { NoMatch, placesIn } from "../risks/filters";
import { ClauseDrawer } from "./clause";
import { clauseColumns } from "./columns";
import { type Clause, clausesOf, type Kept, means, statuses, title } from "./data";
import { StatusIcon } from "./marks";

/** Clauses is the table of a standard's clauses, with a drawer for each and for the countermeasures that serve it. */
export function Clauses({ product, name, of: s }: { product: string; name: string; of: Kept }) {
  const [search, set] = useAddress();
  const q = useQuery(clausesOf(product, s.standard));
  const rows = useMemo(() => q.data?.items ?? [], [q.data]);
  const filtered = useFiltered(rows, (c) => `${c.id} ${c.title} ${(c.countermeasures ?? []).map((m) => m.title).join(" ")}`, {
    status: (c) => c.status,
    level: (c) => (c.level ? String(c.level) : ""),
    where: (c) => (c.countermeasures ?? []).map((m) => m.where),
  });
  const levels = useMemo(() => [...new Set(rows.flatMap((c) => (c.level ? [c.level] : [])))].sort((a, b) => a - b), [rows]);
  const filters = useMemo<Filter[]>(
    () => [
      {
        key: "status",
        name: "Status",
        options: statuses.map((value) => ({ value, text: word(value), about: means[value], icon: <StatusIcon status={value} /> })),
      },
      ...(levels.length > 1 ? [{ key: "level", name: "Level", options: levels.map((l) => ({ value: String(l), text: `Level ${l}` })) }] : []),
      { key: "where", name: "Place", options: placesIn(rows.flatMap((c) => c.countermeasures ?? [])) },
    ],
    [rows, levels],
  );
  const columns = useMemo(() => clauseColumns(levels.length > 0), [levels]);
  const ordered = useMemo(() => sorted(filtered, columns, search.sort), [filtered, columns, search.sort]);
  const open = rows.find((c) => c.id === search.clause);
  const step = (by: 1 | -1) => {
    const i = ordered.findIndex((c) => c.id === search.clause);
    const next = ordered[i < 0 ? 0 : i + by];
    if (next) set({ clause: next.id });
  };
  if (q.error && !q.data) return <Failed error={q.error} retry={() => void q.refetch()} />;
  if (!q.data) return <Loading />;
  return (
    <>
      <div>
        <FilterBar label="Search clauses" filters={filters} shown={filtered.length} total={rows.length} />
        <Table<Clause>
          rows={filtered}
          columns={columns}
          rowKey={(c) => c.id}
          label={`Clauses of ${title(s)}`}
          onOpen={(c) => set({ clause: c.id, open: undefined }, !search.clause)}
          openKey={search.clause}
          follow
          exportName={`${name} ${title(s)}`}
          empty={<NoMatch onClear={() => set({ q: undefined, status: undefined, level: undefined, where: undefined })} />}
        />
        {q.data.undeclared.length > 0 && (
          <p className="mt-3 text-soft text-xs">
            Countermeasures here also name clauses that the standard does not have: <bdi>{q.data.undeclared.join(", ")}</bdi>.
          </p>
        )}
      </div>
      {open && !search.open && (
        <ClauseDrawer
          product={product}
          of={open}
          onClose={() => set({ clause: undefined })}
          onStep={ordered.length > 1 ? step : undefined}
          onOpen={(id) => set({ open: id }, true)}
        />
      )}
      {search.open && <CountermeasureDrawer product={product} id={search.open} onClose={() => set({ open: undefined })} />}
    </>
  );
}
