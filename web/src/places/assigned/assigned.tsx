import { Link, useNavigate } from "@tanstack/react-router";
import { Inbox, Rows3, SearchX, ShieldCheck, SquareStack, TriangleAlert } from "lucide-react";
import { useEffect, useMemo } from "react";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { type Pages, type Reading, useWhole } from "../../api/whole";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { type Filter, FilterBar, useFiltered } from "../../ui/filters";
import { Badge, Count, Place, Segmented } from "../../ui/parts";
import { asBand, BandBadge, bandNames, bands } from "../../ui/rating";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { word } from "../../ui/words";

type Item = S["AssignedView"];

const itemKey = (i: Item) => `${i.kind}/${i.product}/${i.id}`;

const assignedRows: Pages<Item> = {
  queryKey: keys.products("assigned"),
  page: (cursor, limit, signal) => ok(api.GET("/assigned", { params: { query: { cursor, limit } }, signal })),
  rowKey: itemKey,
};

/** Assigned is what a person owns in all products: threats and countermeasures, the highest rated first. */
export function Assigned() {
  const { rows, reading, error, retry } = useWhole(assignedRows);
  useEffect(() => {
    document.title = "Assigned to me · Threatloop";
  }, []);
  if (!rows) return error ? <Failed error={error} retry={retry} /> : <Loading />;
  return (
    <Place title="Assigned to me" about={rows.length > 0 ? "Threats and countermeasures that you own, in all products." : undefined}>
      {rows.length === 0 ? (
        <Empty
          icon={<Inbox size={20} />}
          title="Nothing is assigned to you"
          action={
            <Link to="/" className="link text-sm">
              Open the portfolio
            </Link>
          }
        >
          Every threat and every countermeasure can have an owner: the person who sees to it. Open one in a product and choose yourself or somebody
          else as its owner; what is yours appears here, the highest rated first.
        </Empty>
      ) : (
        <Items items={rows} reading={reading} />
      )}
    </Place>
  );
}

const values = { kind: (i: Item) => i.kind, state: (i: Item) => i.state, band: (i: Item) => asBand(i.band), product: (i: Item) => i.product };

function Items({ items, reading }: { items: Item[]; reading?: Reading }) {
  const [search, set] = useAddress();
  const navigate = useNavigate();
  const rows = useFiltered(items, (i) => `${i.title} ${i.product_name} ${i.where_name} ${(i.tickets ?? []).map((t) => t.key).join(" ")}`, values);
  const filters = useMemo(() => filtersOf(items), [items]);
  const flat = search.view === "list";
  return (
    <>
      <FilterBar label="Search what is yours" filters={filters} shown={rows.length} total={items.length} reading={reading}>
        <Segmented
          label="How to show them"
          value={flat ? "list" : "product"}
          onChange={(v) => set({ view: v === "list" ? v : undefined }, true)}
          options={[
            {
              value: "product",
              text: (
                <>
                  <SquareStack aria-hidden size={14} /> By product
                </>
              ),
            },
            {
              value: "list",
              text: (
                <>
                  <Rows3 aria-hidden size={14} /> One list
                </>
              ),
            },
          ]}
        />
      </FilterBar>
      {rows.length === 0 && !reading ? (
        <Empty
          icon={<SearchX size={20} />}
          title="Nothing of yours matches"
          action={<Button onClick={() => set({ q: "", kind: "", state: "", band: "", product: "" })}>Clear the filters</Button>}
        />
      ) : flat ? (
        <Table
          rows={rows}
          columns={columns}
          rowKey={itemKey}
          label="Assigned to me"
          sortBy="-current"
          reading={reading !== undefined}
          exportName="assigned-to-me"
          onOpen={(i) => void navigate(target(i) as never)}
          empty={null}
        />
      ) : (
        <Grouped items={rows} />
      )}
    </>
  );
}

function filtersOf(items: Item[]): Filter[] {
  const products = new Map(items.map((i) => [i.product, i.product_name]));
  const all: Filter[] = [
    {
      key: "kind",
      name: "Kind",
      options: [
        { value: "threat", text: "Threat" },
        { value: "countermeasure", text: "Countermeasure" },
      ],
    },
    { key: "state", name: "State", options: [...new Set(items.map((i) => i.state))].sort().map((s) => ({ value: s, text: word(s) })) },
    { key: "band", name: "Rating", options: bands.map((b) => ({ value: b, text: bandNames[b] })) },
  ];
  if (products.size > 1)
    all.push({
      key: "product",
      name: "Product",
      options: [...products].map(([value, text]) => ({ value, text })).sort((a, b) => a.text.localeCompare(b.text, "en")),
    });
  return all;
}

/** target is the place where an item is open. */
function target(i: Item): { to: string; params: { product: string }; search: { open: string } } {
  return {
    to: i.kind === "threat" ? "/products/$product/threats" : "/products/$product/countermeasures",
    params: { product: i.product },
    search: { open: i.id },
  };
}

const columns: Column<Item>[] = [
  {
    id: "title",
    name: "Title",
    width: "minmax(14rem,3fr)",
    narrow: "title",
    sort: (i) => i.title,
    text: (i) => i.title,
    cell: (i) => <Title item={i} />,
  },
  { id: "kind", name: "Kind", width: "8.5rem", narrow: "hide", sort: (i) => i.kind, text: (i) => i.kind, cell: (i) => word(i.kind) },
  {
    id: "product",
    name: "Product",
    width: "minmax(7rem,1fr)",
    narrow: "below",
    sort: (i) => i.product_name,
    text: (i) => i.product_name,
    cell: (i) => (
      <bdi className="block truncate" title={i.product_name}>
        {i.product_name}
      </bdi>
    ),
  },
  {
    id: "where",
    name: "Where",
    width: "minmax(7rem,1fr)",
    narrow: "below",
    sort: (i) => i.where_name,
    text: (i) => i.where_name,
    cell: (i) => (
      <bdi className="block truncate text-soft" title={i.where_name}>
        {i.where_name}
      </bdi>
    ),
  },
  {
    id: "state",
    name: "State",
    width: "8rem",
    narrow: "below",
    sort: (i) => i.state,
    text: (i) => word(i.state),
    cell: (i) => <Badge>{word(i.state)}</Badge>,
  },
  {
    id: "current",
    name: "Current",
    width: "7.25rem",
    narrow: "end",
    sort: (i) => (i.band === "unrated" ? -1 : i.current),
    text: (i) => i.current,
    cell: (i) => <Rating item={i} />,
  },
  {
    id: "tickets",
    name: "Tickets",
    width: "8rem",
    narrow: "below",
    text: (i) => (i.tickets ?? []).map((t) => t.key).join(" "),
    cell: (i) => <Tickets item={i} />,
  },
];

function Title({ item: i }: { item: Item }) {
  const Icon = i.kind === "threat" ? TriangleAlert : ShieldCheck;
  return (
    <span className="flex min-w-0 items-start gap-2">
      <Icon aria-hidden size={15} className="mt-0.75 shrink-0 text-soft" />
      <Link
        {...(target(i) as { to: "/products/$product/threats"; params: { product: string }; search: never })}
        tabIndex={-1}
        className="min-w-0 font-medium hover:underline"
      >
        <bdi>{i.title}</bdi>
        <span className="sr-only">, {i.kind}</span>
      </Link>
    </span>
  );
}

function Rating({ item: i }: { item: Item }) {
  const band = asBand(i.band);
  return <BandBadge band={band} figure={band === "unrated" ? undefined : i.current} />;
}

function Tickets({ item: i }: { item: Item }) {
  const tickets = i.tickets ?? [];
  if (tickets.length === 0) return <span className="text-soft max-md:hidden">–</span>;
  return (
    <span className="flex flex-wrap gap-x-2">
      {tickets.map((t) =>
        t.url ? (
          <a key={t.key} href={t.url} target="_blank" rel="noreferrer" className="link text-sm" title={t.status}>
            {t.key}
          </a>
        ) : (
          <span key={t.key || t.state}>{t.key || word(t.state)}</span>
        ),
      )}
    </span>
  );
}

const few = 12;

function Grouped({ items }: { items: Item[] }) {
  const groups = useMemo(() => {
    const by = new Map<string, Item[]>();
    for (const i of items) {
      const list = by.get(i.product);
      if (list) list.push(i);
      else by.set(i.product, [i]);
    }
    return [...by.values()];
  }, [items]);
  return (
    <div className="grid gap-5">
      {groups.map((g) => {
        const product = g[0]!;
        return (
          <section key={product.product} aria-label={product.product_name} className="card overflow-hidden">
            <h2 className="flex items-center gap-2 border-line border-b px-4 py-2.5 font-semibold text-base">
              <Link to="/products/$product/overview" params={{ product: product.product }} className="min-w-0 truncate hover:underline">
                <bdi>{product.product_name}</bdi>
              </Link>
              <Count n={g.length} />
            </h2>
            <ul className="divide-y divide-line">
              {g.slice(0, few).map((i) => (
                <li key={`${i.kind}/${i.id}`}>
                  <Link
                    {...(target(i) as { to: "/products/$product/threats"; params: { product: string }; search: never })}
                    className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 text-sm -outline-offset-2 hover:bg-raised/60"
                  >
                    <span className="flex min-w-0 flex-1 basis-64 items-start gap-2">
                      {i.kind === "threat" ? (
                        <TriangleAlert aria-hidden size={15} className="mt-0.75 shrink-0 text-soft" />
                      ) : (
                        <ShieldCheck aria-hidden size={15} className="mt-0.75 shrink-0 text-soft" />
                      )}
                      <span className="min-w-0">
                        <bdi className="font-medium">{i.title}</bdi>
                        <span className="sr-only">, {i.kind}</span>
                        <bdi className="block truncate text-soft text-xs">{i.where_name}</bdi>
                      </span>
                    </span>
                    <Keys item={i} />
                    <Badge>{word(i.state)}</Badge>
                    <Rating item={i} />
                  </Link>
                </li>
              ))}
            </ul>
            {g.length > few && (
              <Link
                to="/assigned"
                search={{ view: "list", product: product.product } as never}
                className="link block border-line border-t px-4 py-2 text-sm"
              >
                Show all {g.length.toLocaleString("en")}
              </Link>
            )}
          </section>
        );
      })}
    </div>
  );
}

function Keys({ item: i }: { item: Item }) {
  const names = (i.tickets ?? []).map((t) => t.key).filter(Boolean);
  return names.length > 0 ? <span className="text-soft text-xs">{names.join(", ")}</span> : null;
}
