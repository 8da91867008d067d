import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Badge } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { Ago, dateTime } from "../../ui/time";
import { purposes, standing } from "../tickets/data";
import { TicketKey } from "../tickets/key";
import { type Problem, problemsQuery } from "./data";

const key = (p: Problem) => `${p.product}/${p.object}/${p.purpose}/${p.id ?? ""}`;

/** when says until when something waits, in words. */
function when(p: Problem): string {
  if (!p.until) return "";
  if (p.state === "ambiguous") return `Decided by ${dateTime(p.until)}`;
  return new Date(p.until).getTime() > Date.now() ? `Tried again ${dateTime(p.until)}` : "";
}

const columns: Column<Problem>[] = [
  {
    id: "state",
    name: "State",
    width: "8.5rem",
    narrow: "end",
    cell: (p) => (
      <Badge tone={p.state === "open" || p.state === "implemented" ? "warn" : standing(p).tone}>
        {p.key && standing(p).tone !== "bad" ? "Needs a hand" : standing(p).text}
      </Badge>
    ),
    sort: (p) => p.state,
    text: (p) => p.state,
  },
  {
    id: "ticket",
    name: "Ticket",
    width: "minmax(12rem,2fr)",
    narrow: "title",
    cell: (p) => (
      <span className="block min-w-0">
        <span className="flex min-w-0 items-baseline gap-2">
          {p.key && <TicketKey ticket={p} />}
          <bdi className="truncate font-medium" title={p.summary}>
            {p.summary || p.object}
          </bdi>
        </span>
        <span className="block text-soft text-xs">{purposes[p.purpose]}</span>
      </span>
    ),
    sort: (p) => p.summary,
    text: (p) => [p.key, p.summary].filter(Boolean).join(" "),
  },
  {
    id: "why",
    name: "Why, and until when",
    width: "minmax(12rem,2.4fr)",
    cell: (p) => (
      <span className="block min-w-0 py-1">
        <span className="line-clamp-3 first-letter:uppercase" title={p.note}>
          {p.note || standing(p).about}
        </span>
        {when(p) && <span className="block text-soft text-xs">{when(p)}</span>}
      </span>
    ),
    text: (p) => [p.note, when(p)].filter(Boolean).join("; "),
  },
  {
    id: "product",
    name: "Product",
    width: "minmax(7rem,1fr)",
    cell: (p) => (
      <Link
        to="/products/$product/tickets"
        params={{ product: p.product }}
        search={{ needs: standing(p).needs ? "yes" : undefined } as never}
        className="link block truncate"
      >
        <bdi>{p.product_name}</bdi>
      </Link>
    ),
    sort: (p) => p.product_name,
    text: (p) => p.product_name,
  },
  {
    id: "since",
    name: "Since",
    width: "7.5rem",
    cell: (p) => <Ago at={p.since} className="text-soft" />,
    sort: (p) => Date.parse(p.since),
    text: (p) => p.since,
  },
];

/** Problems are the tickets of a connection that do not get on by themselves. */
export function Problems({ connection }: { connection: string }) {
  const q = useQuery(problemsQuery(connection));
  const rows = q.data ?? [];
  const shown = useFiltered(rows, (p) => [p.key, p.summary, p.note, p.product_name].join(" "), { state: (p) => p.state, product: (p) => p.product });
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading rows={3} />;
  if (rows.length === 0)
    return (
      <Empty icon={<CircleCheck size={20} />} title="Nothing waits and nothing failed" className="py-8">
        Every ticket that is wanted is there, and every change is told.
      </Empty>
    );
  const products = [...new Map(rows.map((p) => [p.product, p.product_name] as const)).entries()].map(([value, text]) => ({ value, text }));
  return (
    <>
      <FilterBar
        label="Search what waits"
        shown={shown.length}
        total={rows.length}
        filters={[
          {
            key: "state",
            name: "State",
            options: [...new Set(rows.map((p) => p.state))].map((s) => ({ value: s, text: standing({ state: s }).text })),
          },
          { key: "product", name: "Product", options: products },
        ]}
      />
      {shown.length === 0 ? (
        <Empty title="Nothing matches">Take a filter away.</Empty>
      ) : (
        <Table rows={shown} columns={columns} rowKey={key} label="What waits or failed" empty={null} exportName="tracker-problems" />
      )}
    </>
  );
}
