import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, Plug } from "lucide-react";
import { useState } from "react";
import { api, ok, type S } from "../../api/client";
import { connectionsQuery, countermeasuresQuery } from "../../api/query";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Disclosure, Facts, Section } from "../../ui/parts";
import { asBand, Figure } from "../../ui/rating";
import { Empty, ErrorText, Failed, Loading } from "../../ui/state";
import { plural, word } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { bareQuery, policyQuery, ticketsQuery } from "./held";

/** How many tickets are proposed first: as many as a team takes up in a sprint or two. */
const proposed = 10;

/** Row is something that can become a ticket. */
interface Row {
  object: string;
  title: string;
  where?: string;
  note?: string;
  takes?: number;
  current?: number;
  band?: string;
  held: boolean;
  threat?: boolean;
}

/** Publish lets tickets go out, the most useful first. */
export function Publish() {
  const p = useProduct();
  const can = useCan();
  const policy = useQuery(policyQuery(p.id));
  const tickets = useQuery(ticketsQuery(p.id));
  const countermeasures = useQuery(countermeasuresQuery(p.id));
  const bare = useQuery(bareQuery(p.id));
  const error = policy.error ?? tickets.error ?? countermeasures.error ?? bare.error;
  if (!policy.data || !tickets.data || !countermeasures.data || !bare.data) {
    return error ? (
      <Failed
        error={error}
        retry={() => {
          void policy.refetch();
          void tickets.refetch();
          void countermeasures.refetch();
          void bare.refetch();
        }}
      />
    ) : (
      <Loading rows={4} />
    );
  }
  if (!policy.data.default.connection && (policy.data.routes ?? []).length === 0) {
    return (
      <div className="card">
        <Empty
          icon={<Plug size={20} />}
          title="No tracker is chosen for this product"
          action={
            can("tickets.publish") && (
              <Link to="/products/$product/settings" params={{ product: p.id }} hash="tickets" className="link text-sm">
                Choose a tracker
              </Link>
            )
          }
        >
          Once it is, required countermeasures and threats that nothing is done about become tickets there, and what happens to them comes back by
          itself. The built-in board needs nothing else.
        </Empty>
      </div>
    );
  }
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <Candidates
        key={p.id}
        rows={candidates(policy.data, tickets.data, countermeasures.data, bare.data)}
        recommended={countermeasures.data.filter((c) => c.state === "recommended" && !c.retired).length}
        can={can("tickets.publish")}
      />
      <PolicyFacts policy={policy.data} />
      <Out policy={policy.data} tickets={tickets.data} can={can("tickets.publish")} />
    </div>
  );
}

/**
 * candidates are held tickets, required countermeasures without one, and threats that are open with nothing against
 * them; what takes off most first, which for a threat is all that it rates.
 */
function candidates(policy: S["TicketPolicyView"], tickets: S["TicketView"][], all: S["CountermeasureView"][], bare: S["ProposedTicket"][]): Row[] {
  const byID = new Map(all.map((c) => [c.id, c]));
  const held = tickets.filter((t) => t.state === "held");
  const has = new Set(tickets.map((t) => t.object));
  // The lists are read one after the other: what one of them holds already waits here all the same.
  const open = all.filter(
    (c) => c.state === "required" && !c.retired && !has.has(c.id) && (c.tickets ?? []).every((t) => t.state === "held") && !policy.published?.[c.id],
  );
  const row = (c: S["CountermeasureView"] | undefined): Pick<Row, "where" | "takes" | "current" | "band"> => ({
    where: c?.where_name,
    takes: c?.takes,
    current: c?.current,
    band: c?.band,
  });
  const rows: Row[] = [
    ...held.map((t) => ({ object: t.object, title: t.summary, note: t.note, held: true, ...row(byID.get(t.object)) })),
    ...open.map((c) => ({ object: c.id, title: c.title, held: false, ...row(c) })),
    ...bare
      .filter((t) => !has.has(t.object) && !policy.published?.[t.object])
      .map((t) => ({ object: t.object, title: t.summary, takes: Math.round(t.takes), held: false, threat: true })),
  ];
  return rows.sort((a, b) => (b.takes ?? 0) - (a.takes ?? 0) || (b.current ?? 0) - (a.current ?? 0) || a.title.localeCompare(b.title));
}

function usePublish() {
  const p = useProduct();
  const params = { path: { product: p.id } };
  const take = (objects: string[]) => ok(api.POST("/products/{product}/tickets/unpublish", { params, body: { objects } }));
  const give = (objects: string[]) => ok(api.POST("/products/{product}/tickets/publish", { params, body: { objects } }));
  return {
    publish: useChange(p.id, give, (_, objects) => ({
      text: `${plural(objects.length, "ticket is", "tickets are")} on the way to the tracker.`,
      undo: () => take(objects),
    })),
    unpublish: useChange(p.id, take, (_, objects) => ({
      text: `${plural(objects.length, "ticket is", "tickets are")} taken back. What nobody touched is closed.`,
      undo: () => give(objects),
    })),
  };
}

function Candidates({ rows, recommended, can }: { rows: Row[]; recommended: number; can: boolean }) {
  const p = useProduct();
  const { publish } = usePublish();
  const [touched, setTouched] = useState<Map<string, boolean>>(new Map());
  const [all, setAll] = useState(false);
  const on = (r: Row, i: number) => touched.get(r.object) ?? i < proposed;
  const chosen = rows.filter(on);
  if (rows.length === 0) {
    return (
      <div className="card">
        <Empty icon={<CircleCheck size={20} />} title="Every required countermeasure has its ticket">
          {recommended > 0 ? (
            <>
              {plural(recommended, "countermeasure is", "countermeasures are")} only recommended.{" "}
              <Link
                to="/products/$product/countermeasures"
                params={{ product: p.id }}
                search={{ state: "recommended" } as never}
                className="link underline"
              >
                Require what should be done
              </Link>
              , and it waits here.
            </>
          ) : (
            "What you require from now on waits here, or goes out by itself where the policy says so."
          )}
        </Empty>
      </div>
    );
  }
  return (
    <Section
      title="Ready to go out"
      about={
        rows.length > proposed
          ? `The ${proposed} that take most off the risk are chosen to begin with.`
          : "In the order of what they take off the risk"
      }
      flush
      actions={
        <Button
          look="primary"
          disabled={!can || chosen.length === 0}
          title={can ? undefined : "You need the right to publish tickets"}
          busy={publish.isPending}
          onClick={() => publish.mutate(chosen.map((r) => r.object))}
        >
          Publish {plural(chosen.length, "ticket")}
        </Button>
      }
    >
      <ul className="divide-y divide-line pt-1">
        {rows.slice(0, all ? undefined : 2 * proposed).map((r, i) => (
          <li key={r.object}>
            <label className="grid grid-cols-[1rem_minmax(0,1fr)_auto] items-start gap-x-3 px-4 py-2.5 text-sm hover:bg-raised/60">
              <input
                type="checkbox"
                className="mt-1 size-3.5"
                disabled={!can}
                checked={on(r, i)}
                onChange={(e) => setTouched(new Map(touched).set(r.object, e.target.checked))}
              />
              <span className="min-w-0">
                <bdi>{r.title}</bdi>
                <span className="block text-soft text-xs">
                  {r.where && <bdi>{r.where}</bdi>}
                  {r.threat ? `Nothing is done about it: ${r.takes} of the sum` : r.takes ? ` · takes ${r.takes} off the sum` : ""}
                  {r.held && r.note ? ` · ${r.note}` : ""}
                </span>
              </span>
              {r.current !== undefined && <Figure value={r.current} band={asBand(r.band)} />}
            </label>
          </li>
        ))}
      </ul>
      {rows.length > 2 * proposed && !all && (
        <div className="border-line border-t px-4 py-2">
          <Button look="ghost" size="sm" onClick={() => setAll(true)}>
            Show all {rows.length}
          </Button>
        </div>
      )}
      {publish.error && <ErrorText error={publish.error} className="m-4" />}
    </Section>
  );
}

const pushes: Record<string, string> = {
  required: "Required countermeasures",
  threats: "Open threats without a countermeasure",
  both: "Required countermeasures, and open threats without one",
  manual: "Only what is published by hand",
};

function PolicyFacts({ policy }: { policy: S["TicketPolicyView"] }) {
  const p = useProduct();
  const connections = useQuery({ ...connectionsQuery, enabled: (p.can ?? []).includes("connection.read" as never) });
  const id = policy.default.connection;
  const name = (connections.data?.items ?? []).find((c) => c.id === id)?.name ?? id;
  return (
    <Section
      title="Policy"
      actions={
        <Link to="/products/$product/settings" params={{ product: p.id }} hash="tickets" className="link text-sm">
          Change
        </Link>
      }
    >
      <Facts
        items={[
          ["Goes to", <bdi key="to">{[name, policy.default.project, policy.default.type].filter(Boolean).join(" · ") || "by route"}</bdi>],
          ["What goes out", pushes[policy.push || "required"] ?? word(policy.push)],
          [
            "By itself",
            policy.auto
              ? policy.ask_above && policy.ask_above < 0
                ? "Yes, always"
                : `Yes, up to ${policy.ask_above || 20} new ones at once`
              : "No: a person publishes",
          ],
        ]}
      />
    </Section>
  );
}

/** Out lists what was published, so that it can be taken back. */
function Out({ policy, tickets, can }: { policy: S["TicketPolicyView"]; tickets: S["TicketView"][]; can: boolean }) {
  const { unpublish } = usePublish();
  const [chosen, setChosen] = useState(new Set<string>());
  const out = tickets.filter((t) => t.key && t.state === "open" && t.purpose !== "vulnerability" && !policy.unwanted?.[t.object]);
  if (out.length === 0) return null;
  return (
    <Disclosure summary={`Published and open (${out.length})`}>
      <div className="card">
        {can && (
          <div className="flex flex-wrap items-center gap-3 border-line border-b px-4 py-2.5">
            <p className="min-w-0 flex-1 basis-60 text-soft text-xs">
              Taking a ticket back closes it where nobody has touched it since we made it; anything else stays as it is.
            </p>
            <Button
              size="sm"
              disabled={chosen.size === 0}
              busy={unpublish.isPending}
              onClick={() => unpublish.mutate([...chosen], { onSuccess: () => setChosen(new Set()) })}
            >
              Take back {chosen.size || ""}
            </Button>
          </div>
        )}
        <ul className="max-h-96 divide-y divide-line overflow-y-auto">
          {out.map((t) => (
            <li key={`${t.object} ${t.key}`}>
              <label htmlFor={`out-${t.id}`} className="flex items-start gap-3 px-4 py-2 text-sm hover:bg-raised/60">
                <input
                  id={`out-${t.id}`}
                  type="checkbox"
                  className="mt-1 size-3.5"
                  disabled={!can}
                  checked={chosen.has(t.object)}
                  onChange={(e) => {
                    const next = new Set(chosen);
                    if (e.target.checked) next.add(t.object);
                    else next.delete(t.object);
                    setChosen(next);
                  }}
                />
                <span className="num w-20 shrink-0 text-soft">{t.key}</span>
                <bdi className="min-w-0 flex-1">{t.summary}</bdi>
                <span className="shrink-0 text-soft text-xs">{t.status}</span>
              </label>
            </li>
          ))}
        </ul>
      </div>
    </Disclosure>
  );
}
