import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { ScrollText, ShieldAlert, ShieldCheck } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import type { paths } from "../../api/schema";
import { type Search, useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { csv, save } from "../../ui/csv";
import { Drawer } from "../../ui/dialog";
import { FilterBar } from "../../ui/filters";
import { Badge, Facts } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { Ago, dateTime } from "../../ui/time";
import { toast, toastError } from "../../ui/toast";
import { word } from "../../ui/words";
import { Days, day, list } from "../history/days";
import { verb } from "../history/groups";
import { productNamesQuery } from "./tokens";

type Row = S["AuditView"];

/** Asked is what of the trail is looked for, as the server takes it. */
type Asked = NonNullable<paths["/audit"]["get"]["parameters"]["query"]>;

const page = (product: string, query: Asked, signal?: AbortSignal) =>
  product
    ? ok(api.GET("/products/{product}/audit", { params: { path: { product }, query }, signal }))
    : ok(api.GET("/audit", { params: { query }, signal }));

const values = (product: string, signal: AbortSignal) =>
  product ? ok(api.GET("/products/{product}/audit/values", { params: { path: { product } }, signal })) : ok(api.GET("/audit/values", { signal }));

/** asked reads the address. */
const asked = (s: Search): Asked => ({
  q: s.q?.slice(0, 200) || undefined,
  object: s.object,
  kind: s.kind,
  actor: list(s.actor),
  action: list(s.action),
  source: list(s.source) as Asked["source"],
  from: day(s.from),
  before: day(s.to, 1),
});

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

/** Audit is the audit trail, of the installation or of a product. All of it is searched, on the server. */
export function Audit() {
  const [search, set] = useAddress();
  const product = search.product ?? "";
  const object = search.object;
  const products = useQuery(productNamesQuery).data ?? [];
  const wanted = useMemo(() => asked(search), [search]);
  const looked = useDeferredValue(JSON.stringify(wanted));
  const queryKey = product ? keys.product(product, "audit", looked) : keys.instance("audit", looked);
  const q = useInfiniteQuery({
    queryKey,
    queryFn: async ({ pageParam, signal }) => {
      const query: Asked = JSON.parse(looked);
      if (query.q && !pageParam) await typed(signal);
      return page(product, { ...query, cursor: pageParam, limit: pageParam ? 500 : 100 }, signal);
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    // What was found stays until what is looked for now is there; another's trail does not.
    placeholderData: (old, before) => (before?.queryKey.slice(0, -1).join() === queryKey.slice(0, -1).join() ? old : undefined),
  });
  const known = useQuery({
    queryKey: product ? keys.product(product, "audit-values") : keys.instance("audit-values"),
    queryFn: ({ signal }) => values(product, signal),
  }).data;
  const [exporting, setExporting] = useState(false);
  const rows = useMemo(() => (q.data?.pages ?? []).flatMap((p) => p.items ?? []), [q.data]);
  const narrowed = Object.values(wanted).some((v) => v !== undefined);
  const total = q.data?.pages[0]?.total;
  const { hasNextPage, isFetching, isError, fetchNextPage } = q;
  // Where few of many rows are looked for, the first that are there may be far down.
  useEffect(() => {
    if (rows.length < screen && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [rows.length, hasNextPage, isFetching, isError, fetchNextPage]);
  const end = useSeen(() => {
    if (hasNextPage && !isFetching && !isError) void fetchNextPage();
  });
  const only = object ? rows.find((r) => r.object === object) : undefined;
  const open = rows.find((r) => String(r.seq) === search.row);
  const exportAll = async () => {
    setExporting(true);
    try {
      const all = await everything<Row>((cursor) => page(product, { ...wanted, cursor, limit: 1000 }));
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
            onChange={(p) => set({ product: p, object: undefined, kind: undefined, actor: undefined, action: undefined, row: undefined })}
            label="Whose audit trail"
            none="The installation"
            options={products.map((p) => ({ value: p.id, text: p.name }))}
          />
        </div>
        <ChainCheck product={product} />
        <Button busy={exporting} onClick={() => void exportAll()}>
          {narrowed ? "Export what matches as CSV" : "Export all as CSV"}
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
      ) : rows.length === 0 && !narrowed ? (
        <Empty icon={<ScrollText size={20} />} title="Nothing happened here yet" />
      ) : (
        <>
          <FilterBar
            label="Search the audit trail"
            shown={rows.length}
            total={rows.length}
            status={
              q.isPlaceholderData
                ? "Searching…"
                : hasNextPage
                  ? `${rows.length.toLocaleString("en")}${narrowed ? " found so far" : total === undefined ? " rows read" : ` of ${total.toLocaleString("en")} rows read`}`
                  : undefined
            }
            filters={[
              { key: "actor", name: "Who", options: (known?.actors ?? []).map((a) => ({ value: a.id, text: a.name })) },
              { key: "action", name: "What", options: (known?.actions ?? []).map((a) => ({ value: a, text: verb(a), about: a })) },
              { key: "source", name: "By way of", options: Object.entries(ways).map(([value, text]) => ({ value, text })) },
            ]}
          >
            <Days />
          </FilterBar>
          {rows.length === 0 ? (
            hasNextPage ? (
              <Loading rows={3} />
            ) : (
              <Empty title="No row matches">The whole trail was searched. Take a filter away.</Empty>
            )
          ) : (
            <Table
              rows={rows}
              columns={columns}
              rowKey={(r) => String(r.seq)}
              label="Audit trail"
              onOpen={(r) => set({ row: String(r.seq) }, true)}
              openKey={search.row}
              empty={null}
            />
          )}
          {hasNextPage && (
            <div key={q.data.pages.length} ref={end} className="mt-4">
              <Button busy={q.isFetchingNextPage} onClick={() => void fetchNextPage()}>
                Look further back
              </Button>
            </div>
          )}
        </>
      )}
      {open && <RowDrawer row={open} onOnly={() => set({ object: open.object, row: undefined })} onClose={() => set({ row: undefined })} />}
    </>
  );
}

/** typed waits until a word is likely to be whole. */
async function typed(signal: AbortSignal): Promise<void> {
  await new Promise((r) => setTimeout(r, 150));
  signal.throwIfAborted();
}

/** As many rows fill a screen. */
const screen = 40;

/** useSeen calls back when an element comes near the window. */
function useSeen(seen: () => void): (el: HTMLElement | null) => (() => void) | undefined {
  const latest = useRef(seen);
  latest.current = seen;
  return useCallback((el) => {
    if (!el) return undefined;
    const watch = new IntersectionObserver(([e]) => e?.isIntersecting && latest.current(), { rootMargin: "1200px" });
    watch.observe(el);
    return () => watch.disconnect();
  }, []);
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
