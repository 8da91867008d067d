import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, Columns3, Plug, Plus } from "lucide-react";
import { useState } from "react";
import { connectionsQuery } from "../../api/query";
import { useMe } from "../../app/session";
import { Button } from "../../ui/button";
import { Badge, Place } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { Ago } from "../../ui/time";
import { plural } from "../../ui/words";
import { Connect } from "./connect";
import { type Connection, health, kindName, waiting } from "./data";

/** Trackers are the connections with trackers, and how each does. */
export function Trackers() {
  const me = useMe();
  const can = (a: string) => (me?.can ?? []).includes(a as never);
  const q = useQuery({ ...connectionsQuery, refetchInterval: 15_000 });
  const reads = can("connection.read");
  const [connecting, connect] = useState(false);
  const rows = q.data?.items ?? [];
  const button = can("connection.manage") && (
    <Button look="primary" icon={<Plus size={14} />} onClick={() => connect(true)}>
      Connect a tracker
    </Button>
  );
  return (
    <Place
      title="Trackers"
      about="Where the work goes. Tickets are made there once, and what happens to them comes back."
      actions={rows.length > 0 && button}
    >
      {!q.data ? (
        q.error ? (
          <Failed error={q.error} retry={() => void q.refetch()} />
        ) : (
          <Loading rows={3} />
        )
      ) : rows.length === 0 && !reads ? (
        <Empty icon={<Plug size={20} />} title="No tracker has tickets of your products">
          Trackers are connected by administrators of this installation; a product’s settings say where its tickets go.
        </Empty>
      ) : rows.length === 0 ? (
        <Empty icon={<Plug size={20} />} title="No tracker is connected" action={button}>
          Connect Jira, or use the built-in tracker to start at once. Then say in a product’s settings where its tickets go.
        </Empty>
      ) : (
        <ul className="grid gap-3">
          {rows.map((c) => (
            <Row key={c.id} connection={c} full={reads} />
          ))}
        </ul>
      )}
      {connecting && <Connect onClose={() => connect(false)} />}
    </Place>
  );
}

/** Row is one connection; in full for who administers it. */
function Row({ connection: c, full }: { connection: Connection; full: boolean }) {
  const h = health(c);
  const n = waiting(c);
  return (
    <li className="card relative flex flex-wrap items-center gap-x-4 gap-y-2 p-4 hover:border-control/60">
      <div className="min-w-0 flex-1 basis-72">
        <h2 className="flex flex-wrap items-center gap-2">
          {full ? (
            <Link
              to="/trackers/$connection"
              params={{ connection: c.id }}
              className="min-w-0 truncate font-semibold after:absolute after:inset-0 after:rounded-lg"
            >
              <bdi>{c.name}</bdi>
            </Link>
          ) : (
            <bdi className="min-w-0 truncate font-semibold">{c.name}</bdi>
          )}
          <Badge tone={h.tone}>{h.text}</Badge>
        </h2>
        <p className="mt-0.5 text-soft text-sm">
          {kindName(c)}
          {c.settings.base_url && (
            <>
              {" · "}
              <bdi>{c.settings.base_url.replace(/^https?:\/\//, "")}</bdi>
            </>
          )}
        </p>
        {h.why && <p className="mt-1 text-sm">{h.why}</p>}
      </div>
      {full && (
        <dl className="flex flex-wrap gap-x-6 gap-y-1 text-sm">
          <div>
            <dt className="text-soft text-xs">Tickets</dt>
            <dd className="num">{(c.links.live ?? 0).toLocaleString("en")}</dd>
          </div>
          <div>
            <dt className="text-soft text-xs">Queue</dt>
            <dd className="num">{n === 0 ? "empty" : plural(n, "ticket")}</dd>
          </div>
          <div className="min-w-24">
            <dt className="text-soft text-xs">Last success</dt>
            <dd>
              <Ago at={c.last_success} />
            </dd>
          </div>
        </dl>
      )}
      {c.kind === "builtin" && (
        <Link
          to="/board/$connection"
          params={{ connection: c.id }}
          className="relative inline-flex h-8.5 items-center gap-1.5 rounded-md border border-control/60 bg-surface px-3 text-sm hover:bg-raised"
        >
          <Columns3 aria-hidden size={14} /> Board
        </Link>
      )}
      {full && <ChevronRight aria-hidden size={16} className="text-soft max-sm:hidden" />}
    </li>
  );
}
