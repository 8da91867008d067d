// The REST interface as this page uses it. Field names are the server's own; a
// list that is empty may be null.

export interface Figures {
  inherent: number;
  verified: number;
  current: number;
  projected: number;
}

export interface Product {
  id: string;
  name: string;
  description?: string;
  version: number;
  updated: string;
  risk: {
    open: { threats: number; highest: Figures; sum: Figures; bands: Record<string, number> };
    assurance_gap: number;
    band: string;
    highest: number;
    over_tolerance: number;
    contradicted: number;
    unrated: number;
    closed: number;
  };
  vulnerabilities: number;
}

export interface Why {
  rule: string;
  pattern?: string;
  library: string;
  text: string;
  facts?: { name: string; value: string }[] | null;
}

export interface Ticket {
  key: string;
  url?: string;
  status: string;
  state: string;
  purpose: string;
  note?: string;
}

export interface Threat {
  id: string;
  title: string;
  description?: string;
  where_name: string;
  categories?: string[] | null;
  capec?: number[] | null;
  status: string;
  status_reason?: string;
  origin: string;
  why?: Why[] | null;
  rating: Figures & { band: string; unrated?: boolean; standing: string };
  tickets?: Ticket[] | null;
}

export interface Countermeasure {
  id: string;
  title: string;
  description?: string;
  where_name: string;
  state: string;
  state_reason?: string;
  cost?: { amount: number; unit: string };
  test?: string;
  standards?: { standard: string; clause: string }[] | null;
  takes: number;
  version: number;
  origin: string;
  evidence: { verdict: string; text?: string; stale?: boolean; at?: string };
  why?: Why[] | null;
  tickets?: Ticket[] | null;
}

export interface Weakness {
  id: string;
  title: string;
  where_name: string;
}

export interface Explanation {
  lines?: string[] | null;
  links?:
    | {
        weakness_title?: string;
        countermeasure?: string;
        countermeasure_title?: string;
        state?: string;
        share: number;
        verdict?: string;
        why: string;
      }[]
    | null;
}

export interface RatingChange {
  at: string;
  threat?: string;
  title?: string;
  before: Figures;
  after: Figures;
  cause: { kind: string; text: string; ref?: string };
}

export interface PlanItem {
  key: string;
  action: string;
  kind: string;
  where: string;
  title: string;
  text: string;
  reason?: string;
  why?: Why[] | null;
  fields?: { field: string; old: unknown; new: unknown; by?: string }[] | null;
}

export interface Plan {
  version: number;
  from?: string;
  to: string;
  items?: PlanItem[] | null;
  tickets?: { object: string; purpose: string; summary: string; project?: string }[] | null;
}

export interface EvidenceItem {
  id: string;
  key: string;
  name?: string;
  standing: string;
  reason: string;
}

export type Difference = { repeat: boolean; asks?: string[] | null } & Record<
  "new" | "reopened" | "still_failing" | "passed_now" | "not_tested_now" | "unmatched" | "ambiguous",
  EvidenceItem[] | null
>;

export interface Run {
  id: string;
  at: string;
  name?: string;
  source: string;
  format: string;
  tool: string;
  state: string;
  error?: string;
  repeat?: boolean;
  complete: boolean;
  reasons?: string[] | null;
  notes?: string[] | null;
  counts: { fail: number; pass: number; error: number; not_run: number };
  diff?: Difference;
  by: string;
}

export interface Match {
  weakness?: string;
  countermeasure?: string;
  reason: string;
}

export interface Evidence {
  id: string;
  source: string;
  tool: string;
  attempt_at: string;
  state: string;
  state_reason?: string;
  proposed?: Match[] | null;
  result: { id: string; name?: string; severity?: string; detail?: string; cwes?: number[] | null; locations?: { uri?: string; line?: number; method?: string }[] | null };
}

export interface TicketRow extends Ticket {
  connection: string;
  object: string;
  summary: string;
}

export interface Policy {
  version: number;
  auto?: boolean;
  default: { connection?: string; project?: string };
  [other: string]: unknown;
}

export interface AuditRow {
  seq: number;
  at: string;
  actor_name: string;
  source: string;
  action: string;
  object: string;
  old?: unknown;
  new?: unknown;
}

export interface Connection {
  id: string;
  name: string;
  kind: string;
  state: string;
  reason?: string;
  paused_until?: string;
  last_poll?: string;
  last_success?: string;
  oldest?: string;
  queue: Record<string, number>;
  links: Record<string, number>;
  settings: { base_url?: string };
}

export interface Card {
  id: string;
  key: string;
  summary: string;
  body?: string;
  status: string;
  category: string;
  resolution?: string;
  labels?: string[] | null;
  links?: string[] | null;
  markers?: string[] | null;
  comments?: { id: string; author: string; created: string; text: string }[] | null;
}

export interface Page<T> {
  items: T[] | null;
  next?: string;
}

export interface Me {
  email: string;
  name: string;
  admin?: boolean;
}

/** Problem is an RFC 9457 answer turned into an error that a person can read. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

const offline = "The server does not answer. What you see is the last known state; nothing you typed is lost. Try again in a moment.";

function problem(status: number, text: string, data: unknown): Problem {
  const p = (data ?? {}) as { code?: string; detail?: string; title?: string; errors?: { where: string; text: string }[] };
  const fields = (p.errors ?? []).map((e) => `${e.where.replace(/^(body|query|header)\./, "")}: ${e.text}`);
  return new Problem(status, p.code ?? "", [p.detail ?? p.title ?? (text || `The server answered ${status}.`), ...fields].join("\n"));
}

/** once is a key that makes a repeated POST harmless. (randomUUID is absent on plain http.) */
function once(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

export async function call<T = unknown>(method: string, path: string, body?: unknown, version?: number): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  let payload: BodyInit | undefined;
  if (body instanceof Blob) {
    headers["Content-Type"] = "application/octet-stream";
    payload = body;
  } else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    payload = JSON.stringify(body);
  }
  if (method === "POST" && path !== "/session" && path !== "/setup") headers["Idempotency-Key"] = once();
  if (version) headers["If-Match"] = `"${version}"`;
  let res: Response;
  try {
    res = await fetch("/api/v1" + path, { method, headers, body: payload, credentials: "same-origin" });
  } catch {
    throw new Problem(0, "offline", offline);
  }
  if (res.status === 204) return undefined as T;
  const data: unknown = await res.json().catch(() => undefined);
  if (!res.ok) throw problem(res.status, res.statusText, data);
  return data as T;
}

/** upload sends a file and reports the part that is sent, from 0 to 1. */
export function upload<T>(path: string, file: File, progress: (part: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    x.open("POST", "/api/v1" + path);
    x.setRequestHeader("Content-Type", "application/octet-stream");
    x.setRequestHeader("Idempotency-Key", once());
    x.responseType = "json";
    x.upload.onprogress = (e) => progress(e.lengthComputable && e.total > 0 ? e.loaded / e.total : 1);
    x.onerror = () => reject(new Problem(0, "offline", offline));
    x.onload = () => (x.status < 300 ? resolve(x.response as T) : reject(problem(x.status, x.statusText, x.response)));
    x.send(file);
  });
}

/** all reads every page of a list. */
export async function all<T>(path: string): Promise<T[]> {
  const out: T[] = [];
  let cursor = "";
  do {
    const sep = path.includes("?") ? "&" : "?";
    const page: Page<T> = await call("GET", path + sep + "limit=500" + (cursor ? "&cursor=" + encodeURIComponent(cursor) : ""));
    out.push(...(page.items ?? []));
    cursor = page.next ?? "";
  } while (cursor);
  return out;
}

/** few reads a list that is not paged. */
export async function few<T>(path: string): Promise<T[]> {
  return (await call<Page<T>>("GET", path)).items ?? [];
}
