import type { S } from "../../api/client";
import { word } from "../../ui/words";

/** Change is one object that a request changed, with its state before and after. */
export interface Change {
  action: string;
  kind: string;
  id: string;
  name?: string;
  old?: unknown;
  now?: unknown;
}

/** Group is what one request changed. */
export interface Group {
  key: string;
  at: string;
  actor: string;
  actorName: string;
  source: string;
  label?: string;
  changes: Change[];
  /** How many changes were left out. */
  more: number;
}

/** ofHistory makes a group of what the server grouped. */
export function ofHistory(g: S["HistoryGroup"]): Group {
  return {
    key: `${g.at} ${g.request_id ?? g.actor}`,
    at: g.at,
    actor: g.actor,
    actorName: g.actor_name,
    source: g.source,
    label: g.label,
    changes: (g.changes ?? []).map((c) => ({ action: c.action, kind: c.kind, id: c.id, name: c.name, old: c.old, now: c.new })),
    more: g.more ?? 0,
  };
}

/** ofAudit groups neighbouring rows of a trail by their request. */
export function ofAudit(rows: S["AuditView"][]): Group[] {
  const out: Group[] = [];
  let request: string | undefined;
  for (const r of rows) {
    const [kind = "", id = ""] = r.object.split(/\/(.*)/s, 2);
    const change: Change = { action: r.action, kind, id, name: nameOf(r.new) ?? nameOf(r.old), old: r.old, now: r.new };
    const last = out.at(-1);
    if (last && r.request_id && r.request_id === request) {
      last.changes.push(change);
      continue;
    }
    request = r.request_id;
    out.push({ key: String(r.seq), at: r.at, actor: r.actor, actorName: r.actor_name, source: r.source, changes: [change], more: 0 });
  }
  return out;
}

function nameOf(doc: unknown): string | undefined {
  if (typeof doc !== "object" || doc === null) return undefined;
  const d = doc as Record<string, unknown>;
  for (const field of ["title", "name", "summary"]) if (typeof d[field] === "string" && d[field]) return d[field];
  return undefined;
}

const verbs: Record<string, string> = {
  "session.start": "Signed in",
  "session.end": "Signed out",
  "session.refuse": "Was refused a sign-in",
  "user.add": "Made the account",
  "user.change": "Changed the account",
  "user.password": "Set the password of",
  "token.add": "Made the token",
  "token.revoke": "Revoked the token",
  "connection.add": "Connected the tracker",
  "connection.change": "Changed the tracker",
  "connection.retry": "Tried again at the tracker",
  "connection.delete": "Disconnected the tracker",
  "field.set": "Defined the custom field",
  "field.remove": "Removed the custom field",
  "field.order": "Put in order",
  "library.edit": "Edited the entry",
  "library.import": "Imported into",
  "library.publish": "Published the library's",
  "library.restore": "Brought back a version of",
  "library.discard": "Discarded the draft of",
  "backup.take": "Took a backup of",
  "model.add": "Added",
  "model.change": "Changed",
  "model.remove": "Removed",
  "model.move": "Moved",
  "model.import": "Imported a model into",
  "plan.apply": "Applied the plan of",
  "plan.refuse": "Refused steps of the plan of",
  "results.upload": "Uploaded",
  "results.read": "Took in the results of",
  "results.finish": "Declared complete",
  "tickets.publish": "Published tickets of",
  "tickets.unpublish": "Took back tickets of",
  "tickets.policy": "Changed the ticket policy of",
  "product.create": "Created",
  "product.change": "Changed",
  "drawing.change": "Changed the drawing:",
  "product.archive": "Archived or brought back",
  "product.delete": "Deleted",
  "product.clone": "Cloned",
  "role.set": "Set the role of",
  "ticket.move": "Moved",
  "ticket.comment": "Commented on",
  "tickets.link": "Linked a ticket to",
  "tickets.news": "Heard of the ticket of",
  "tickets.unlink": "Unlinked a ticket from",
  "tickets.recreate": "Made a ticket again for",
  "results.reject": "Refused",
  "evidence.pin": "Pinned or refused a match of",
  "evidence.decide": "Decided on",
  "comment.add": "Commented on",
  "comment.change": "Changed a comment on",
  "comment.remove": "Deleted a comment on",
  "comment.restore": "Brought back a comment on",
  "model.edits": "Edited",
};

/** verb says what was done, in words. */
export const verb = (action: string): string => verbs[action] ?? word(action.split(".").reverse().join(" "));

/** headline is what a request did, in a line. */
export function headline(g: Group): string {
  if (g.label) return g.label;
  const plan = g.changes.some((c) => c.action === "plan.apply");
  if (plan && g.changes.length > 1) return "Applied the plan";
  const first = g.changes[0];
  if (!first) return "Changed the model";
  const n = g.changes.length + g.more;
  if (n === 1) return `${verb(first.action)} ${first.name ? `“${first.name}”` : thing(first)}`;
  const kinds = new Set(g.changes.map((c) => c.kind));
  const actions = new Set(g.changes.map((c) => c.action));
  const what = kinds.size === 1 ? many(first.kind, n) : `${n.toLocaleString("en")} things`;
  return `${actions.size === 1 ? verb(first.action) : "Changed"} ${what}`;
}

const thing = (c: Change) =>
  c.kind === "product" ? "the product" : /^[aeiou]/.test(c.kind) ? `an ${word(c.kind).toLowerCase()}` : `a ${word(c.kind).toLowerCase()}`;

function many(kind: string, n: number): string {
  const one = word(kind).toLowerCase();
  return `${n.toLocaleString("en")} ${one.endsWith("s") ? `${one}es` : one.endsWith("y") ? `${one.slice(0, -1)}ies` : `${one}s`}`;
}

/** Sieve is what a person looks for; empty fields take everything. */
export interface Sieve {
  q?: string;
  who?: string;
  kind?: string;
  from?: string;
  to?: string;
}

/** sift keeps the groups, and in them the changes, that are looked for. Days are the person's own. */
export function sift(groups: Group[], s: Sieve): Group[] {
  const who = s.who ? new Set(s.who.split(",")) : undefined;
  const kinds = s.kind ? new Set(s.kind.split(",")) : undefined;
  const words = (s.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const from = s.from ? new Date(`${s.from}T00:00:00`).getTime() : Number.NEGATIVE_INFINITY;
  const to = s.to ? new Date(`${s.to}T23:59:59.999`).getTime() : Number.POSITIVE_INFINITY;
  const out: Group[] = [];
  for (const g of groups) {
    const at = Date.parse(g.at);
    if (at < from || at > to || (who && !who.has(g.actor))) continue;
    const changes = g.changes.filter((c) => {
      if (kinds && !kinds.has(c.kind)) return false;
      const text = `${g.label ?? ""} ${c.name ?? ""} ${c.id} ${c.kind}`.toLowerCase();
      return words.every((w) => text.includes(w));
    });
    if (changes.length > 0) out.push(changes.length === g.changes.length ? g : { ...g, changes, more: 0, label: g.label });
  }
  return out;
}
