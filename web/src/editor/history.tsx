import { useInfiniteQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { api, ok, type S } from "../api/client";
import { keys } from "../api/query";
import { Button, IconButton } from "../ui/button";
import { Avatar } from "../ui/parts";
import { ErrorText, Skeleton } from "../ui/state";
import { Ago } from "../ui/time";
import { toast } from "../ui/toast";
import { plural, word } from "../ui/words";
import type { Put } from "./document";
import { behind } from "./order";
import { useDrawing, useEditor } from "./store";
import { type Item, type Kind, keyOf, type Value } from "./types";

const kindOf: Record<string, Kind> = {
  component: "components",
  flow: "flows",
  zone: "zones",
  curve: "curves",
  text: "texts",
  diagram: "diagrams",
  asset: "assets",
};
const verbs: Record<string, string> = {
  "model.add": "Added",
  "model.change": "Changed",
  "model.remove": "Removed",
  "model.move": "Moved",
  "plan.apply": "Applied",
  "model.import": "Imported",
};

type Group = S["HistoryGroup"];

/** backTo is the edit that takes a group's elements back to what they were before it; versions are those of now. */
function backTo(g: Group, now: ReadonlyMap<string, Item>): Put[] {
  return (g.changes ?? []).flatMap((c) => {
    const kind = kindOf[c.kind];
    if (c.action === "model.move") {
      const is = now.get(keyOf("diagrams", c.id))?.value;
      const after = (c.old as { after?: string } | undefined)?.after ?? "";
      return is ? [{ kind: "diagrams" as const, id: c.id, value: { ...is, place: behind(now, after, c.id) } as Value }] : [];
    }
    return kind ? [{ kind, id: c.id, value: c.old as Value | undefined }] : [];
  });
}

/** HistoryPanel tells who changed what in this diagram, and puts back what was. */
export function HistoryPanel({ onClose }: { onClose: () => void }) {
  const editor = useEditor();
  const product = useDrawing((s) => s.product);
  const diagram = useDrawing((s) => s.diagram);
  const readOnly = useDrawing((s) => s.readOnly);
  const now = useDrawing((s) => s.doc.now);
  const q = useInfiniteQuery({
    queryKey: keys.product(product, "history", "diagram", diagram),
    queryFn: ({ pageParam, signal }) =>
      ok(
        api.GET("/products/{product}/history", {
          params: { path: { product }, query: { diagram: diagram ?? undefined, cursor: pageParam || undefined, limit: 30 } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (p) => p.next || undefined,
  });
  const groups = q.data?.pages.flatMap((p) => p.items ?? []) ?? [];
  const restore = (g: Group) => {
    const here = editor.store.getState().doc.now;
    const puts = backTo(g, here);
    editor.edit(`Take back: ${g.label || "a change"}`, puts);
    if (editor.store.getState().doc.now === here) toast("It is already as it was before that change");
    else toast(`${plural(puts.length, "element")} put back as before`, async () => editor.undo());
    editor.select(
      puts.filter((p) => editor.store.getState().doc.now.has(keyOf(p.kind, p.id)) && p.kind !== "diagrams" && p.kind !== "assets").map((p) => p.id),
    );
  };
  return (
    <aside data-panel aria-label="History" className="flex h-full w-80 shrink-0 flex-col border-line border-s bg-surface">
      <header className="flex items-center justify-between border-line border-b py-1.5 ps-4 pe-2">
        <h2 className="font-semibold text-sm">History of this diagram</h2>
        <IconButton size="sm" label="Close the history" onClick={onClose}>
          <X size={14} />
        </IconButton>
      </header>
      <ol className="min-h-0 flex-1 overflow-y-auto">
        {q.error && <ErrorText error={q.error} className="m-3" />}
        {q.isPending && <Skeleton className="m-3 h-10" />}
        {groups.map((g, n) => {
          const changes = g.changes ?? [];
          const mine = backTo(g, now).length > 0 && !g.more;
          return (
            <li key={`${g.at} ${n}`} className="group border-line border-b px-4 py-2.5">
              <div className="flex items-center gap-2">
                <Avatar name={g.actor_name} size={20} />
                <span className="min-w-0 flex-1 truncate text-sm">
                  <bdi className="font-medium">{g.actor_name}</bdi>
                </span>
                <Ago at={g.at} className="shrink-0 text-soft text-xs" />
              </div>
              <p className="mt-1 text-sm">
                <bdi>{g.label || (changes[0] ? `${verbs[changes[0].action] ?? "Changed"} ${changes[0].name || word(changes[0].kind)}` : "")}</bdi>
              </p>
              <ul className="text-soft text-xs">
                {changes.slice(0, 4).map((c) => (
                  <li key={`${c.kind} ${c.id}`} className="truncate">
                    {verbs[c.action] ?? c.action}: {word(c.kind).toLowerCase()} <bdi>{c.name || ""}</bdi>
                  </li>
                ))}
                {changes.length + (g.more ?? 0) > 4 && <li>and {changes.length + (g.more ?? 0) - 4} more</li>}
              </ul>
              {!readOnly && mine && (
                <Button size="sm" look="ghost" className="-ms-2 mt-0.5 text-accent!" onClick={() => restore(g)}>
                  Put back what was before
                </Button>
              )}
            </li>
          );
        })}
        {q.data && groups.length === 0 && <li className="px-4 py-6 text-center text-sm text-soft">Nothing was changed yet.</li>}
        {q.hasNextPage && (
          <li className="p-3 text-center">
            <Button size="sm" busy={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>
              Earlier
            </Button>
          </li>
        )}
      </ol>
    </aside>
  );
}
