import { useQuery } from "@tanstack/react-query";
import { FlaskConical } from "lucide-react";
import { useMemo, useState } from "react";
import { api, ok } from "../../api/client";
import { useWhole } from "../../api/whole";
import { useChange } from "../../app/change";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Drawer, FormDialog } from "../../ui/dialog";
import { Field, Input } from "../../ui/field";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Badge, Facts } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { Ago, dateTime } from "../../ui/time";
import { useCan } from "../product/frame";
import { ResultBar } from "./bar";
import { Pipeline } from "./ci";
import { formatName, type Run, runQuery, runRows } from "./data";
import { Difference } from "./difference";

/** state is what became of a run, as a word and a tone. */
function state(r: Run): { value: string; text: string; tone: "neutral" | "good" | "warn" | "bad" | "accent" } {
  if (r.state === "queued" || r.state === "parsing") return { value: "reading", text: "Being read", tone: "accent" };
  if (r.state === "rejected") return { value: "refused", text: "Refused", tone: "bad" };
  if (r.state === "failed") return { value: "refused", text: "Failed", tone: "bad" };
  return r.complete ? { value: "complete", text: "Complete", tone: "good" } : { value: "incomplete", text: "Incomplete", tone: "warn" };
}

const columns: Column<Run>[] = [
  {
    id: "report",
    name: "Report",
    width: "minmax(10rem,2fr)",
    narrow: "title",
    cell: (r) => (
      <span className="block min-w-0">
        <bdi className="block truncate font-medium" title={r.name}>
          {r.name || formatName(r.format) || "Report"}
        </bdi>
      </span>
    ),
    sort: (r) => r.name || r.format,
    text: (r) => r.name,
  },
  {
    id: "source",
    name: "Source",
    width: "minmax(11rem,2fr)",
    cell: (r) => (
      <span className="flex min-w-0 items-baseline gap-1.5">
        <bdi className="truncate">{r.source || "–"}</bdi>
        <span className="shrink-0 text-soft text-xs">{r.tool || formatName(r.format)}</span>
      </span>
    ),
    sort: (r) => r.source,
    text: (r) => r.source,
  },
  {
    id: "branch",
    name: "Branch",
    width: "minmax(5rem,1fr)",
    cell: (r) => <bdi className="block truncate text-soft">{[r.branch, r.environment].filter(Boolean).join(" · ") || "–"}</bdi>,
    sort: (r) => r.branch,
    text: (r) => [r.branch, r.environment].filter(Boolean).join(" / "),
    narrow: "hide",
  },
  {
    id: "results",
    name: "Results",
    width: "13rem",
    cell: (r) =>
      r.state === "rejected" || r.state === "failed" ? <span className="text-soft text-xs">not read</span> : <ResultBar counts={r.counts} />,
    sort: (r) => r.counts.fail + r.counts.error,
    text: (r) => `${r.counts.fail} failed, ${r.counts.error} errors, ${r.counts.pass} passed, ${r.counts.not_run} not run`,
  },
  {
    id: "state",
    name: "State",
    width: "7rem",
    narrow: "end",
    cell: (r) => (
      <span title={(r.reasons ?? []).join("\n") || r.error}>
        <Badge tone={state(r).tone}>{state(r).text}</Badge>
      </span>
    ),
    sort: (r) => state(r).text,
    text: (r) => [state(r).text, ...(r.reasons ?? [])].join("; "),
  },
  {
    id: "by",
    name: "By",
    width: "minmax(6rem,.8fr)",
    cell: (r) => <bdi className="block truncate">{r.by}</bdi>,
    sort: (r) => r.by,
    text: (r) => r.by,
  },
  { id: "at", name: "When", width: "8rem", cell: (r) => <Ago at={r.at} className="text-soft" />, sort: (r) => Date.parse(r.at), text: (r) => r.at },
];

const options = (values: (string | undefined)[]) => [...new Set(values.filter((v): v is string => !!v))].sort().map((v) => ({ value: v, text: v }));

/** Runs are the reports that were taken in, over time. */
export function Runs({ product }: { product: string }) {
  const { rows: read, reading, error, retry } = useWhole(runRows(product));
  const rows = useMemo(() => read ?? [], [read]);
  const [search, set] = useAddress();
  const shown = useFiltered(rows, (r) => [r.name, r.source, r.tool, r.branch, r.environment, r.by, r.run].join(" "), {
    source: (r) => r.source,
    branch: (r) => r.branch,
    state: (r) => state(r).value,
    by: (r) => r.by,
  });
  if (!read) return error ? <Failed error={error} retry={retry} /> : <Loading rows={4} />;
  if (rows.length === 0)
    return (
      <Empty className="max-w-2xl" icon={<FlaskConical size={20} />} title="No report was taken in yet">
        <p className="mb-4">Drop one on this page to see what it changes, or let your pipeline send them after each build.</p>
        <Pipeline product={product} />
      </Empty>
    );
  return (
    <>
      <FilterBar
        label="Search the runs"
        shown={shown.length}
        total={rows.length}
        reading={reading}
        filters={[
          { key: "source", name: "Source", options: options(rows.map((r) => r.source)) },
          { key: "branch", name: "Branch", options: options(rows.map((r) => r.branch)) },
          {
            key: "state",
            name: "State",
            options: [
              { value: "complete", text: "Complete" },
              { value: "incomplete", text: "Incomplete" },
              { value: "refused", text: "Refused" },
              { value: "reading", text: "Being read" },
            ],
          },
          { key: "by", name: "By", options: options(rows.map((r) => r.by)) },
        ]}
      />
      {shown.length === 0 && !reading ? (
        <Empty title="No run matches">Take a filter away.</Empty>
      ) : (
        <Table
          rows={shown}
          columns={columns}
          rowKey={(r) => r.id}
          label="Runs"
          onOpen={(r) => set({ run: r.id }, true)}
          openKey={search.run}
          sortBy="-at"
          reading={reading !== undefined}
          empty={null}
          exportName="runs"
        />
      )}
      {search.run && <RunDrawer product={product} id={search.run} onClose={() => set({ run: undefined })} />}
    </>
  );
}

function RunDrawer({ product, id, onClose }: { product: string; id: string; onClose: () => void }) {
  const q = useQuery(runQuery(product, id));
  const all = useWhole(runRows(product)).rows ?? [];
  const can = useCan();
  const [finishing, setFinishing] = useState(false);
  const r = q.data;
  const shards = r ? all.filter((o) => o.run === r.run && o.source === r.source) : [];
  return (
    <Drawer open onClose={onClose} title={<bdi>{r ? r.name || formatName(r.format) || "Report" : "Run"}</bdi>}>
      {!r ? (
        q.error ? (
          <Failed error={q.error} retry={() => void q.refetch()} />
        ) : (
          <Loading rows={3} />
        )
      ) : (
        <div className="grid gap-5">
          <Facts
            items={[
              [
                "State",
                <Badge key="s" tone={state(r).tone}>
                  {state(r).text}
                </Badge>,
              ],
              ["Results", <ResultBar key="r" counts={r.counts} />],
              ["Source", <bdi key="o">{r.source}</bdi>],
              ["Format", `${formatName(r.format)}${r.tool ? `, ${r.tool}` : ""}`],
              !!r.branch && ["Branch", <bdi key="b">{r.branch}</bdi>],
              !!r.environment && ["Environment", <bdi key="e">{r.environment}</bdi>],
              shards.length > 1 && ["Run", `${r.run}, in ${shards.length} parts`],
              ["Sent", `${dateTime(r.at)} by ${r.by}`],
            ]}
          />
          {r.error && (
            <div className="rounded-md bg-critical-soft px-3 py-2 text-critical text-sm">
              <p>{r.error}</p>
              <p>Nothing was changed.</p>
            </div>
          )}
          {!r.error && r.diff && <Difference product={product} run={r} />}
          {!r.complete && !r.error && (r.state === "done" || r.state === "open") && (
            <div className="grid justify-items-start gap-2 rounded-md border border-line px-3 py-3 text-sm">
              <p>If every part of this run was sent, declare it whole. Then what it lacks counts as gone.</p>
              <Button
                size="sm"
                disabled={!can("results.upload")}
                title={can("results.upload") ? undefined : "Your role does not let you finish a run"}
                onClick={() => setFinishing(true)}
              >
                Finish this run
              </Button>
            </div>
          )}
          {finishing && <Finish product={product} run={r} onClose={() => setFinishing(false)} />}
        </div>
      )}
    </Drawer>
  );
}

function Finish({ product, run, onClose }: { product: string; run: Run; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const finish = useChange(
    product,
    () =>
      ok(api.POST("/products/{product}/runs/finish", { params: { path: { product } }, body: { run: run.run, reason: reason.trim() || undefined } })),
    () => ({ text: "The run is declared whole" }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Finish this run"
      about="What was failing before and is not in this run counts as gone from now on. This cannot be undone; a later run that fails brings it back."
      verb="Declare it whole"
      submit={() => finish.mutateAsync()}
    >
      <Field label="Why" optional>
        <Input value={reason} onChange={(e) => setReason(e.target.value)} maxLength={2000} />
      </Field>
    </FormDialog>
  );
}
