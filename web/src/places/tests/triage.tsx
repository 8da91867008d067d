import { ClipboardCheck } from "lucide-react";
import { useMemo, useState } from "react";
import { api, ok } from "../../api/client";
import { useWhole } from "../../api/whole";
import { useChange } from "../../app/change";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { FormDialog } from "../../ui/dialog";
import { Field, Textarea } from "../../ui/field";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Badge } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { Ago } from "../../ui/time";
import { plural, word } from "../../ui/words";
import { useCan } from "../product/frame";
import { type Evidence, triageRows } from "./data";
import { Decide } from "./decide";

/** where is the place that a tool named for a result. */
export function where(e: Evidence): string {
  const l = e.result.locations?.[0];
  return l ? [l.method, l.uri, l.line ? `line ${l.line}` : "", l.param].filter(Boolean).join(" ") : (e.result.suite ?? []).join(" › ");
}

const rank: Record<string, number> = { critical: 4, high: 3, medium: 2, low: 1, info: 0 };

const columns: Column<Evidence>[] = [
  {
    id: "result",
    name: "Result",
    width: "minmax(12rem,2fr)",
    narrow: "title",
    cell: (e) => (
      <span className="block min-w-0">
        <bdi className="block truncate font-medium" title={e.result.name}>
          {e.result.name || e.result.id}
        </bdi>
        <bdi className="block truncate text-soft text-xs" title={where(e)}>
          {where(e)}
        </bdi>
      </span>
    ),
    sort: (e) => e.result.name,
    text: (e) => e.result.name ?? e.result.id,
  },
  {
    id: "severity",
    name: "Severity",
    width: "5.5rem",
    cell: (e) => (e.result.severity ? word(e.result.severity) : <span className="text-soft">–</span>),
    sort: (e) => rank[e.result.severity ?? ""],
    text: (e) => e.result.severity,
  },
  {
    id: "source",
    name: "Source",
    width: "minmax(6rem,1fr)",
    cell: (e) => <bdi className="block truncate">{e.source}</bdi>,
    sort: (e) => e.source,
    text: (e) => e.source,
  },
  {
    id: "cwe",
    name: "CWE",
    width: "6rem",
    cell: (e) => <span className="num text-soft">{(e.result.cwes ?? []).join(", ") || "–"}</span>,
    sort: (e) => e.result.cwes?.[0],
    text: (e) => (e.result.cwes ?? []).join(" "),
    narrow: "hide",
  },
  {
    id: "why",
    name: "Why it waits",
    width: "minmax(10rem,1.6fr)",
    cell: (e) => (
      <span className="flex min-w-0 items-center gap-2">
        <Badge tone={e.state === "ambiguous" ? "warn" : "neutral"}>{e.state === "ambiguous" ? "Several fit" : "Nothing fits"}</Badge>
        {(e.proposed ?? []).length > 0 && <span className="truncate text-soft text-xs">{plural((e.proposed ?? []).length, "proposal")}</span>}
      </span>
    ),
    sort: (e) => e.state,
    text: (e) => e.state_reason ?? e.state,
  },
  {
    id: "at",
    name: "Last seen",
    width: "7.5rem",
    cell: (e) => <Ago at={e.attempt_at} className="text-soft" />,
    sort: (e) => Date.parse(e.attempt_at),
    text: (e) => e.attempt_at,
  },
];

const options = (values: (string | undefined)[]) =>
  [...new Set(values.filter((v): v is string => !!v))].sort().map((v) => ({ value: v, text: word(v) }));

/** Triage are the failures of which a person has to say what they are about. */
export function Triage({ product }: { product: string }) {
  const { rows: read, reading, error, retry } = useWhole(triageRows(product));
  const rows = useMemo(() => read ?? [], [read]);
  const [search, set] = useAddress();
  const [selected, select] = useState(new Set<string>());
  const [asking, ask] = useState(false);
  const may = useCan()("results.triage");
  const shown = useFiltered(rows, (e) => [e.result.name, e.result.id, where(e), e.tool, ...(e.result.cwes ?? []).map((c) => `CWE-${c}`)].join(" "), {
    source: (e) => e.source,
    severity: (e) => e.result.severity,
    why: (e) => e.state,
  });
  if (!read) return error ? <Failed error={error} retry={retry} /> : <Loading rows={4} />;
  if (rows.length === 0)
    return (
      <Empty icon={<ClipboardCheck size={20} />} title="Nothing waits for a decision">
        A failure that fits nothing in the model, or several things at once, waits here until a person says what it is about.
      </Empty>
    );
  const chosen = rows.filter((r) => selected.has(r.id));
  const open = rows.find((r) => r.id === search.evidence);
  return (
    <>
      <FilterBar
        label="Search the triage"
        shown={shown.length}
        total={rows.length}
        reading={reading}
        filters={[
          { key: "source", name: "Source", options: options(rows.map((r) => r.source)) },
          { key: "severity", name: "Severity", options: options(rows.map((r) => r.result.severity)) },
          {
            key: "why",
            name: "Why it waits",
            options: [
              { value: "unmatched", text: "Nothing fits" },
              { value: "ambiguous", text: "Several fit" },
            ],
          },
        ]}
      />
      {chosen.length > 0 && (
        <div className="mb-2 flex flex-wrap items-center gap-2 rounded-md border border-accent bg-accent-soft px-3 py-1.5 text-sm" role="status">
          <span className="num font-medium">{chosen.length} selected</span>
          <Button size="sm" onClick={() => ask(true)}>
            Dismiss
          </Button>
          <Button size="sm" look="ghost" onClick={() => select(new Set())}>
            Clear
          </Button>
        </div>
      )}
      {shown.length === 0 && !reading ? (
        <Empty title="No result matches">Take a filter away.</Empty>
      ) : (
        <Table
          rows={shown}
          columns={columns}
          rowKey={(e) => e.id}
          label="Triage"
          onOpen={(e) => set({ evidence: e.id }, true)}
          openKey={search.evidence}
          selected={may ? selected : undefined}
          onSelect={may ? select : undefined}
          sortBy="-severity"
          reading={reading !== undefined}
          empty={null}
          exportName="triage"
        />
      )}
      {asking && <DismissMany product={product} rows={chosen} onClose={() => ask(false)} onDone={() => select(new Set())} />}
      {open && <Decide key={open.id} product={product} evidence={open} onClose={() => set({ evidence: undefined })} />}
    </>
  );
}

/** As many as one request takes. */
const together = 1000;

/** DismissMany dismisses several results for one reason. */
function DismissMany({ product, rows, onClose, onDone }: { product: string; rows: Evidence[]; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const dismiss = useChange(
    product,
    async () => {
      for (let i = 0; i < rows.length; i += together)
        await ok(
          api.POST("/products/{product}/triage/dismissals", {
            params: { path: { product } },
            body: { evidence: rows.slice(i, i + together).map((r) => r.id), reason: reason.trim() },
          }),
        );
    },
    () => ({ text: `${plural(rows.length, "result")} dismissed` }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`Dismiss ${plural(rows.length, "result")}`}
      about="They count as evidence of nothing in this product, now and in later reports, with all results of the same rule."
      verb="Dismiss"
      submit={async () => {
        await dismiss.mutateAsync();
        onDone();
      }}
    >
      <Field label="Why">
        <Textarea required minLength={3} maxLength={2000} value={reason} onChange={(e) => setReason(e.target.value)} rows={3} />
      </Field>
    </FormDialog>
  );
}
