import { useInfiniteQuery } from "@tanstack/react-query";
import { History as Clock, SearchX } from "lucide-react";
import { useMemo } from "react";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { FilterBar } from "../../ui/filters";
import { Place, Segmented } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { date } from "../../ui/time";
import { word } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { ChainCheck } from "./chain";
import { Days } from "./days";
import { GroupRow } from "./group";
import { type Group, ofAudit, ofHistory, sift } from "./groups";
import { useRestore } from "./restore";

interface Page {
  groups: Group[];
  next?: string;
}

/** History shows who did what and when, and puts earlier states back. */
export function History() {
  const p = useProduct();
  const can = useCan();
  const mayAudit = (p.can ?? []).includes("audit.read" as never);
  const [search, set] = useAddress();
  const trail = mayAudit && search.view === "everything";
  const object = search.object || undefined;
  const q = useInfiniteQuery({
    queryKey: keys.product(p.id, trail ? "audit" : "history", object ?? ""),
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam: cursor, signal }): Promise<Page> => {
      const params = { path: { product: p.id } };
      if (trail) {
        const page = await ok(api.GET("/products/{product}/audit", { params: { ...params, query: { cursor, object, limit: 200 } }, signal }));
        return { groups: ofAudit(page.items ?? []), next: page.next };
      }
      const page = await ok(api.GET("/products/{product}/history", { params: { ...params, query: { cursor, object, limit: 50 } }, signal }));
      return { groups: (page.items ?? []).map(ofHistory), next: page.next };
    },
    getNextPageParam: (last) => last.next,
  });
  const restore = useRestore(p.id);
  const groups = useMemo(() => q.data?.pages.flatMap((x) => x.groups) ?? [], [q.data]);
  const shown = sift(groups, { q: search.q, who: search.who, kind: search.kind, from: search.from, to: search.to });
  const whos = [...new Map(groups.map((g) => [g.actor, g.actorName])).entries()];
  const kinds = [...new Set(groups.flatMap((g) => g.changes.map((c) => c.kind)))].sort();
  const sieved = !!(search.q || search.who || search.kind || search.from || search.to || object);
  return (
    <Place
      title="History"
      about="Who did what and when. Nothing is ever taken out of it; an earlier state that is put back is a change of its own."
      actions={
        mayAudit && (
          <Segmented
            label="What is shown"
            value={trail ? "everything" : "model"}
            onChange={(v) => set({ view: v === "everything" ? v : undefined, kind: undefined, who: undefined })}
            options={[
              { value: "model", text: "The model" },
              { value: "everything", text: "Everything" },
            ]}
          />
        )
      }
    >
      {trail && <ChainCheck product={p.id} />}
      <FilterBar
        label="Search the history"
        shown={shown.length}
        total={groups.length}
        filters={[
          { key: "who", name: "Person", options: whos.map(([value, text]) => ({ value, text: text || value })) },
          { key: "kind", name: "Kind", options: kinds.map((k) => ({ value: k, text: word(k) })) },
        ]}
      >
        <Days />
      </FilterBar>
      {object && (
        <p className="mb-3 text-sm">
          Only of one {word(object.split("/")[0]).toLowerCase()}.{" "}
          <button type="button" className="link" onClick={() => set({ object: undefined })}>
            Show all
          </button>
        </p>
      )}
      {!q.data ? (
        q.error ? (
          <Failed error={q.error} retry={() => void q.refetch()} />
        ) : (
          <Loading />
        )
      ) : groups.length === 0 ? (
        <div className="card">
          <Empty icon={<Clock size={20} />} title="Nothing has happened yet">
            From the first answer or the first element of a diagram on, everything stands here.
          </Empty>
        </div>
      ) : (
        <>
          <ByDay groups={shown} restore={can("model.edit") ? (c) => restore.mutate(c) : undefined} busy={restore.isPending} />
          {shown.length === 0 && (
            <div className="card">
              <Empty icon={<SearchX size={20} />} title={q.hasNextPage ? "Not among the latest" : "Nothing matches"}>
                {q.hasNextPage
                  ? `The latest ${groups.length.toLocaleString("en")} do not match; look further back.`
                  : "No change matches these filters."}
              </Empty>
            </div>
          )}
          <div className="mt-4 flex flex-wrap items-center justify-center gap-3 text-soft text-xs">
            {q.hasNextPage ? (
              <Button busy={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>
                {sieved ? "Look further back" : "Load more"}
              </Button>
            ) : (
              "This is where it began."
            )}
          </div>
        </>
      )}
    </Place>
  );
}

/** ByDay puts a heading over what happened on the same day. */
function ByDay({ groups, restore, busy }: { groups: Group[]; restore?: Parameters<typeof GroupRow>[0]["restore"]; busy: boolean }) {
  const days = new Map<string, Group[]>();
  for (const g of groups) {
    const day = date(g.at);
    const list = days.get(day);
    if (list) list.push(g);
    else days.set(day, [g]);
  }
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
      {[...days].map(([day, list]) => (
        <section key={day}>
          <h2 className="mb-2 font-medium text-soft text-xs">{day}</h2>
          <ol className="card divide-y divide-line">
            {list.map((g) => (
              <GroupRow key={g.key} group={g} restore={restore} busy={busy} />
            ))}
          </ol>
        </section>
      ))}
    </div>
  );
}
