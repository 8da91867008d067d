import { useQuery } from "@tanstack/react-query";
import { Link2, RotateCcw, Send, Unlink } from "lucide-react";
import { useState } from "react";
import { api, everything, ok, type S } from "../../api/client";
import { connectionsQuery, keys } from "../../api/query";
import { useChange } from "../../app/change";
import { Button, IconButton } from "../../ui/button";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Select } from "../../ui/field";
import { word } from "../../ui/words";
import { useCan } from "../product/frame";
import type { TicketRef } from "./data";
import { estimateText, TicketBadge } from "./marks";

type Purpose = TicketRef["purpose"];

const policyQuery = (product: string) => ({
  queryKey: keys.product(product, "ticket-policy"),
  queryFn: ({ signal }: { signal: AbortSignal }) => ok(api.GET("/products/{product}/tickets/policy", { params: { path: { product } }, signal })),
});

const ticketsQuery = (product: string) => ({
  queryKey: keys.product(product, "tickets"),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    everything<S["TicketView"]>((cursor) =>
      ok(api.GET("/products/{product}/tickets", { params: { path: { product }, query: { cursor, limit: 1000 } }, signal })),
    ),
});

/** usePublish lets tickets of objects go out, and can take that back. */
export function usePublish(product: string) {
  return useChange(
    product,
    (objects: string[]) => ok(api.POST("/products/{product}/tickets/publish", { params: { path: { product } }, body: { objects } })),
    (_, objects) => ({
      text: objects.length === 1 ? "A ticket is on its way" : `${objects.length} tickets are on their way`,
      undo: () => ok(api.POST("/products/{product}/tickets/unpublish", { params: { path: { product } }, body: { objects } })),
    }),
  );
}

/** Tickets are the tickets of a threat, weakness or countermeasure, and what can be done with them. */
export function Tickets({
  product,
  object,
  purpose,
  tickets,
  instead,
}: {
  product: string;
  object: string;
  purpose: Purpose;
  tickets: TicketRef[] | null | undefined;
  /** Why no ticket of its own would be made, where none would. */
  instead?: string;
}) {
  const can = useCan();
  const publish = usePublish(product);
  const [linking, setLinking] = useState(false);
  const list = tickets ?? [];
  const own = list.some((t) => t.purpose === purpose && t.state !== "deleted");
  return (
    <div className="grid gap-2">
      {(list.length === 0 || (instead && !own)) && <p className="text-sm text-soft">{instead && !own ? instead : "No ticket."}</p>}
      <ul className="grid gap-1.5">
        {list.map((t) => (
          <li key={t.purpose + t.key + t.state} className="flex min-h-7 items-center gap-2">
            <div className="min-w-0 flex-1">
              <TicketBadge ticket={t} />
              {t.purpose === "vulnerability" && purpose !== "vulnerability" && <span className="text-soft text-xs"> · about the failing test</span>}
              {t.estimate && (
                <span className="text-soft text-xs">
                  {" "}
                  · estimated at <span className="num">{estimateText(t.estimate)}</span>
                </span>
              )}
              {t.note && <p className="text-soft text-xs">{t.note}</p>}
            </div>
            {t.state === "deleted" && can("tickets.publish") && <Recreate product={product} object={object} purpose={t.purpose} />}
            {t.key && can("tickets.edit") && <LetGo product={product} object={object} ticket={t} />}
          </li>
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        {!own && !instead && can("tickets.publish") && (
          <Button size="sm" icon={<Send aria-hidden size={13} />} busy={publish.isPending} onClick={() => publish.mutate([object])}>
            Create a ticket
          </Button>
        )}
        {can("tickets.edit") && (
          <Button size="sm" look="ghost" icon={<Link2 aria-hidden size={13} />} onClick={() => setLinking(true)}>
            Link an existing one
          </Button>
        )}
      </div>
      {linking && <LinkTicket product={product} object={object} purpose={purpose} onClose={() => setLinking(false)} />}
    </div>
  );
}

function Recreate({ product, object, purpose }: { product: string; object: string; purpose: Purpose }) {
  const again = useChange(
    product,
    () => ok(api.POST("/products/{product}/tickets/recreate", { params: { path: { product } }, body: { object, purpose } })),
    () => ({ text: "A new ticket is on its way" }),
  );
  return (
    <IconButton label="Make it again" size="sm" busy={again.isPending} onClick={() => again.mutate()}>
      <RotateCcw size={13} />
    </IconButton>
  );
}

function LetGo({ product, object, ticket }: { product: string; object: string; ticket: TicketRef }) {
  const all = useQuery({ ...ticketsQuery(product), enabled: false });
  const unlink = useChange(
    product,
    async () => {
      const list = (all.data ?? (await all.refetch()).data ?? []).filter((t) => t.object === object && t.key === ticket.key);
      const found = list.find((t) => t.purpose === ticket.purpose) ?? list[0];
      if (!found) throw new Error(`The ticket ${ticket.key} is not linked any more.`);
      const body = { connection: found.connection, object, purpose: ticket.purpose, ticket: found.id ?? found.key };
      await ok(api.POST("/products/{product}/tickets/unlink", { params: { path: { product } }, body }));
      return body;
    },
    (body) => ({
      text: `${ticket.key} is not linked any more`,
      undo: () => ok(api.POST("/products/{product}/tickets/link", { params: { path: { product } }, body })),
    }),
  );
  return (
    <IconButton label={`Let go of ${ticket.key}`} size="sm" busy={unlink.isPending} onClick={() => unlink.mutate()}>
      <Unlink size={13} />
    </IconButton>
  );
}

function LinkTicket({ product, object, purpose, onClose }: { product: string; object: string; purpose: Purpose; onClose: () => void }) {
  const policy = useQuery(policyQuery(product));
  const connections = useQuery(connectionsQuery);
  const [ticket, setTicket] = useState("");
  const [chosen, setChosen] = useState<string>();
  const named = (connections.data?.items ?? []).map((c) => ({ id: c.id, name: c.name }));
  const routed = [policy.data?.default.connection, ...(policy.data?.routes ?? []).map((r) => r.target.connection)].filter((c): c is string => !!c);
  const options = named.length > 0 ? named : [...new Set(routed)].map((id) => ({ id, name: id }));
  const connection = chosen ?? routed[0] ?? options[0]?.id ?? "";
  const link = useChange(
    product,
    () =>
      ok(
        api.POST("/products/{product}/tickets/link", { params: { path: { product } }, body: { connection, object, purpose, ticket: ticket.trim() } }),
      ),
    () => ({ text: `${ticket.trim()} is linked` }),
  );
  const ready = !policy.isPending && !(connections.isPending && connections.isFetching);
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Link an existing ticket"
      about="Its status is followed from now on. What people wrote in it stays as it is."
      verb="Link"
      submit={() => link.mutateAsync()}
      disabled={!ticket.trim() || !connection}
    >
      {ready && options.length === 0 ? (
        <p className="text-sm">No tracker is connected with this product yet. Connect one under Trackers first, or ask an administrator.</p>
      ) : (
        <>
          <Field label="Tracker">
            <Select value={connection} onChange={(e) => setChosen(e.target.value)} disabled={options.length < 2}>
              {options.map((o) => (
                <option key={o.id} value={o.id}>
                  {o.name}
                </option>
              ))}
            </Select>
          </Field>
          <Field label="Key of the ticket" hint="As the tracker shows it, like SHOP-42.">
            <Input
              value={ticket}
              onChange={(e) => setTicket(e.target.value)}
              maxLength={200}
              autoFocus
              autoComplete="off"
              spellCheck={false}
              required
            />
          </Field>
        </>
      )}
    </FormDialog>
  );
}

/** ticketGroup is what a row's tickets come to, as filters name it. */
export function ticketGroup(tickets: TicketRef[] | null | undefined): string[] {
  if (!tickets?.length) return ["none"];
  const out = new Set<string>();
  for (const t of tickets) {
    if (["open", "pending", "held"].includes(t.state)) out.add("open");
    else if (["failed", "ambiguous", "deleted"].includes(t.state)) out.add("problem");
    else out.add("done");
  }
  return [...out];
}

export const ticketOptions = [
  { value: "none", text: "No ticket" },
  { value: "open", text: "Open", about: "Also those that are being created or wait" },
  { value: "done", text: "Done or closed" },
  { value: "problem", text: "In trouble", about: [word("failed"), "deleted", "being looked for"].join(", ") },
];
