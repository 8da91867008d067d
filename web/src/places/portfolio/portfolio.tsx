import { Link, useNavigate } from "@tanstack/react-router";
import { ChevronDown, Flame, Plus, SearchX, Table2 } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo } from "react";
import { type Reading, useWhole } from "../../api/whole";
import { useKeys } from "../../app/keys";
import { useMe } from "../../app/session";
import { useAddress, useList } from "../../ui/address";
import { Button } from "../../ui/button";
import { type Filter, FilterBar, useFiltered } from "../../ui/filters";
import { useMedia } from "../../ui/media";
import { Menu, MenuCheck, MenuItem } from "../../ui/menu";
import { Place, Segmented } from "../../ui/parts";
import { bandNames, bands } from "../../ui/rating";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { type Defined, said, useFields, valuesOf } from "../fields";
import { productColumns } from "./columns";
import { asShelf, bandOfProduct, facet, inAddress, none, type Product, productsOf, type Shelf, totals } from "./data";
import { Head } from "./totals";

const Start = lazy(() => import("./start").then((m) => ({ default: m.Start })));
const HeatMap = lazy(() => import("./heatmap").then((m) => ({ default: m.HeatMap })));

const shelves: Record<Shelf, string> = { active: "In work", archived: "Archived", templates: "Templates" };

/** Portfolio is every product that a person may see, as a table or as a heat map. */
export function Portfolio() {
  const [search] = useAddress();
  const navigate = useNavigate();
  const me = useMe();
  const creates = (me?.can ?? []).includes("product.create");
  const shelf = asShelf(search.show);
  const { rows: products, reading, error, retry } = useWhole(productsOf(shelf));
  useEffect(() => {
    document.title = "Portfolio · Threatloop";
  }, []);
  useKeys({ c: { does: "New product", in: "Portfolio", run: () => void navigate({ to: "/new" }) } }, creates);
  if (!products) return error ? <Failed error={error} retry={retry} /> : <Loading />;
  const first = shelf === "active" && products.length === 0;
  return (
    <Place
      wide
      title="Portfolio"
      actions={
        <>
          <ShelfMenu shelf={shelf} />
          {creates && !first && (
            <Link
              to="/new"
              className="inline-flex h-8.5 items-center gap-1.5 rounded-md bg-accent px-3 font-medium text-on-accent text-sm hover:bg-accent-strong"
            >
              <Plus aria-hidden size={15} />
              New product
            </Link>
          )}
        </>
      }
    >
      {first ? (
        <Suspense fallback={null}>
          <Start />
        </Suspense>
      ) : (
        <Products products={products} reading={reading} shelf={shelf} />
      )}
    </Place>
  );
}

function ShelfMenu({ shelf }: { shelf: Shelf }) {
  const [, set] = useAddress();
  return (
    <Menu
      align="end"
      label="Which products"
      trigger={
        <Button look="ghost" className="max-sm:-ms-3">
          {shelves[shelf]}
          <ChevronDown aria-hidden size={14} />
        </Button>
      }
    >
      {(Object.keys(shelves) as Shelf[]).map((s) => (
        <MenuItem key={s} onSelect={() => set({ show: s === "active" ? undefined : s }, true)}>
          {shelves[s]}
          {s === shelf && <span className="text-soft"> · shown</span>}
        </MenuItem>
      ))}
    </Menu>
  );
}

const values = {
  team: (p: Product) => (p.team ? inAddress(p.team) : none),
  tag: (p: Product) => (p.tags?.length ? p.tags.map(inAddress) : [none]),
  owner: (p: Product) => (p.owner ? inAddress(p.owner) : none),
  band: (p: Product) => bandOfProduct(p) ?? none,
  has: (p: Product) => bands.filter((b) => (p.bands[b] ?? 0) > 0),
};

function Products({ products, reading, shelf }: { products: Product[]; reading?: Reading; shelf: Shelf }) {
  const [search, set] = useAddress();
  const navigate = useNavigate();
  const roomy = useMedia("(min-width: 1560px)");
  const { fields } = useFields();
  const columns = useMemo(() => withFields(productColumns(roomy), fields, search.columns), [roomy, fields, search.columns]);
  const ofRow = useMemo(() => ({ ...values, ...fieldValues(fields) }), [fields]);
  const rows = useFiltered(products, (p) => `${p.name} ${p.team ?? ""} ${p.owner ?? ""} ${(p.tags ?? []).join(" ")}`, ofRow, [ofRow]);
  const sums = useMemo(() => totals(rows), [rows]);
  const filters = useMemo(() => [...filtersOf(products, !!search.has), ...fieldFilters(products, fields)], [products, search.has, fields]);
  const view = search.view === "heat" ? "heat" : "table";
  if (products.length === 0) return <NothingHere shelf={shelf} />;
  return (
    <>
      <Head totals={sums} complete={!reading} />
      <FilterBar label="Search products" filters={filters} shown={rows.length} total={products.length} reading={reading}>
        {fields.length > 0 && view === "table" && <FieldColumns fields={fields} />}
        <Segmented
          label="How to show them"
          value={view}
          onChange={(v) => set({ view: v === "heat" ? v : undefined }, true)}
          options={[
            {
              value: "table",
              text: (
                <>
                  <Table2 aria-hidden size={14} /> Table
                </>
              ),
            },
            {
              value: "heat",
              text: (
                <>
                  <Flame aria-hidden size={14} /> Heat map
                </>
              ),
            },
          ]}
        />
      </FilterBar>
      {rows.length === 0 && !reading ? (
        <Empty
          icon={<SearchX size={20} />}
          title="No product matches"
          action={<Button onClick={() => set({ q: "", ...Object.fromEntries(filters.map((f) => [f.key, ""])) })}>Clear the filters</Button>}
        >
          Search looks at names, teams, owners and tags.
        </Empty>
      ) : view === "heat" ? (
        <Suspense fallback={<Loading />}>
          <HeatMap products={rows} />
        </Suspense>
      ) : (
        <Table
          rows={rows}
          columns={columns}
          rowKey={(p) => p.id}
          label="Products"
          sortBy="-rating"
          reading={!!reading}
          exportName="portfolio"
          onOpen={(p) => void navigate({ to: "/products/$product/overview", params: { product: p.id } })}
          empty={null}
        />
      )}
    </>
  );
}

/** Filters and columns of custom fields have keys of their own in the address. */
const inField = (f: Defined) => `f.${f.key}`;

const fieldValues = (fields: Defined[]) =>
  Object.fromEntries(
    fields.map((f) => [
      inField(f),
      (p: Product) => {
        const v = valuesOf(p.custom?.[f.key]);
        return v.length ? v.map(inAddress) : [none];
      },
    ]),
  );

function fieldFilters(products: Product[], fields: Defined[]): Filter[] {
  return fields
    .filter((f) => f.type === "choice" || f.type === "user")
    .map((f) => {
      const names = Object.assign({}, ...products.map((p) => p.custom_names ?? {})) as Record<string, string>;
      const options = facet(products, (p) => valuesOf(p.custom?.[f.key]), "Not set");
      return { key: inField(f), name: f.name, options: options.map((o) => (o.value === none ? o : { ...o, text: said(f, o.text, names) })) };
    });
}

/** withFields adds the custom fields as columns: those that are chosen are shown, all are in the export. */
function withFields(columns: Column<Product>[], fields: Defined[], chosen: string | undefined): Column<Product>[] {
  const on = new Set((chosen ?? "").split(","));
  const own = fields.map((f): Column<Product> => {
    const text = (p: Product) => said(f, p.custom?.[f.key], p.custom_names);
    return {
      id: inField(f),
      name: f.name,
      width: "minmax(5rem,1fr)",
      narrow: "below",
      hidden: !on.has(f.key),
      sort: (p) => (f.type === "number" ? Number(p.custom?.[f.key] || Number.NaN) || undefined : text(p) || undefined),
      text,
      cell: (p) => (
        <bdi className="block truncate" title={text(p)}>
          {text(p) || <span className="text-soft">–</span>}
        </bdi>
      ),
    };
  });
  const at = columns.findIndex((c) => c.id === "updated");
  return [...columns.slice(0, at), ...own, ...columns.slice(at)];
}

function FieldColumns({ fields }: { fields: Defined[] }) {
  const [on, set] = useList("columns");
  return (
    <Menu
      align="end"
      label="Columns of custom fields"
      trigger={
        <Button look="ghost">
          Columns
          <ChevronDown aria-hidden size={14} />
        </Button>
      }
    >
      {fields.map((f) => (
        <MenuCheck key={f.key} checked={on.includes(f.key)} onChange={(is) => set(is ? [...on, f.key] : on.filter((k) => k !== f.key))}>
          {f.name}
        </MenuCheck>
      ))}
    </Menu>
  );
}

function filtersOf(products: Product[], has: boolean): Filter[] {
  const options = bands.map((b) => ({ value: b, text: bandNames[b] }));
  const all: Filter[] = [
    { key: "band", name: "Highest", options: [...options, { value: none, text: "No open threats" }] },
    { key: "team", name: "Team", options: facet(products, (p) => [p.team ?? ""], "Without a team") },
    { key: "owner", name: "Owner", options: facet(products, (p) => [p.owner ?? ""], "Without an owner") },
    { key: "tag", name: "Tag", options: facet(products, (p) => p.tags ?? [], "Without a tag") },
  ];
  // Only the heat map sets it; here it can be seen and taken away.
  if (has) all.unshift({ key: "has", name: "With threats", options });
  return all;
}

function NothingHere({ shelf }: { shelf: Shelf }) {
  return shelf === "archived" ? (
    <Empty title="Nothing is archived">A product that is archived keeps everything and disappears from the portfolio. Archive one in its menu.</Empty>
  ) : (
    <Empty title="There are no templates">A template is a product that others are made of: “Make it a template” in the menu of a product.</Empty>
  );
}
