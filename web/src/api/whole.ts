import { type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";

/** A page of a list; the first says how many rows there are in all. */
export interface Page<T> {
  items: T[] | null;
  next?: string;
  total?: number;
}

/** Pages is how a list is read: under which key it is kept, and its page at a cursor. */
export interface Pages<T> {
  queryKey: QueryKey;
  page: (cursor: string | undefined, limit: number, signal: AbortSignal) => Promise<Page<T>>;
  /** What tells rows apart; without it, their id. */
  rowKey?: (row: T) => string;
  /** After how many milliseconds it is read again, by what was read; false is never. */
  every?: (rows: T[]) => number | false;
}

/** Reading is how far a list is that is not all there yet. */
export interface Reading {
  read: number;
  total?: number;
  /** It does not go on by itself: try again. */
  failed: boolean;
  again: () => void;
}

/** The first page is what fits on a screen or two, so that it is there at once. */
const firstly = 100;
const then = 1000;

/**
 * useWhole reads a list to its end and gives what it has so far, in the order of the
 * server: the first rows are there to look at while the rest comes. Where rows are
 * read again, what was read stays until all of it is there.
 */
export function useWhole<T extends { id?: string }>({ queryKey, page, rowKey, every }: Pages<T>, enabled = true) {
  const q = useInfiniteQuery({
    queryKey,
    enabled,
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => page(pageParam || undefined, pageParam ? then : firstly, signal),
    getNextPageParam: (last) => last.next || undefined,
    refetchInterval: (q) => every?.((q.state.data?.pages ?? []).flatMap((p: Page<T>) => p.items ?? [])) ?? false,
  });
  const { hasNextPage, isFetching, isError, fetchNextPage } = q;
  useEffect(() => {
    // Where several places read the same list, one of them asks for the next page.
    if (enabled && hasNextPage && !isFetching && !isError) void fetchNextPage({ cancelRefetch: false });
  }, [enabled, hasNextPage, isFetching, isError, fetchNextPage]);
  const key = useRef(rowKey);
  key.current = rowKey;
  const rows = useMemo(() => q.data && once(q.data.pages.flatMap((p) => p.items ?? []) as T[], key.current), [q.data]);
  const reading: Reading | undefined =
    rows && hasNextPage ? { read: rows.length, total: q.data?.pages[0]?.total, failed: isError, again: () => void fetchNextPage() } : undefined;
  return { rows, reading, error: q.error, retry: () => void q.refetch() };
}

/** once drops rows that came twice: somebody changed what the list is ordered by between two pages. */
function once<T extends { id?: string }>(rows: T[], key: (row: T) => string = (r) => r.id ?? ""): T[] {
  const seen = new Set<string>();
  for (const r of rows) seen.add(key(r));
  if (seen.size === rows.length) return rows;
  return rows.filter((r) => seen.delete(key(r)));
}

/** Kept is a list as the cache holds it: read as a whole, or page by page. */
export type Kept<T> = T[] | { pages: Page<T>[] };

/** amended is a kept list with other rows in the places of its rows. */
export function amended<T>(list: Kept<T> | undefined, row: (old: T) => T): Kept<T> | undefined {
  if (!list || Array.isArray(list)) return list?.map(row);
  return { ...list, pages: list.pages.map((p) => ({ ...p, items: p.items?.map(row) ?? null })) };
}
