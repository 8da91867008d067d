import { Link } from "@tanstack/react-router";
import { Columns3, ListChecks, Plus, Rows3, ShieldCheck } from "lucide-react";
import { useMemo, useState } from "react";
import { useWhole } from "../../api/whole";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { type Filter, FilterBar, useFiltered } from "../../ui/filters";
import { Place, Segmented } from "../../ui/parts";
import { asBand, Bars, bandNames, bands } from "../../ui/rating";
import { Empty, Failed, Loading } from "../../ui/state";
import { sorted, Table } from "../../ui/table";
import { word } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { CountermeasureDrawer } from "../risks/countermeasure-drawer";
import { type Countermeasure, countermeasureRows, states } from "../risks/data";
import { NoMatch, originOptions, ownersOf, placesIn, retiredFilter } from "../risks/filters";
import { AddCountermeasure } from "../risks/serve";
import { ticketGroup, ticketOptions } from "../risks/tickets";
import { Board } from "./board";
import { CountermeasureBulk } from "./bulk";
import { countermeasureColumns } from "./columns";

const none: Countermeasure[] = [];
const evidence = [
  { value: "pass", text: "Passed" },
  { value: "fail", text: "Fails" },
  { value: "untested", text: "Untested" },
];

/** Countermeasures is what is done about threats: as a table or as a board by state, with a drawer for each. */
export function Countermeasures() {
  const product = useProduct();
  const can = useCan();
  const me = useMe();
  const [search, set] = useAddress();
  const q = useWhole(countermeasureRows(product.id, search.retired === "only"));
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [adding, setAdding] = useState(false);
  const rows = q.rows ?? none;
  const filtered = useFiltered(
    rows,
    (c) => `${c.title} ${c.where_name} ${c.owner_name ?? ""} ${(c.tickets ?? []).map((k) => k.key).join(" ")}`,
    {
      state: (c) => c.state,
      band: (c) => asBand(c.band),
      where: (c) => c.where,
      owner: (c) => (c.owner ? (c.owner === me?.id ? ["me", c.owner] : c.owner) : "none"),
      ticket: (c) => ticketGroup(c.tickets),
      evidence: (c) => c.evidence.verdict,
      origin: (c) => c.origin,
      retired: (c) => (c.retired ? "only" : ""),
    },
    [me?.id],
  );
  const filters = useMemo<Filter[]>(
    () => [
      { key: "state", name: "State", options: states.map((value) => ({ value, text: word(value) })) },
      {
        key: "band",
        name: "Band",
        options: bands.map((b) => ({ value: b, text: bandNames[b], about: "Of the highest threat that it serves", icon: <Bars band={b} /> })),
      },
      { key: "where", name: "Place", options: placesIn(rows) },
      { key: "owner", name: "Owner", options: ownersOf(rows, me?.id) },
      { key: "ticket", name: "Ticket", options: ticketOptions },
      { key: "evidence", name: "Tests", options: evidence },
      { key: "origin", name: "From", options: originOptions },
      retiredFilter,
    ],
    [rows, me?.id],
  );
  const columns = useMemo(() => countermeasureColumns(product.id), [product.id]);
  const sortBy = "-takes";
  const ordered = useMemo(() => sorted(filtered, columns, search.sort ?? sortBy), [filtered, columns, search.sort]);
  const asBoard = search.as === "board";
  const open = search.open;
  const step = (by: 1 | -1) => {
    const i = ordered.findIndex((c) => c.id === open);
    const next = ordered[i < 0 ? 0 : i + by];
    if (next) set({ open: next.id });
  };
  const show = (c: Countermeasure) => set({ open: c.id }, !open);
  const chosen = filtered.filter((c) => selected.has(c.id));
  const wider = Object.keys(search).some((k) => !["open", "sort", "as"].includes(k));
  const mayChange = can("model.edit") || can("countermeasure.state") || can("tickets.publish");
  const nothing = wider ? (
    <NoMatch onClear={() => set(Object.fromEntries(["q", ...filters.map((f) => f.key)].map((k) => [k, undefined])))} />
  ) : (
    <Empty
      icon={<ShieldCheck size={20} />}
      title="No countermeasure yet"
      action={
        <Link to="/products/$product/review" params={{ product: product.id }} className="link inline-flex h-8.5 items-center gap-1.5 px-2 text-sm">
          <ListChecks aria-hidden size={15} />
          See what the library proposes
        </Link>
      }
    >
      They come with the threats that the library proposes, or by hand for a threat that is there.
    </Empty>
  );
  return (
    <Place
      title="Countermeasures"
      wide
      actions={
        <>
          <Segmented
            label="Show as"
            value={asBoard ? "board" : "table"}
            onChange={(v) => set({ as: v === "board" ? v : undefined }, true)}
            options={[
              {
                value: "table",
                text: (
                  <>
                    <Rows3 aria-hidden size={14} /> Table
                  </>
                ),
              },
              {
                value: "board",
                text: (
                  <>
                    <Columns3 aria-hidden size={14} /> Board
                  </>
                ),
              },
            ]}
          />
          {can("model.edit") && (
            <Button look="primary" icon={<Plus aria-hidden size={15} />} onClick={() => setAdding(true)}>
              Add a countermeasure
            </Button>
          )}
        </>
      }
    >
      {q.error && !q.rows ? (
        <Failed error={q.error} retry={q.retry} />
      ) : !q.rows ? (
        <Loading />
      ) : (
        <>
          {(rows.length > 0 || wider) && (
            <FilterBar label="Search countermeasures" filters={filters} shown={filtered.length} total={rows.length} reading={q.reading} />
          )}
          {asBoard && filtered.length > 0 ? (
            <Board product={product.id} rows={ordered} openId={open} onOpen={show} />
          ) : (
            <Table<Countermeasure>
              rows={filtered}
              columns={columns}
              rowKey={(c) => c.id}
              label="Countermeasures"
              sortBy={sortBy}
              reading={!!q.reading}
              onOpen={show}
              openKey={open}
              follow
              selected={mayChange ? selected : undefined}
              onSelect={mayChange ? setSelected : undefined}
              exportName={`${product.name} countermeasures`}
              empty={nothing}
            />
          )}
        </>
      )}
      {!asBoard && <CountermeasureBulk product={product.id} chosen={chosen} onDone={() => setSelected(new Set())} />}
      {open && (
        <CountermeasureDrawer
          product={product.id}
          id={open}
          onClose={() => set({ open: undefined })}
          onStep={ordered.length > 1 ? step : undefined}
        />
      )}
      {adding && <AddCountermeasure product={product.id} onClose={() => setAdding(false)} onAdded={(id) => set({ open: id }, true)} />}
    </Place>
  );
}
