import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronRight, CircleAlert, Columns3, RotateCw, Trash2 } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { Badge, Count, Place, Section } from "../../ui/parts";
import { ErrorText, Failed, Loading } from "../../ui/state";
import { Tabs } from "../../ui/tabs";
import { Ago } from "../../ui/time";
import { plural } from "../../ui/words";
import { CheckList } from "./check";
import { type Connection, connectionQuery, counted, health, kindName, queueParts, save, waiting } from "./data";
import { ConnectionFields, credentialOf, type Entered, entered, settingsOf } from "./form";
import { Mapping } from "./mapping";
import { Problems } from "./problems";
import { Webhook } from "./webhook";

/** Tracker is one connection: how it does, what waits, and how it is set up. */
export function Tracker() {
  const { connection: id } = useParams({ from: "/trackers/$connection" });
  const q = useQuery(connectionQuery(id));
  const [search, set] = useAddress();
  const me = useMe();
  const manages = (me?.can ?? []).includes("connection.manage" as never);
  const [removing, remove] = useState(false);
  const retry = useChange(
    undefined,
    () => ok(api.POST("/connections/{connection}/retry", { params: { path: { connection: id } } })),
    () => ({ text: "What failed is tried again now" }),
  );
  const name = q.data?.name;
  useEffect(() => {
    document.title = [name, "Trackers", "Threatloop"].filter(Boolean).join(" · ");
  }, [name]);
  if (!q.data)
    return q.error ? (
      <Failed
        error={q.error}
        retry={() => void q.refetch()}
        way={
          <Link to="/trackers" className="link text-sm">
            To the trackers
          </Link>
        }
      />
    ) : (
      <Loading />
    );
  const c = q.data;
  const h = health(c);
  const target = { project: search.project ?? c.settings.projects?.[0] ?? "", type: search.type ?? "" };
  const tabs = [
    { value: "state", text: "State", panel: <State connection={c} /> },
    ...(manages
      ? [
          {
            value: "check",
            text: "Check list",
            panel: <CheckList key={c.id} connection={c} {...target} onTarget={(project, type) => set({ project, type })} />,
          },
          { value: "meanings", text: "Statuses", panel: <Mapping connection={c} {...target} /> },
          ...(c.kind === "jira" ? [{ value: "webhook", text: "Webhook", panel: <Webhook connection={c} /> }] : []),
          { value: "settings", text: "Settings", panel: <Edit connection={c} onRemove={() => remove(true)} /> },
        ]
      : []),
  ];
  return (
    <Place
      title={
        <span className="flex flex-wrap items-center gap-2">
          <span className="flex min-w-0 items-center gap-1 font-normal text-soft">
            <Link to="/trackers" className="hover:text-text">
              Trackers
            </Link>
            <ChevronRight aria-hidden size={16} />
          </span>
          <bdi>{c.name}</bdi>
          <Badge tone={h.tone}>{h.text}</Badge>
        </span>
      }
      about={
        <>
          {kindName(c)}
          {c.settings.base_url ? ` at ${c.settings.base_url}` : ""}
        </>
      }
      actions={
        <>
          {c.kind === "builtin" && (
            <Link
              to="/board/$connection"
              params={{ connection: c.id }}
              className="inline-flex h-8.5 items-center gap-1.5 rounded-md border border-control/60 bg-surface px-3 text-sm hover:bg-raised"
            >
              <Columns3 aria-hidden size={14} /> Board
            </Link>
          )}
          {manages && (
            <Button icon={<RotateCw size={14} />} busy={retry.isPending} onClick={() => retry.mutate()}>
              Try again now
            </Button>
          )}
        </>
      }
    >
      {h.why && (
        <div
          className={
            h.tone === "bad"
              ? "mb-5 flex flex-wrap items-center gap-3 rounded-md bg-critical-soft px-4 py-3 text-critical text-sm"
              : "mb-5 flex flex-wrap items-center gap-3 rounded-md bg-medium-soft px-4 py-3 text-medium text-sm"
          }
        >
          <CircleAlert aria-hidden size={18} className="shrink-0" />
          <p className="min-w-0 flex-1 basis-60">{h.why}</p>
          {manages && h.act === "credential" && (
            <Button size="sm" onClick={() => set({ view: "settings" })}>
              Enter a new credential
            </Button>
          )}
        </div>
      )}
      <Tabs
        value={tabs.some((t) => t.value === search.view) ? (search.view ?? "state") : "state"}
        onChange={(view) => set({ view: view === "state" ? undefined : view, q: undefined, state: undefined, product: undefined, sort: undefined })}
        tabs={tabs}
      />
      {removing && <Remove connection={c} onClose={() => remove(false)} />}
    </Place>
  );
}

function State({ connection: c }: { connection: Connection }) {
  return (
    <div className="grid gap-5">
      <dl className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        {queueParts.map((p) => {
          const n = counted(c, p.keys);
          return (
            <div key={p.name} className="card grid content-start px-4 py-3">
              <dt className="text-soft text-sm">{p.name}</dt>
              <dd
                className={`num font-semibold text-2xl ${n > 0 && p.tone === "bad" ? "text-critical" : n > 0 && p.tone === "warn" ? "text-medium" : n === 0 ? "text-soft" : ""}`}
              >
                {n.toLocaleString("en")}
              </dd>
              <dd className="text-soft text-xs">{p.about}</dd>
            </div>
          );
        })}
      </dl>
      <p className="text-soft text-sm">
        {plural(c.links.live ?? 0, "ticket is", "tickets are")} followed. Last success <Ago at={c.last_success} className="text-text" />; last asked{" "}
        <Ago at={c.last_poll} className="text-text" />.
        {waiting(c) > 0 && c.oldest && (
          <>
            {" "}
            The oldest waits since <Ago at={c.oldest} className="text-text" />.
          </>
        )}
      </p>
      <section>
        <h2 className="mb-3 flex items-center gap-2 font-semibold text-base">
          What waits or failed <Count n={waiting(c)} />
        </h2>
        <Problems connection={c.id} />
      </section>
    </div>
  );
}

function Edit({ connection: c, onRemove }: { connection: Connection; onRemove: () => void }) {
  const [draft, setDraft] = useState<{ e: Entered; base: Connection }>();
  const e = draft?.e ?? entered(c);
  const edit = useChange(
    undefined,
    () => save(draft?.base ?? c, { name: e.name.trim(), settings: settingsOf(e, (draft?.base ?? c).settings), credential: credentialOf(e) }),
    () => ({ text: "Saved; what was paused goes on" }),
  );
  const send = (ev: FormEvent) => {
    ev.preventDefault();
    edit.mutate(undefined, { onSuccess: () => setDraft(undefined) });
  };
  return (
    <div className="grid max-w-2xl gap-6">
      <form onSubmit={send} className="grid gap-4">
        <ConnectionFields value={e} stored={c.has_credential} onChange={(next) => setDraft({ e: next, base: draft?.base ?? c })} />
        {edit.error && <ErrorText error={edit.error} />}
        <div className="flex gap-2">
          <Button type="submit" look="primary" busy={edit.isPending} disabled={!draft}>
            Save
          </Button>
          {draft && <Button onClick={() => setDraft(undefined)}>Discard</Button>}
        </div>
      </form>
      <Section title="Forget this connection" about="Its tickets stay in the tracker, but nothing is read from them or written to them any more.">
        <Button icon={<Trash2 size={14} />} onClick={onRemove}>
          Forget…
        </Button>
      </Section>
    </div>
  );
}

function Remove({ connection: c, onClose }: { connection: Connection; onClose: () => void }) {
  const navigate = useNavigate();
  const remove = useChange(
    undefined,
    () => ok(api.DELETE("/connections/{connection}", { params: { path: { connection: c.id } } })),
    () => ({ text: `${c.name} is forgotten` }),
  );
  const live = c.links.live ?? 0;
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Forget ${c.name}?`}
      about={
        c.kind === "builtin"
          ? `Its board with ${plural(live, "ticket")} can no longer be reached. Products that send their tickets here send none until their settings name another tracker. This cannot be undone.`
          : `${plural(live, "ticket stays", "tickets stay")} in the tracker as they are. Products that send their tickets here send none until their settings name another tracker. Connected again later, the same tickets are found and not made twice.`
      }
      verb="Forget"
      submit={async () => {
        await remove.mutateAsync();
        await navigate({ to: "/trackers" });
      }}
    />
  );
}
