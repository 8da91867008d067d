import type { QueryClient } from "@tanstack/react-query";
import { create } from "zustand";
import { keys } from "../api/query";

/** Change is one piece of news of the server: a product (none: the installation) changed. */
export interface Change {
  product?: string;
  seq: number;
  actor?: string;
  actor_name?: string;
  /** Of the request that changed it; the X-Request-Id of its answer. */
  request_id?: string;
  objects?: string[];
}

/** Whether the server is in reach, as far as is known. */
export const useLine = create<{ lost: boolean }>(() => ({ lost: false }));

const listeners = new Set<(c: Change) => void>();

/** onChange is told of every piece of news, for places that do more than read again. */
export function onChange(fn: (c: Change) => void): () => void {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

/**
 * follow listens to what others, trackers and pipelines change, and makes what was
 * read of it old, so that it is read again where it is shown. It returns its end.
 */
export function follow(cache: QueryClient): () => void {
  const due = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let grace: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    for (const id of due) {
      if (id) void cache.invalidateQueries({ queryKey: keys.product(id) });
      else void cache.invalidateQueries({ queryKey: keys.instance() });
    }
    if ([...due].some(Boolean)) void cache.invalidateQueries({ queryKey: keys.products() });
    due.clear();
  };
  const again = () => void cache.invalidateQueries({ predicate: (q) => q.queryKey[0] !== "session" });
  let source: EventSource;
  const connect = () => {
    source = new EventSource("/api/v1/events");
    source.addEventListener("change", (e) => {
      const c = JSON.parse((e as MessageEvent<string>).data) as Change;
      due.add(c.product ?? "");
      timer ??= setTimeout(flush, 150);
      for (const fn of listeners) fn(c);
    });
    source.addEventListener("resync", again);
    source.onopen = () => {
      clearTimeout(grace);
      if (useLine.getState().lost) {
        useLine.setState({ lost: false });
        again();
      }
    };
    source.onerror = () => {
      clearTimeout(grace);
      // A moment without a line is nothing to speak of.
      grace = setTimeout(() => {
        useLine.setState({ lost: true });
        // Whether it is the server or the session: asking tells.
        void cache.invalidateQueries({ queryKey: keys.instance("reach") });
      }, 1500);
    };
  };
  connect();
  // Without a network a line hangs for long before it breaks; a server on this machine is in reach all the same, so it is asked.
  const offline = () => {
    fetch("/api/v1/setup").catch(() => useLine.setState({ lost: true }));
  };
  const online = () => {
    if (!useLine.getState().lost) return;
    source.close();
    connect();
  };
  window.addEventListener("offline", offline);
  window.addEventListener("online", online);
  return () => {
    clearTimeout(timer);
    clearTimeout(grace);
    window.removeEventListener("offline", offline);
    window.removeEventListener("online", online);
    source.close();
  };
}
