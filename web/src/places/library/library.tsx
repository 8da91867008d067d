import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { BookOpen, Download, FileUp, Plus, TriangleAlert } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Menu, MenuItem } from "../../ui/menu";
import { Badge, Place, Segmented } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { draftQuery, drafts, entriesQuery, foundQuery, kinds, layers, type Row } from "./data";
import { DraftBar } from "./draft";
import { ImportLibrary } from "./import";
import { NewEntry } from "./newentry";
import { Versions } from "./versions";

const columns: Column<Row>[] = [
  {
    id: "title",
    name: "Name",
    width: "minmax(14rem,3fr)",
    narrow: "title",
    cell: (r) => (
      <span className="block min-w-0">
        <bdi className="block truncate font-medium" title={r.title}>
          {r.title}
        </bdi>
        <code className="block truncate text-soft text-xs">{r.ref}</code>
      </span>
    ),
    sort: (r) => r.title,
    text: (r) => r.title,
  },
  { id: "ref", name: "Ref", width: "0", hidden: true, cell: () => null, text: (r) => r.ref },
  {
    id: "kind",
    name: "Kind",
    width: "9rem",
    cell: (r) => <span className="text-soft">{kinds[r.kind].one}</span>,
    sort: (r) => r.kind,
    text: (r) => r.kind,
  },
  {
    id: "layer",
    name: "From",
    width: "8.5rem",
    narrow: "end",
    cell: (r) => (r.layer === "built-in" ? <span className="text-soft">{layers[r.layer]}</span> : <Badge tone="accent">{layers[r.layer]}</Badge>),
    sort: (r) => r.layer,
    text: (r) => layers[r.layer],
  },
  {
    id: "draft",
    name: "Draft",
    width: "11rem",
    narrow: "below",
    cell: (r) =>
      r.problems > 0 ? (
        <Badge tone="bad" icon={<TriangleAlert aria-hidden size={12} />}>
          {r.problems === 1 ? "1 problem" : `${r.problems} problems`}
        </Badge>
      ) : r.draft ? (
        <Badge tone="warn">{drafts[r.draft]}</Badge>
      ) : (
        <span className="text-soft max-sm:hidden">–</span>
      ),
    sort: (r) => (r.problems > 0 ? `0${r.problems}` : (r.draft ?? undefined)),
    text: (r) => (r.problems > 0 ? `${r.problems} problems` : r.draft ? drafts[r.draft] : ""),
  },
  {
    id: "products",
    name: "Products",
    width: "7rem",
    align: "end",
    narrow: "below",
    cell: (r) => (
      <span className={r.products ? "num" : "num text-soft"}>
        {r.products.toLocaleString("en")}
        <span className="sm:hidden">{r.products === 1 ? " product" : " products"}</span>
      </span>
    ),
    sort: (r) => -r.products,
    text: (r) => r.products,
  },
];

/** Library is the knowledge that threat models follow from: what is built in, and what the organisation made of it. */
export function Library() {
  const me = useMe();
  const edits = (me?.can ?? []).includes("library.edit" as never);
  const navigate = useNavigate();
  const [search, set] = useAddress();
  const entries = useQuery(entriesQuery);
  const draft = useQuery(draftQuery).data;
  const [making, setMaking] = useState(false);
  const [importing, setImporting] = useState(false);
  // Names are looked through here, texts by the server: what it finds has the words as well.
  const q = useDeferredValue(search.q?.trim().slice(0, 200) ?? "");
  const found = useQuery({ ...foundQuery(q), enabled: q.length > 1 }).data;
  const rows = useMemo(
    () => (entries.data ?? []).map((r): Row & { has?: string } => (found?.has(`${r.kind}/${r.ref}`) ? { ...r, has: q } : r)),
    [entries.data, found, q],
  );
  const shown = useFiltered(rows, (r) => `${r.title} ${r.ref} ${r.has ?? ""}`, {
    kind: (r) => r.kind,
    from: (r) => r.layer,
    draft: (r) => (r.problems > 0 ? ["problems", r.draft ?? ""] : r.draft),
    used: (r) => (r.products > 0 ? "yes" : "no"),
  });
  const view = search.view === "versions" ? "versions" : "entries";
  return (
    <Place
      wide
      title="Library"
      about={
        <>
          Component types, risk patterns, rules and questionnaires from which threat models follow.{" "}
          {draft && (
            <span title={draft.in_force.stamp}>
              In force: {draft.in_force.number > 0 ? `your version ${draft.in_force.number} over what is built in` : "what is built in"}.
            </span>
          )}
        </>
      }
      actions={
        <>
          <Menu label="Export" trigger={<Button icon={<Download size={14} />}>Export</Button>}>
            <MenuItem onSelect={() => location.assign("/api/v1/library/export?of=effective")}>All that is in force</MenuItem>
            <MenuItem onSelect={() => location.assign("/api/v1/library/export?of=own")}>Your own part, as published</MenuItem>
            {edits && <MenuItem onSelect={() => location.assign("/api/v1/library/export?of=draft")}>Your own part, as drafted</MenuItem>}
          </Menu>
          {edits && (
            <>
              <Button icon={<FileUp size={14} />} onClick={() => setImporting(true)}>
                Import
              </Button>
              <Button look="primary" icon={<Plus size={14} />} onClick={() => setMaking(true)}>
                New entry
              </Button>
            </>
          )}
        </>
      }
    >
      {draft && <DraftBar draft={draft} edits={edits} />}
      <div className="mb-4">
        <Segmented
          label="What to see"
          value={view}
          onChange={(v) => set({ view: v === "entries" ? undefined : v, q: undefined }, true)}
          options={[
            { value: "entries", text: "Entries" },
            { value: "versions", text: "Versions" },
          ]}
        />
      </div>
      {view === "versions" ? (
        <Versions edits={edits} />
      ) : !entries.data ? (
        entries.error ? (
          <Failed error={entries.error} retry={() => void entries.refetch()} />
        ) : (
          <Loading />
        )
      ) : (
        <>
          <FilterBar
            label="Search the library"
            shown={shown.length}
            total={rows.length}
            filters={[
              { key: "kind", name: "Kind", options: (Object.keys(kinds) as Row["kind"][]).map((k) => ({ value: k, text: kinds[k].many })) },
              { key: "from", name: "From", options: (Object.keys(layers) as Row["layer"][]).map((l) => ({ value: l, text: layers[l] })) },
              {
                key: "draft",
                name: "Draft",
                options: [{ value: "problems", text: "With problems" }, ...Object.entries(drafts).map(([value, text]) => ({ value, text }))],
              },
              {
                key: "used",
                name: "Products",
                options: [
                  { value: "yes", text: "In a product" },
                  { value: "no", text: "In no product" },
                ],
              },
            ]}
          />
          <Table
            label="Entries of the library"
            rows={shown}
            columns={columns}
            rowKey={(r) => `${r.kind}/${r.ref}`}
            sortBy="title"
            exportName="library"
            onOpen={(r) => void navigate({ to: "/library/$kind/$ref", params: { kind: r.kind, ref: r.ref } })}
            empty={
              <Empty icon={<BookOpen size={20} />} title="Nothing matches">
                No entry fits the search and the filters.
              </Empty>
            }
          />
          <p className="mt-3 text-soft text-xs">
            What can stand in an entry is written in the guide to the library's format.{" "}
            <Link to="/library/$kind/$ref" params={{ kind: "head", ref: "library" }} className="link underline">
              The vocabulary
            </Link>{" "}
            says which tags, categories and attributes there are.
          </p>
        </>
      )}
      {edits && <NewEntry open={making} onClose={() => setMaking(false)} rows={rows} />}
      {edits && draft && <ImportLibrary open={importing} onClose={() => setImporting(false)} revision={draft.revision} />}
    </Place>
  );
}
