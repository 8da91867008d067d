import { queryOptions } from "@tanstack/react-query";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import type { Pages } from "../../api/whole";

export type Ticket = S["TicketView"];
export type Policy = S["TicketPolicyView"];

export const ticketsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.product(id, "tickets"),
    queryFn: ({ signal }) =>
      everything<Ticket>((cursor) =>
        ok(api.GET("/products/{product}/tickets", { params: { path: { product: id }, query: { cursor, limit: 1000 } }, signal })),
      ),
    refetchInterval: (q) => unsettled(q.state.data ?? []),
  });

/** unsettled is how often to look: what is being created or looked for comes to its end in the tracker, not by a person. */
const unsettled = (rows: Ticket[]): number | false => (rows.some((t) => t.state === "pending" || t.state === "ambiguous") ? 5000 : false);

/** ticketRows are the tickets of a product for a list of them: what needs a person first. */
export const ticketRows = (id: string): Pages<Ticket> => ({
  queryKey: keys.product(id, "tickets", "rows"),
  page: (cursor, limit, signal) =>
    ok(api.GET("/products/{product}/tickets", { params: { path: { product: id }, query: { cursor, limit } }, signal })),
  rowKey: ticketKey,
  every: unsettled,
});

export const policyQuery = (id: string) =>
  queryOptions({
    queryKey: keys.product(id, "ticket-policy"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/tickets/policy", { params: { path: { product: id } }, signal })),
  });

export const ticketKey = (t: Ticket): string => `${t.object}/${t.purpose}/${t.connection}/${t.id ?? ""}`;

/** Standing is what a ticket's state means to a person. */
interface Standing {
  text: string;
  tone: "neutral" | "accent" | "good" | "warn" | "bad";
  /** What it is, and what a person can do. */
  about: string;
  needs: boolean;
}

const standings: Record<string, Standing> = {
  open: { text: "Open", tone: "accent", about: "The ticket is open in the tracker.", needs: false },
  implemented: {
    text: "Implemented",
    tone: "good",
    about: "The ticket was closed as done, so the countermeasure counts as implemented.",
    needs: false,
  },
  closed: { text: "Closed", tone: "good", about: "The vulnerability's ticket is closed.", needs: false },
  rejected: {
    text: "Rejected",
    tone: "neutral",
    about: "The ticket was closed without doing it, so the countermeasure counts as rejected.",
    needs: false,
  },
  pending: { text: "Being created", tone: "accent", about: "It is on its way to the tracker.", needs: false },
  held: { text: "Waits for you", tone: "warn", about: "It goes out when a person releases it.", needs: true },
  ambiguous: {
    text: "Being looked for",
    tone: "warn",
    about:
      "The tracker did not answer when it was sent. Threatloop looks whether it is there before it sends it again, so that there is never a second one. You need not do anything.",
    needs: false,
  },
  failed: { text: "Failed", tone: "bad", about: "The tracker refused it.", needs: true },
  deleted: {
    text: "Deleted",
    tone: "bad",
    about: "The ticket is gone from the tracker, or hidden from our account. Make it again, or let go of it.",
    needs: true,
  },
  hidden: {
    text: "Hidden",
    tone: "bad",
    about: "The tracker does not show the ticket to our account. Give the account the right to see it, or let go of it.",
    needs: true,
  },
  undone: { text: "Taken back", tone: "neutral", about: "Its publication was taken back.", needs: false },
  followed: {
    text: "Duplicate",
    tone: "neutral",
    about: "It was closed as a duplicate; the ticket that it names is followed instead.",
    needs: false,
  },
};

export const standing = (t: Pick<Ticket, "state">): Standing => standings[t.state] ?? { text: t.state, tone: "neutral", about: "", needs: false };

const order = ["failed", "deleted", "hidden", "held", "ambiguous", "pending", "open", "implemented", "closed", "rejected", "undone", "followed"];

/** rank is where a ticket stands in a list by what it needs, as the server orders them. */
export const rank = (t: Pick<Ticket, "state">): number => order.indexOf(t.state);

/** needs tells whether a ticket does not get on without a person. */
export const needs = (t: Ticket): boolean => standing(t).needs || !!t.note?.includes("needs a hand");

export const purposes: Record<string, string> = { countermeasure: "Countermeasure", threat: "Threat", vulnerability: "Vulnerability" };

const pushes: Record<string, string> = {
  required: "Required countermeasures",
  threats: "Open threats without a countermeasure",
  both: "Required countermeasures, and open threats without one,",
  manual: "Only what a person publishes",
};

/** policyText says in a sentence what goes out by itself, and where to. */
export function policyText(p: Policy, connection: (id: string) => string): string {
  const routes = p.routes ?? [];
  if (!p.default.connection && routes.length === 0) return "No tracker is set for this product, so nothing goes out.";
  const to = [p.default.project, p.default.connection && connection(p.default.connection)].filter(Boolean).join(" in ");
  const push = pushes[p.push || "required"] ?? p.push;
  const ask = p.ask_above ?? 0;
  const how =
    p.push === "manual"
      ? "."
      : p.auto
        ? ` by themselves${ask < 0 ? "" : `; more than ${ask || 20} at once wait for a person`}.`
        : " once a person releases them.";
  return `${push} become${p.push === "manual" ? "s a ticket" : " tickets"}${to ? ` in ${to}` : ""}${how}${routes.length ? ` ${routes.length === 1 ? "One rule sends" : `${routes.length} rules send`} some elsewhere.` : ""}`;
}
