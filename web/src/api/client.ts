import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

/** S names the shapes of the REST interface: S["ThreatView"]. */
export type S = components["schemas"];

/** FieldError says what is wrong with one field of a request. */
export interface FieldError {
  where: string;
  text: string;
}

/** Problem is an RFC 9457 answer as an error that a person can read. Status 0: the server does not answer. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: FieldError[] = [],
    /** The whole answer, for what a place knows about it. */
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }

  /** What is wrong with one field, by its name in the body. */
  field(name: string): string | undefined {
    return this.fields.find((f) => f.where === name)?.text;
  }
}

const offline = "The server does not answer. What you see is the last known state and nothing you entered is lost; try again in a moment.";

/** problemOf reads a failed answer. */
export function problemOf(status: number, data: unknown, statusText = ""): Problem {
  const p = (data ?? {}) as { code?: string; detail?: string; title?: string; errors?: { where?: string; text?: string }[] | null };
  const fields = (p.errors ?? []).map((e) => ({ where: (e.where ?? "").replace(/^(body|query|path)\./, ""), text: e.text ?? "" }));
  return new Problem(
    status,
    p.code ?? "",
    p.detail ?? p.title ?? (statusText || `The server answered ${status}.`),
    fields,
    p as Record<string, unknown>,
  );
}

/** once is a key that makes a repeated POST harmless. (crypto.randomUUID is absent on plain http.) */
export function once(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

type Listener = () => void;
const signedOut = new Set<Listener>();

/** onSignedOut is told when the server no longer knows who asks. */
export function onSignedOut(fn: Listener): () => void {
  signedOut.add(fn);
  return () => signedOut.delete(fn);
}

/** lostSession tells everybody that the session is over. */
export function lostSession(): void {
  for (const fn of signedOut) fn();
}

const base = "/api/v1";

const keys: Middleware = {
  onRequest({ request }) {
    const path = new URL(request.url).pathname.slice(base.length);
    if (request.method === "POST" && path !== "/session" && path !== "/setup" && !request.headers.has("Idempotency-Key")) {
      request.headers.set("Idempotency-Key", once());
    }
    return request;
  },
};

/** api calls the REST interface, typed from the served OpenAPI document. */
export const api = createClient<paths>({ baseUrl: base, credentials: "same-origin", headers: { Accept: "application/json" } });
api.use(keys);

/** ok waits for a call and returns its data, or throws a Problem. */
export async function ok<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  let r: { data?: T; error?: unknown; response: Response };
  try {
    r = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Problem(0, "offline", offline);
  }
  if (!r.response.ok) {
    const p = problemOf(r.response.status, r.error, r.response.statusText);
    if (p.status === 401 && !r.response.url.endsWith("/session")) lostSession();
    throw p;
  }
  return r.data as T;
}

/** match is the If-Match header of a change that is based on a version. */
export function match(version: number | undefined): { "If-Match"?: string } {
  return version ? { "If-Match": `"${version}"` } : {};
}

/** everything reads all pages of a list, 1,000 rows a time. */
export async function everything<T>(page: (cursor: string | undefined) => Promise<{ items: T[] | null; next?: string }>): Promise<T[]> {
  const out: T[] = [];
  let cursor: string | undefined;
  do {
    const p = await page(cursor);
    out.push(...(p.items ?? []));
    cursor = p.next;
  } while (cursor);
  return out;
}

/** Upload is a file on its way; cancel ends it. */
export interface Upload<T> {
  done: Promise<T>;
  cancel: () => void;
}

/** upload sends a file and reports the part that is sent, from 0 to 1. */
export function upload<T>(path: string, file: Blob | FormData, progress: (part: number) => void): Upload<T> {
  const x = new XMLHttpRequest();
  const done = new Promise<T>((resolve, reject) => {
    x.open("POST", base + path);
    if (file instanceof Blob) x.setRequestHeader("Content-Type", "application/octet-stream"); // a form says its own
    x.setRequestHeader("Accept", "application/json");
    x.setRequestHeader("Idempotency-Key", once());
    x.responseType = "json";
    x.upload.onprogress = (e) => progress(e.lengthComputable && e.total > 0 ? e.loaded / e.total : 0);
    x.onerror = () => reject(new Problem(0, "offline", "The connection broke before the file was sent. Nothing was stored; send it again."));
    x.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    x.onload = () => {
      if (x.status < 300) return resolve(x.response as T);
      if (x.status === 401) lostSession();
      reject(problemOf(x.status, x.response, x.statusText));
    };
    x.send(file);
  });
  return { done, cancel: () => x.abort() };
}
