import { Link } from "@tanstack/react-router";
import { ListChecks, Plus, TriangleAlert } from "lucide-react";
import { useMemo, useState } from "react";
import { useWhole } from "../../api/whole";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { type Filter, FilterBar, useFiltered } from "../../ui/filters";
import { Place } from "../../ui/parts";
import { asBand, Bars, bandNames, bands } from "../../ui/rating";
import { Empty, Failed, Loading } from "../../ui/state";
import { sorted, Table } from "../../ui/table";
import { category, word } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { type Threat, threatRows } from "../risks/data";
import { NoMatch, originOptions, ownersOf, placesIn, retiredFilter } from "../risks/filters";
import { ThreatDrawer } from "../risks/threat-drawer";
import { ticketGroup, ticketOptions } from "../risks/tickets";
import { AddThreat } from "./add";
import { ThreatBulk } from "./bulk";
import { threatColumns } from "./columns";

const none: Threat[] = [];
const statuses = ["open", "mitigated", "accepted", "transferred", "avoided", "eliminated", "not_applicable"];

/** Threats is the table of what can happen to a product, with a drawer for each. */
export function Threats() {
  const product = useProduct();
  const can = useCan();
  const me = useMe();
  const [search, set] = useAddress();
  const q = useWhole(threatRows(product.id, search.retired === "only"));
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [adding, setAdding] = useState(false);
  const rows = q.rows ?? none;
  const filtered = useFiltered(
    rows,
    (t) =>
      `${t.title} ${t.where_name} ${t.owner_name ?? ""} ${(t.tickets ?? []).map((k) => k.key).join(" ")} ${(t.categories ?? []).map((c) => category(c).name).join(" ")}`,
    {
      status: (t) => t.status,
      band: (t) => asBand(t.rating.band),
      category: (t) => t.categories ?? [],
      where: (t) => t.where,
      owner: (t) => (t.owner ? (t.owner === me?.id ? ["me", t.owner] : t.owner) : "none"),
      ticket: (t) => ticketGroup(t.tickets),
      origin: (t) => t.origin,
      retired: (t) => (t.retired ? "only" : ""),
    },
    [me?.id],
  );
  const filters = useMemo<Filter[]>(() => {
    const categories = [...new Set(rows.flatMap((t) => t.categories ?? []))].sort();
    return [
      {
        key: "status",
        name: "Status",
        options: statuses.filter((s) => rows.some((t) => t.status === s)).map((value) => ({ value, text: word(value) })),
      },
      { key: "band", name: "Band", options: bands.map((b) => ({ value: b, text: bandNames[b], icon: <Bars band={b} /> })) },
      {
        key: "category",
        name: "Category",
        options: categories.map((value) => ({
          value,
          text: category(value).name,
          about: category(value).method === "STRIDE" ? undefined : category(value).method,
        })),
      },
      { key: "where", name: "Place", options: placesIn(rows) },
      { key: "owner", name: "Owner", options: ownersOf(rows, me?.id) },
      { key: "ticket", name: "Ticket", options: ticketOptions },
      { key: "origin", name: "From", options: originOptions },
      retiredFilter,
    ];
  }, [rows, me?.id]);
  const sortBy = "-rating";
  const ordered = useMemo(() => sorted(filtered, threatColumns, search.sort ?? sortBy), [filtered, search.sort]);
  const open = search.open;
  const step = (by: 1 | -1) => {
    const i = ordered.findIndex((t) => t.id === open);
    const next = ordered[i < 0 ? 0 : i + by];
    if (next) set({ open: next.id });
  };
  const chosen = filtered.filter((t) => selected.has(t.id));
  const wider = Object.keys(search).some((k) => k !== "open" && k !== "sort");
  return (
    <Place
      title="Threats"
      wide
      actions={
        can("model.edit") && (
          <Button look="primary" icon={<Plus aria-hidden size={15} />} onClick={() => setAdding(true)}>
            Add a threat
          </Button>
        )
      }
    >
      {q.error && !q.rows ? (
        <Failed error={q.error} retry={q.retry} />
      ) : !q.rows ? (
        <Loading />
      ) : (
        <>
          {(rows.length > 0 || wider) && (
            <FilterBar label="Search threats" filters={filters} shown={filtered.length} total={rows.length} reading={q.reading} />
          )}
          <Table<Threat>
            rows={filtered}
            columns={threatColumns}
            rowKey={(t) => t.id}
            label="Threats"
            sortBy={sortBy}
            reading={!!q.reading}
            onOpen={(t) => set({ open: t.id }, !open)}
            openKey={open}
            follow
            selected={can("model.edit") || can("tickets.publish") ? selected : undefined}
            onSelect={can("model.edit") || can("tickets.publish") ? setSelected : undefined}
            exportName={`${product.name} threats`}
            empty={
              wider ? (
                <NoMatch onClear={() => set(Object.fromEntries(["q", ...filters.map((f) => f.key)].map((k) => [k, undefined])))} />
              ) : (
                <Nothing product={product.id} onAdd={can("model.edit") ? () => setAdding(true) : undefined} />
              )
            }
          />
        </>
      )}
      <ThreatBulk product={product.id} chosen={chosen} onDone={() => setSelected(new Set())} />
      {open && (
        <ThreatDrawer product={product.id} id={open} onClose={() => set({ open: undefined })} onStep={ordered.length > 1 ? step : undefined} />
      )}
      {adding && <AddThreat product={product.id} onClose={() => setAdding(false)} onAdded={(id) => set({ open: id }, true)} />}
    </Place>
  );
}

function Nothing({ product, onAdd }: { product: string; onAdd?: () => void }) {
  return (
    <Empty
      icon={<TriangleAlert size={20} />}
      title="No threat yet"
      action={
        <>
          <Link to="/products/$product/review" params={{ product }} className="link inline-flex h-8.5 items-center gap-1.5 px-2 text-sm">
            <ListChecks aria-hidden size={15} />
            See what the library proposes
          </Link>
          {onAdd && (
            <Button icon={<Plus aria-hidden size={15} />} onClick={onAdd}>
              Add one by hand
            </Button>
          )}
        </>
      }
    >
      Draw the product or answer its questionnaire, then accept what the library proposes in the review.
    </Empty>
  );
}
