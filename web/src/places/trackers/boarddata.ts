import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { toast, toastError } from "../../ui/toast";

export type Card = S["TrackerTicket"];
export type Move = S["MoveInput"];

export const statuses = ["To do", "In progress", "Done"];
export const resolutions = ["Done", "Won't do", "Duplicate"];

export const boardQuery = (id: string) =>
  queryOptions({
    queryKey: keys.instance("board", id),
    queryFn: async ({ signal }) =>
      (await ok(api.GET("/connections/{connection}/tickets", { params: { path: { connection: id } }, signal }))).items ?? [],
    refetchInterval: 10_000,
  });

export const cardQuery = (id: string, ticket: string) =>
  queryOptions({
    queryKey: keys.instance("board", id, "card", ticket),
    queryFn: ({ signal }) => ok(api.GET("/connections/{connection}/tickets/{ticket}", { params: { path: { connection: id, ticket } }, signal })),
  });

/** productOf is the product that a ticket is for, as the link in its text says. */
export const productOf = (t: Card): string => t.body?.match(/\/products?\/(prd_[a-z0-9]+)/)?.[1] ?? "";

/** useMove moves a ticket at once on the page, and back where the server refuses. */
export function useMove(connection: string) {
  const cache = useQueryClient();
  const at = boardQuery(connection).queryKey;
  const send = (key: string, move: Move) =>
    ok(api.POST("/connections/{connection}/tickets/{ticket}/move", { params: { path: { connection, ticket: key } }, body: move }));
  const refresh = () => cache.invalidateQueries({ queryKey: keys.instance("board", connection) });
  return useMutation({
    mutationFn: ({ card, move }: { card: Card; move: Move }) => send(card.key, move),
    onMutate: async ({ card, move }) => {
      await cache.cancelQueries({ queryKey: at });
      const before = cache.getQueryData(at);
      cache.setQueryData(at, (old) =>
        old?.map((t) =>
          t.key === card.key ? { ...t, status: move.status, resolution: move.status === "Done" ? (move.resolution ?? "Done") : undefined } : t,
        ),
      );
      return before;
    },
    onError: (err, _, before) => {
      cache.setQueryData(at, before);
      toastError(err);
    },
    onSuccess: (_, { card, move }) => {
      toast(
        `${card.key} is ${move.status === "Done" ? `done${move.resolution && move.resolution !== "Done" ? `: ${move.resolution}` : ""}` : `in “${move.status}”`}`,
        async () => {
          await send(card.key, { status: card.status, resolution: card.status === "Done" ? card.resolution : undefined });
          await refresh();
        },
      );
    },
    onSettled: () => void refresh(),
  });
}
