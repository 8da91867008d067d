// The REST interface as this page uses it. Field names are the server's own.

export interface Figures {
  inherent: number;
  verified: number;
  current: number;
  projected: number;
}

export interface Tally {
  threats: number;
  highest: Figures;
  sum: Figures;
  bands: Record<string, number>;
}

export interface Product {
  id: string;
  name: string;
  description?: string;
  updated: string;
  risk: { open: Tally; assurance_gap: number; band: string; over_tolerance: number; contradicted: number };
  vulnerabilities: number;
}

export interface Why {
  rule: string;
  pattern?: string;
  library: string;
  text: string;
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
  categories?: string[];
  status: string;
  origin: string;
  why?: Why[];
  rating: Figures & { band: string; unrated?: boolean };
  tickets?: Ticket[];
}

export interface Countermeasure {
  id: string;
  title: string;
  description?: string;
  where_name: string;
  state: string;
  takes: number;
  evidence: { verdict: string; text?: string; stale?: boolean };
  why?: Why[];
  tickets?: Ticket[];
}

export interface PlanItem {
  id: string;
  op: string;
  kind: string;
  text: string;
}

export interface Run {
  id: string;
  at: string;
  source: string;
  format: string;
  state: string;
  error?: string;
  complete: boolean;
  counts: { fail: number; pass: number; error: number; not_run: number };
}

export interface TicketRow extends Ticket {
  object: string;
  summary: string;
}

export interface AuditRow {
  seq: number;
  at: string;
  actor_name: string;
  source: string;
  action: string;
  object: string;
}

export interface Explanation {
  lines: string[];
}

export interface Page<T> {
  items: T[];
  next?: string;
}

export interface Me {
  email: string;
  name: string;
  admin: boolean;
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

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  let payload: BodyInit | undefined;
  if (body instanceof Blob) {
    payload = body;
  } else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    payload = JSON.stringify(body);
  }
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID();
  let res: Response;
  try {
    res = await fetch("/api/v1" + path, { method, headers, body: payload, credentials: "same-origin" });
  } catch {
    throw new Problem(0, "offline", "The server does not answer. What you see is the last known state; it will go on by itself.");
  }
  if (res.status === 204) return undefined as T;
  const data = await res.json().catch(() => undefined);
  if (!res.ok) {
    const fields = (data?.errors ?? []).map((e: { where: string; text: string }) => `${e.where}: ${e.text}`);
    throw new Problem(res.status, data?.code ?? "", [data?.detail ?? res.statusText, ...fields].join(" - "));
  }
  return data as T;
}

/** all reads every page of a list. */
export async function all<T>(path: string): Promise<T[]> {
  const out: T[] = [];
  let cursor = "";
  do {
    const sep = path.includes("?") ? "&" : "?";
    const page: Page<T> = await call("GET", path + sep + "limit=500" + (cursor ? "&cursor=" + encodeURIComponent(cursor) : ""));
    out.push(...page.items);
    cursor = page.next ?? "";
  } while (cursor);
  return out;
}
