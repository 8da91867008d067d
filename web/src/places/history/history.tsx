import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { History as Clock, SearchX } from "lucide-react";
import { useDeferredValue, useEffect, useMemo, useRef } from "react";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { typesQuery } from "../../editor/library";
import { type Search, useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { FilterBar } from "../../ui/filters";
import { Place, Segmented } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { date } from "../../ui/time";
import { word } from "../../ui/words";
import type { Titles } from "../product/difference";
import { useCan, useProduct } from "../product/frame";
import { standardsOf, title, written } from "../standards/data";
import { ChainCheck } from "./chain";
import { Days, day, list } from "./days";
import { GroupRow } from "./group";
import { type Group, ofAudit, ofHistory, sift } from "./groups";
import { useRestore } from "./restore";

interface Page {
  groups: Group[];
  next?: string;
}

/** Asked is what is looked for, as the server takes it. */
interface Asked {
  object?: string;
  q?: string;
  actor?: string[];
  kind?: string[];
  from?: string;
  before?: string;
}

/** asked reads the address. */
const asked = (s: Search): Asked => ({
  object: s.object || undefined,
  q: s.q?.slice(0, 200) || undefined,
  actor: list(s.who),
  kind: list(s.kind),
  from: day(s.from),
  before: day(s.to, 1),
});

/** History shows who did what and when, and puts earlier states back. */
export function History() {
  const p = useProduct();
  const can = useCan();
  const mayAudit = (p.can ?? []).includes("audit.read" as never);
  const [search, set] = useAddress();
  const trail = mayAudit && search.view === "everything";
  const object = search.object || undefined;
  const looked = useDeferredValue(JSON.stringify(asked(search)));
  const q = useInfiniteQuery({
    queryKey: keys.product(p.id, trail ? "audit" : "history", looked),
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam: cursor, signal }): Promise<Page> => {
      const params = { path: { product: p.id } };
      const { q: words, actor, kind, ...query }: Asked = JSON.parse(looked);
      if (trail) {
        // What the page calls the rows of a request is made here, so that words are looked for here, too.
        const page = await ok(
          api.GET("/products/{product}/audit", {
            params: { ...params, query: { ...query, actor, kind: kind?.length === 1 ? kind[0] : undefined, cursor, limit: 200 } },
            signal,
          }),
        );
        return { groups: ofAudit(page.items ?? []), next: page.next };
      }
      const page = await ok(
        api.GET("/products/{product}/history", { params: { ...params, query: { ...query, q: words, actor, kind, cursor, limit: 50 } }, signal }),
      );
      return { groups: (page.items ?? []).map(ofHistory), next: page.next };
    },
    getNextPageParam: (last) => last.next,
  });
  const restore = useRestore(p.id);
  const titles = useTitles(p.id);
  const groups = useMemo(() => q.data?.pages.flatMap((x) => x.groups) ?? [], [q.data]);
  const sought = !!(search.q || search.who || search.kind || search.from || search.to);
  const shown = sift(groups, { q: search.q, who: search.who, kind: search.kind, from: search.from, to: search.to });
  const known = useRef({ whos: new Map<string, string>(), kinds: new Set<string>() }).current;
  for (const g of groups) {
    known.whos.set(g.actor, g.actorName);
    for (const c of g.changes) known.kinds.add(c.kind);
  }
  const whos = [...known.whos];
  const kinds = [...known.kinds].sort();
  // What is looked for may be far back: on until there is a screen of it.
  const { hasNextPage, isFetching, isError, fetchNextPage } = q;
  useEffect(() => {
    if (sought && shown.length < 20 && hasNextPage && !isFetching && !isError) void fetchNextPage();
  }, [sought, shown.length, hasNextPage, isFetching, isError, fetchNextPage]);
  const sieved = sought || !!object;
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
      ) : groups.length === 0 && !sieved ? (
        <div className="card">
          <Empty icon={<Clock size={20} />} title="Nothing has happened yet">
            From the first answer or the first element of a diagram on, everything stands here.
          </Empty>
        </div>
      ) : (
        <>
          <ByDay groups={shown} titles={titles} restore={can("model.edit") ? (c) => restore.mutate(c) : undefined} busy={restore.isPending} />
          {shown.length === 0 && (
            <div className="card">
              <Empty icon={<SearchX size={20} />} title={hasNextPage ? "Not among the latest" : "Nothing matches"}>
                {hasNextPage ? "Looking further back." : "No change matches these filters."}
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

/** useTitles names the standards and component types that changes tell of by reference. */
function useTitles(product: string): Titles {
  const standards = useQuery(standardsOf(product)).data?.items;
  const types = useQuery(typesQuery).data;
  return useMemo(() => {
    const titles = new Map((types ?? []).map((t) => [t.type, t.name]));
    for (const s of standards ?? []) {
      titles.set(s.standard, title(s));
      for (const l of s.levels ?? []) titles.set(written(s.standard, l), `${title(s)}, level ${l}`);
    }
    return titles;
  }, [standards, types]);
}

/** ByDay puts a heading over what happened on the same day. */
function ByDay({ groups, ...rest }: { groups: Group[] } & Omit<Parameters<typeof GroupRow>[0], "group">) {
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
              <GroupRow key={g.key} group={g} {...rest} />
            ))}
          </ol>
        </section>
      ))}
    </div>
  );
}
