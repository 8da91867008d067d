import { lostSession, Problem, problemOf } from "../api/client";
import { useExpired } from "../app/session";
import type { Change, Diagram, Drawing, Facts, Reply } from "./types";

/** Transport is how a drawing reaches the server; tests put their own in its place. */
export interface Transport {
  read: () => Promise<Drawing>;
  facts: () => Promise<Record<string, Facts>>;
  /** Sends a batch; the same key again is the same batch again. Answers with the name by which the server's events call this request. */
  send: (label: string | undefined, changes: readonly Change[], key: string) => Promise<{ reply: Reply; request: string }>;
}

async function call<T>(path: string, init?: RequestInit): Promise<{ data: T; response: Response }> {
  let response: Response;
  // Until its person is back, the session may be another's.
  if (useExpired.getState().expired) throw new Problem(401, "signed_out", "Your session ended.");
  try {
    response = await fetch(`/api/v1${path}`, { credentials: "same-origin", ...init, headers: { Accept: "application/json", ...init?.headers } });
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Problem(0, "offline", "The server does not answer.");
  }
  const data: unknown = await response.json().catch(() => undefined);
  if (!response.ok) {
    if (response.status === 401) lostSession();
    throw problemOf(response.status, data, response.statusText);
  }
  return { data: data as T, response };
}

/** plain is a change as the server knows it: where a diagram stands is said beside it. */
function plain(c: Change): Change {
  if (c.kind !== "diagrams" || !c.element) return c;
  const { place: _, ...element } = c.element as Diagram;
  return { ...c, element };
}

/** server is the drawing of one product and diagram on the server. */
export function server(product: string, diagram: string | null): Transport {
  const path = `/products/${encodeURIComponent(product)}/drawing`;
  const query = diagram ? `?diagram=${encodeURIComponent(diagram)}` : "";
  return {
    read: async () => (await call<Drawing>(path + query)).data,
    facts: async () => (await call<{ facts: Record<string, Facts> }>(`${path}/facts${query}`)).data.facts,
    send: async (label, changes, key) => {
      const { data, response } = await call<Reply>(`${path}/changes`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": key },
        body: JSON.stringify({ label: label?.slice(0, 200), changes: changes.map(plain) }),
      });
      return { reply: data, request: response.headers.get("X-Request-Id") ?? "" };
    },
  };
}
