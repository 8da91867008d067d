import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { ScrollText, ShieldAlert, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { csv, save } from "../../ui/csv";
import { Drawer } from "../../ui/dialog";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Badge, Facts } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { Ago, dateTime } from "../../ui/time";
import { toast, toastError } from "../../ui/toast";
import { word } from "../../ui/words";
import { verb } from "../history/groups";
import { productNamesQuery } from "./tokens";

type Row = S["AuditView"];

const page = (product: string, object: string | undefined, cursor: string | undefined, limit: number, signal?: AbortSignal) =>
  product
    ? ok(api.GET("/products/{product}/audit", { params: { path: { product }, query: { cursor, limit, object } }, signal }))
    : ok(api.GET("/audit", { params: { query: { cursor, limit, object } }, signal }));

/** kindOf is what kind of thing a row is about, in a word. */
const kindOf = (r: Row): string => word(r.object.split("/", 1)[0]);

/** whole are objects of which there is one, which need no name. */
const whole: Record<string, string> = { instance: "The installation", library: "The library", fields: "The custom fields" };

/** named is what people call what a row is about; its id where it has no other name. */
const named = (r: Row): string => r.object_name || whole[r.object] || r.object;

const kinds: Record<string, string> = { person: "Person", token: "Token", system: "By itself" };

const ways: Record<string, string> = { web: "The page", api: "REST", webhook: "Webhook", tracker: "Tracker", test: "Tests", system: "Threatloop" };

const columns: Column<Row>[] = [
  {
    id: "seq",
    name: "No.",
    width: "4rem",
    align: "end",
    narrow: "hide",
    cell: (r) => <span className="num text-soft">{r.seq}</span>,
    text: (r) => r.seq,
  },
  { id: "at", name: "When", width: "8.5rem", narrow: "end", cell: (r) => <Ago at={r.at} className="text-soft" />, text: (r) => r.at },
  {
    id: "actor",
    name: "Who",
    width: "minmax(8rem,1fr)",
    cell: (r) => (
      <span className="flex min-w-0 items-center gap-1.5">
        <bdi className="truncate">{r.actor_name || r.actor}</bdi>
        {r.actor_kind && r.actor_kind !== "person" && <Badge>{kinds[r.actor_kind] ?? r.actor_kind}</Badge>}
      </span>
    ),
    text: (r) => r.actor_name,
  },
  {
    id: "action",
    name: "What",
    width: "minmax(9rem,1fr)",
    narrow: "title",
    cell: (r) => (
      <span className="block truncate font-medium" title={verb(r.action)}>
        {verb(r.action)}
      </span>
    ),
    text: (r) => r.action,
  },
  {
    id: "object",
    name: "On",
    width: "minmax(12rem,2fr)",
    cell: (r) => (
      <span className="flex min-w-0 items-baseline gap-1.5" title={`${named(r)} (${r.object})`}>
        <bdi className="truncate">{named(r)}</bdi>
        {r.object_name && <span className="shrink-0 text-soft text-xs">{kindOf(r).toLowerCase()}</span>}
      </span>
    ),
    text: (r) => named(r),
  },
  { id: "id", name: "Id", width: "0", hidden: true, cell: () => null, text: (r) => r.object },
  {
    id: "source",
    name: "By way of",
    width: "6rem",
    narrow: "hide",
    cell: (r) => <span className="text-soft">{ways[r.source] ?? word(r.source)}</span>,
    text: (r) => ways[r.source] ?? r.source,
  },
];

const options = (values: string[], text: (v: string) => string = (v) => v) =>
  [...new Set(values)].sort().map((value) => ({ value, text: text(value) }));

/** Audit is the audit trail, of the installation or of a product. */
export function Audit() {
  const [search, set] = useAddress();
  const product = search.product ?? "";
  const object = search.object;
  const products = useQuery(productNamesQuery).data ?? [];
  const q = useInfiniteQuery({
    queryKey: product ? keys.product(product, "audit", object) : keys.instance("audit", object),
    queryFn: ({ pageParam, signal }) => page(product, object, pageParam, 200, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });
  const [exporting, setExporting] = useState(false);
  const rows = (q.data?.pages ?? []).flatMap((p) => p.items ?? []);
  const shown = useFiltered(rows, (r) => `${r.action} ${verb(r.action)} ${r.object} ${named(r)} ${r.actor_name}`, {
    actor: (r) => r.actor,
    action: (r) => r.action,
    source: (r) => r.source,
  });
  const only = object ? rows.find((r) => r.object === object) : undefined;
  const open = rows.find((r) => String(r.seq) === search.row);
  const exportAll = async () => {
    setExporting(true);
    try {
      const all = await everything<Row>((cursor) => page(product, object, cursor, 1000));
      save(
        `audit-${product || "installation"}.csv`,
        csv(all, [
          ...columns,
          { id: "old", name: "Before", width: "", cell: () => null, text: (r) => (r.old === undefined ? "" : JSON.stringify(r.old)) },
          { id: "new", name: "After", width: "", cell: () => null, text: (r) => (r.new === undefined ? "" : JSON.stringify(r.new)) },
          { id: "hash", name: "Hash", width: "", cell: () => null, text: (r) => r.hash },
        ]),
        "text/csv;charset=utf-8",
      );
    } catch (err) {
      toastError(err);
    } finally {
      setExporting(false);
    }
  };
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <div className="w-full sm:w-72">
          <Combobox
            value={product}
            onChange={(p) => set({ product: p, object: undefined, row: undefined })}
            label="Whose audit trail"
            none="The installation"
            options={products.map((p) => ({ value: p.id, text: p.name }))}
          />
        </div>
        <ChainCheck product={product} />
        <Button busy={exporting} onClick={() => void exportAll()}>
          Export all as CSV
        </Button>
        {object && (
          <Button look="ghost" size="sm" onClick={() => set({ object: undefined })}>
            Only {only ? named(only) : object}: show all
          </Button>
        )}
      </div>
      {!q.data ? (
        q.error ? (
          <Failed error={q.error} retry={() => void q.refetch()} />
        ) : (
          <Loading rows={5} />
        )
      ) : rows.length === 0 ? (
        <Empty icon={<ScrollText size={20} />} title="Nothing happened here yet" />
      ) : (
        <>
          <FilterBar
            label="Search what is loaded"
            shown={shown.length}
            total={rows.length}
            filters={[
              {
                key: "actor",
                name: "Who",
                options: options(
                  rows.map((r) => r.actor),
                  (v) => rows.find((r) => r.actor === v)?.actor_name || v,
                ),
              },
              {
                key: "action",
                name: "What",
                options: options(
                  rows.map((r) => r.action),
                  verb,
                ),
              },
              {
                key: "source",
                name: "By way of",
                options: options(
                  rows.map((r) => r.source),
                  (v) => ways[v] ?? word(v),
                ),
              },
            ]}
          />
          {shown.length === 0 ? (
            <Empty title="No row matches">Take a filter away, or load older rows.</Empty>
          ) : (
            <Table
              rows={shown}
              columns={columns}
              rowKey={(r) => String(r.seq)}
              label="Audit trail"
              onOpen={(r) => set({ row: String(r.seq) }, true)}
              openKey={search.row}
              empty={null}
            />
          )}
          {q.hasNextPage && (
            <Button className="mt-4" busy={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>
              Load older rows
            </Button>
          )}
        </>
      )}
      {open && <RowDrawer row={open} onOnly={() => set({ object: open.object, row: undefined })} onClose={() => set({ row: undefined })} />}
    </>
  );
}

/** ChainCheck reads the whole trail on the server and says whether a row was changed or taken out. */
function ChainCheck({ product }: { product: string }) {
  const check = useMutation({
    mutationFn: () => (product ? ok(api.GET("/products/{product}/audit/check", { params: { path: { product } } })) : ok(api.GET("/audit/check"))),
    onSuccess: (r) => r.whole && toast(`The trail is whole: ${r.rows.toLocaleString("en")} rows, each bound to the one before`),
    onError: toastError,
  });
  const r = check.data;
  return (
    <>
      <Button
        busy={check.isPending}
        icon={
          r ? (
            r.whole ? (
              <ShieldCheck size={14} className="text-low" />
            ) : (
              <ShieldAlert size={14} className="text-critical" />
            )
          ) : (
            <ShieldCheck size={14} />
          )
        }
        onClick={() => check.mutate()}
      >
        Check the chain
      </Button>
      {r && !r.whole && (
        <p role="alert" className="basis-full rounded-md bg-critical-soft px-3 py-2 text-critical text-sm">
          The trail is not whole: {r.text}. Somebody changed the database by hand. Compare it with a backup.
        </p>
      )}
    </>
  );
}

function RowDrawer({ row: r, onOnly, onClose }: { row: Row; onOnly: () => void; onClose: () => void }) {
  return (
    <Drawer open onClose={onClose} title={`${verb(r.action)} ${r.object_name ?? ""}`.trim()}>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
        <Facts
          items={[
            [
              "Who",
              <span key="w">
                <bdi>{r.actor_name || r.actor}</bdi>{" "}
                {r.actor_kind && <span className="text-soft">({(kinds[r.actor_kind] ?? r.actor_kind).toLowerCase()})</span>}
                <code className="block break-all text-soft text-xs">{r.actor}</code>
              </span>,
            ],
            ["By way of", ways[r.source] ?? word(r.source)],
            ["When", dateTime(r.at)],
            [
              "On",
              <span key="o" className="flex flex-wrap items-center gap-x-2">
                {r.object_name && (
                  <bdi className="basis-full">
                    {r.object_name} <span className="text-soft">({kindOf(r).toLowerCase()})</span>
                  </bdi>
                )}
                <code className="break-all text-soft text-xs">{r.object}</code>
                <button type="button" className="link text-xs" onClick={onOnly}>
                  only this
                </button>
              </span>,
            ],
            [
              "Action",
              <code key="a" className="text-soft text-xs">
                {r.action}
              </code>,
            ],
            ["Row", `No. ${r.seq}`],
            !!r.request_id && [
              "Request",
              <code key="q" className="text-xs">
                {r.request_id}
              </code>,
            ],
            [
              "Hash",
              <code key="h" className="break-all text-xs">
                {r.hash}
              </code>,
            ],
          ]}
        />
        {r.old !== undefined && <Doc title="Before" value={r.old} />}
        {r.new !== undefined && <Doc title="After" value={r.new} />}
      </div>
    </Drawer>
  );
}

function Doc({ title, value }: { title: string; value: unknown }) {
  return (
    <section>
      <h3 className="mb-1 font-medium text-sm">{title}</h3>
      <pre className="wrap-anywhere whitespace-pre-wrap rounded-md bg-sunken p-3 text-xs">{JSON.stringify(value, null, 2)}</pre>
    </section>
  );
}
