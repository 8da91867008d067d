import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";

export type Search = Record<string, string | undefined>;

/** readSearch and writeSearch keep an address readable: plain text, sorted, nothing that is empty. */
export function readSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

export function writeSearch(search: Record<string, unknown>): string {
  const p = new URLSearchParams();
  for (const key of Object.keys(search).sort()) {
    const v = search[key];
    if (v !== undefined && v !== null && v !== "") p.set(key, String(v));
  }
  const s = p.toString();
  return s ? `?${s}` : "";
}

/**
 * useAddress is state that lives in the address, so that a link shows the same.
 * set changes some of it and leaves the rest; "" and undefined take a key away.
 * What is set with push makes a step that Back undoes.
 */
export function useAddress(): [Search, (patch: Search, push?: boolean) => void] {
  const search = useRouterState({ select: (s) => s.location.search }) as Search;
  const navigate = useNavigate();
  const set = useCallback(
    (patch: Search, push = false) => {
      void navigate({ to: ".", search: ((old: Search) => ({ ...old, ...patch })) as never, replace: !push, resetScroll: false });
    },
    [navigate],
  );
  return [search, set];
}

/** useList reads one key of the address as a list (values joined by commas). */
export function useList(key: string): [string[], (values: string[]) => void] {
  const [search, set] = useAddress();
  const raw = search[key] ?? "";
  const list = useMemo(() => (raw ? raw.split(",") : []), [raw]);
  return [list, (values) => set({ [key]: values.join(",") })];
}
