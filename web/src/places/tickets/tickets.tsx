import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Link2, Ticket as TicketIcon } from "lucide-react";
import { useMemo, useState } from "react";
import { connectionsQuery } from "../../api/query";
import { useWhole } from "../../api/whole";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Badge, Place } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { plural } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { useTicketActs } from "./act";
import { needs, policyQuery, policyText, purposes, rank, standing, type Ticket, ticketKey, ticketRows } from "./data";
import { TicketDrawer } from "./drawer";
import { TicketKey } from "./key";
import { LinkTicket } from "./linkdialog";

const columns = (tracker: (id: string) => string): Column<Ticket>[] => [
  { id: "key", name: "Ticket", width: "6.5rem", cell: (t) => <TicketKey ticket={t} />, sort: (t) => t.key || undefined, text: (t) => t.key },
  {
    id: "for",
    name: "For",
    width: "minmax(14rem,3fr)",
    narrow: "title",
    cell: (t) => (
      <span className="block min-w-0">
        <bdi className="block truncate font-medium" title={t.summary}>
          {t.summary || t.object}
        </bdi>
        {t.note && (
          <span className="block truncate text-soft text-xs" title={t.note}>
            {t.note}
          </span>
        )}
      </span>
    ),
    sort: (t) => t.summary,
    text: (t) => t.summary,
  },
  {
    id: "purpose",
    name: "Purpose",
    width: "8.5rem",
    cell: (t) => <span className="text-soft">{purposes[t.purpose]}</span>,
    sort: (t) => t.purpose,
    text: (t) => purposes[t.purpose],
  },
  {
    id: "status",
    name: "Status there",
    width: "minmax(6rem,1fr)",
    cell: (t) => <bdi className="block truncate">{t.status || "–"}</bdi>,
    sort: (t) => t.status,
    text: (t) => t.status,
  },
  {
    id: "state",
    name: "State",
    width: "8.5rem",
    narrow: "end",
    cell: (t) => <Badge tone={standing(t).tone}>{standing(t).text}</Badge>,
    sort: rank,
    text: (t) => [standing(t).text, t.note].filter(Boolean).join(": "),
  },
  {
    id: "tracker",
    name: "Tracker",
    width: "minmax(6rem,1fr)",
    narrow: "hide",
    cell: (t) => <bdi className="block truncate text-soft">{tracker(t.connection)}</bdi>,
    sort: (t) => tracker(t.connection),
    text: (t) => tracker(t.connection),
  },
];

const options = (values: string[], name: (v: string) => string = (v) => v) =>
  [...new Set(values.filter(Boolean))].sort().map((value) => ({ value, text: name(value) }));

/** Tickets are a product's tickets, also those that wait or failed. */
export function Tickets() {
  const { id } = useProduct();
  const can = useCan();
  const me = useMe();
  const manages = (me?.can ?? []).includes("connection.manage" as never);
  const { rows: read, reading, error, retry } = useWhole(ticketRows(id));
  const policy = useQuery(policyQuery(id)).data;
  const known = useQuery(connectionsQuery).data?.items ?? [];
  const [search, set] = useAddress();
  const [selected, select] = useState(new Set<string>());
  const [linking, setLinking] = useState(false);
  const acts = useTicketActs(id);
  const rows = useMemo(() => read ?? [], [read]);
  const tracker = (c: string) => known.find((k) => k.id === c)?.name ?? "Tracker";
  const shown = useFiltered(rows, (t) => [t.key, t.summary, t.status, t.note].join(" "), {
    state: (t) => t.state,
    status: (t) => t.status,
    purpose: (t) => t.purpose,
    tracker: (t) => t.connection,
    needs: (t) => (needs(t) ? "yes" : "no"),
  });
  if (!read) return error ? <Failed error={error} retry={retry} /> : <Loading />;

  const held = rows.filter((t) => t.state === "held");
  const chosen = rows.filter((t) => selected.has(ticketKey(t)));
  const open = rows.find((t) => ticketKey(t) === search.open);
  const usable = [
    ...new Map([
      ...known.map((k) => [k.id, k.name] as const),
      ...rows.map((t) => [t.connection, tracker(t.connection)] as const),
      ...(policy?.default.connection ? [[policy.default.connection, tracker(policy.default.connection)] as const] : []),
    ]).entries(),
  ].map(([cid, name]) => ({ id: cid, name }));
  const nowhere = policy !== undefined && !policy.default.connection && (policy.routes ?? []).length === 0;
  const publishes = can("tickets.publish");
  return (
    <Place
      wide
      title="Tickets"
      about={
        policy && (
          <>
            {policyText(policy, tracker)}{" "}
            <Link to="/products/$product/settings" params={{ product: id }} className="link underline">
              {publishes ? "Change this" : "Settings"}
            </Link>
          </>
        )
      }
      actions={
        <>
          {can("tickets.edit") && usable.length > 0 && (
            <Button icon={<Link2 size={14} />} onClick={() => setLinking(true)}>
              Link a ticket
            </Button>
          )}
          {held.length > 0 && publishes && (
            <Button
              look="primary"
              busy={acts.publish.isPending}
              disabled={reading !== undefined}
              onClick={() => acts.publish.mutate([...new Set(held.map((t) => t.object))])}
            >
              Release {plural(held.length, "ticket")}
            </Button>
          )}
        </>
      }
    >
      {rows.length === 0 ? (
        <Empty
          icon={<TicketIcon size={20} />}
          title="No tickets yet"
          action={
            <Link
              to={nowhere && manages && known.length === 0 ? "/trackers" : "/products/$product/settings"}
              params={{ product: id } as never}
              className="inline-flex h-8.5 items-center rounded-md bg-accent px-3 font-medium text-on-accent text-sm hover:bg-accent-strong"
            >
              {nowhere && manages && known.length === 0 ? "Connect a tracker" : "Ticket settings"}
            </Link>
          }
        >
          {nowhere
            ? "Say in the settings which tracker this product's work goes to. Required countermeasures then become tickets, and their status comes back here."
            : "A countermeasure that is required becomes a ticket, and so does a failure that contradicts a claim."}
        </Empty>
      ) : (
        <>
          <FilterBar
            label="Search the tickets"
            shown={shown.length}
            total={rows.length}
            reading={reading}
            filters={[
              {
                key: "needs",
                name: "Needs you",
                options: [
                  { value: "yes", text: "Needs a person" },
                  { value: "no", text: "Runs by itself" },
                ],
              },
              {
                key: "state",
                name: "State",
                options: options(
                  rows.map((t) => t.state),
                  (v) => standing({ state: v }).text,
                ),
              },
              { key: "status", name: "Status there", options: options(rows.map((t) => t.status)) },
              {
                key: "purpose",
                name: "Purpose",
                options: options(
                  rows.map((t) => t.purpose),
                  (v) => purposes[v] ?? v,
                ),
              },
              {
                key: "tracker",
                name: "Tracker",
                options: options(
                  rows.map((t) => t.connection),
                  tracker,
                ),
              },
            ]}
          />
          {chosen.length > 0 && (
            <Bulk chosen={chosen} acts={acts} publishes={publishes} edits={can("tickets.edit")} manages={manages} onClear={() => select(new Set())} />
          )}
          {shown.length === 0 && !reading ? (
            <Empty title="No ticket matches">Take a filter away.</Empty>
          ) : (
            <Table
              rows={shown}
              columns={columns(tracker)}
              rowKey={ticketKey}
              label="Tickets"
              onOpen={(t) => set({ open: ticketKey(t) }, true)}
              openKey={search.open}
              selected={publishes || can("tickets.edit") ? selected : undefined}
              onSelect={publishes || can("tickets.edit") ? select : undefined}
              sortBy="state"
              reading={reading !== undefined}
              empty={null}
              exportName="tickets"
            />
          )}
        </>
      )}
      {open && <TicketDrawer product={id} ticket={open} connection={tracker(open.connection)} onClose={() => set({ open: undefined })} />}
      {linking && <LinkTicket product={id} connections={usable} onClose={() => setLinking(false)} />}
    </Place>
  );
}

function Bulk({
  chosen,
  acts,
  publishes,
  edits,
  manages,
  onClear,
}: {
  chosen: Ticket[];
  acts: ReturnType<typeof useTicketActs>;
  publishes: boolean;
  edits: boolean;
  manages: boolean;
  onClear: () => void;
}) {
  const held = chosen.filter((t) => t.state === "held");
  const failed = chosen.filter((t) => t.state === "failed");
  const gone = chosen.filter((t) => t.state === "deleted" || t.state === "hidden");
  const linked = chosen.filter((t) => t.key);
  const done = { onSuccess: onClear };
  return (
    <div className="mb-2 flex flex-wrap items-center gap-2 rounded-md border border-accent bg-accent-soft px-3 py-1.5 text-sm" role="status">
      <span className="num font-medium">{chosen.length} selected</span>
      {publishes && held.length > 0 && (
        <Button
          size="sm"
          onClick={() =>
            acts.publish.mutate(
              held.map((t) => t.object),
              done,
            )
          }
        >
          Release {held.length}
        </Button>
      )}
      {manages && failed.length > 0 && (
        <Button
          size="sm"
          onClick={() =>
            acts.retry.mutate(
              failed.map((t) => t.connection),
              done,
            )
          }
        >
          Try {failed.length} again
        </Button>
      )}
      {publishes && gone.length > 0 && (
        <Button size="sm" onClick={() => acts.recreate.mutate(gone, done)}>
          Make {gone.length} again
        </Button>
      )}
      {publishes && (
        <Button size="sm" onClick={() => acts.unpublish.mutate([...new Set(chosen.map((t) => t.object))], done)}>
          Take back
        </Button>
      )}
      {edits && linked.length > 0 && (
        <Button size="sm" onClick={() => acts.unlink.mutate(linked, done)}>
          Let go
        </Button>
      )}
      <Button size="sm" look="ghost" onClick={onClear}>
        Clear
      </Button>
    </div>
  );
}
