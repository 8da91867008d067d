import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { once, problemOf } from "../../api/client";
import { connectionsQuery, keys } from "../../api/query";
import { useMe } from "../../app/session";
import { Button } from "../../ui/button";
import { save } from "../../ui/csv";
import { Badge, Disclosure, Facts, Section } from "../../ui/parts";
import { Failed, Loading, Skeleton } from "../../ui/state";
import { Ago } from "../../ui/time";
import { toast, toastError } from "../../ui/toast";
import { plural } from "../../ui/words";
import { instanceQuery } from "../tests/data";
import { bytes } from "../tests/uploads";
import { counted, health, queueParts, waiting } from "../trackers/data";

const engines: Record<string, string> = { sqlite: "SQLite", postgresql: "PostgreSQL" };

/** Instance is what this installation is and how it does. */
export function Instance() {
  const q = useQuery(instanceQuery);
  const me = useMe();
  const can = (a: string) => (me?.can ?? []).includes(a as never);
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading rows={4} />;
  const i = q.data;
  // As in shipped@2026.1+1a2b3c4d.
  const [library = "", digest] = i.library.replace("@", " ").split("+");
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Section title="This installation">
        <Facts
          items={[
            [
              "Version",
              <span key="v" className="num">
                {i.version}
              </span>,
            ],
            ["Database", engines[i.engine] ?? i.engine],
            [
              "Library",
              <span key="l">
                <bdi className="num">{library}</bdi> <code className="text-2xs text-soft">{digest}</code>
              </span>,
            ],
            [
              "Address",
              i.base_url ? (
                <span key="a" className="break-all">
                  {i.base_url}
                </span>
              ) : (
                "not set: links in tickets use the address of the server"
              ),
            ],
            ["Largest report", bytes(i.upload_limit)],
            ["A pass counts for", plural(i.fresh_days, "day")],
          ]}
        />
      </Section>
      {can("connection.read") && <Queues />}
      {can("backup") && <Backup />}
      <Section title="Licences" about="Everything in this program, with its licence.">
        <Licences />
      </Section>
    </div>
  );
}

function Queues() {
  const q = useQuery({ ...connectionsQuery, refetchInterval: 15_000 });
  const rows = q.data?.items ?? [];
  return (
    <Section title="Queues" about="What goes out to the trackers.">
      {!q.data ? (
        <Skeleton className="h-10" />
      ) : rows.length === 0 ? (
        <p className="text-soft text-sm">No tracker is connected.</p>
      ) : (
        <ul className="divide-y divide-line">
          {rows.map((c) => {
            const h = health(c);
            const parts = queueParts.map((p) => ({ ...p, n: counted(c, p.keys) })).filter((p) => p.n > 0);
            return (
              <li key={c.id} className="grid gap-0.5 py-2 text-sm">
                <span className="flex flex-wrap items-center gap-2">
                  <Link to="/trackers/$connection" params={{ connection: c.id }} className="link font-medium">
                    <bdi>{c.name}</bdi>
                  </Link>
                  <Badge tone={h.tone}>{h.text}</Badge>
                </span>
                <span className="text-soft text-xs">
                  {waiting(c) === 0 ? "Queue empty" : parts.map((p) => `${p.n.toLocaleString("en")} ${p.name.toLowerCase()}`).join(", ")} · last
                  success <Ago at={c.last_success} className="" />
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </Section>
  );
}

function Backup() {
  const take = useMutation({
    mutationFn: async () => {
      const r = await fetch("/api/v1/backup", { method: "POST", credentials: "same-origin", headers: { "Idempotency-Key": once() } });
      if (!r.ok) throw problemOf(r.status, await r.json().catch(() => undefined), r.statusText);
      return r.blob();
    },
    onSuccess: (blob) => {
      save(`threatloop-${new Date().toISOString().slice(0, 10)}.backup`, blob, "application/octet-stream");
      toast(`The backup is saved: ${bytes(blob.size)}`);
    },
    onError: toastError,
  });
  return (
    <Section
      title="Backup"
      about="Everything of the database, whole, while it is in use. The keys that open stored credentials are not in it; keep the key file too."
    >
      <Button icon={<Download size={14} />} busy={take.isPending} onClick={() => take.mutate()}>
        Download a backup
      </Button>
      <p className="mt-2 text-soft text-xs">
        For large installations run <code>threatloop backup</code> on the server instead. Restore it with <code>threatloop restore</code>.
      </p>
    </Section>
  );
}

function Licences() {
  const q = useQuery({
    queryKey: keys.instance("licences"),
    queryFn: async ({ signal }) => {
      const r = await fetch("/api/v1/licences", { signal, credentials: "same-origin" });
      if (!r.ok) throw problemOf(r.status, undefined, r.statusText);
      return r.text();
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!q.data) return q.error ? <p className="text-soft text-sm">Print them with the command threatloop licences.</p> : <Skeleton className="h-8" />;
  return (
    <Disclosure summary="Show them">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard */}
      <pre role="region" aria-label="Licences" tabIndex={0} className="max-h-96 overflow-auto whitespace-pre-wrap rounded-md bg-sunken p-3 text-xs">
        {q.data}
      </pre>
    </Disclosure>
  );
}
