import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { create } from "zustand";
import { api, ok, onSignedOut, Problem } from "../api/client";

/** sessionQuery is who is signed in; null is nobody. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async () => {
    try {
      // Asking first keeps a stranger's visit free of refusals.
      if (!(await ok(api.GET("/setup"))).signed_in) return null;
      return await ok(api.GET("/session"));
    } catch (err) {
      if (err instanceof Problem && err.status === 401) return null;
      throw err;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});

/** useMe is the account that is signed in; only used where somebody is. */
export function useMe() {
  const { data } = useQuery(sessionQuery);
  return data ?? undefined;
}

/** Whether the session ended while a place was open: what is on the page stays until its person signs in again. */
export const useExpired = create<{ expired: boolean }>(() => ({ expired: false }));

onSignedOut(() => useExpired.setState({ expired: true }));

/** Leaving is told when somebody signs out: first what they left undone, while they may still do it, then that they are gone. */
interface Leaving {
  finish: () => Promise<void>;
  forget: () => void;
}

const leaving = new Set<Leaving>();

export function onLeaving(who: Leaving): void {
  leaving.add(who);
}

/**
 * useOneAccount watches the other tabs: all of a browser have one session, so that what
 * is done in one whose person is not the one who signed in last would be done by another.
 * me is undefined while it is not known, and "" for nobody.
 */
export function useOneAccount(me: string | undefined, expired: boolean): void {
  useEffect(() => {
    if (me === undefined) return;
    const others = new BroadcastChannel("threatloop.account");
    others.onmessage = (e) => me && e.data !== me && useExpired.setState({ expired: true });
    if (!expired) others.postMessage(me);
    return () => others.close();
  }, [me, expired]);
}

/** useSignOut ends the session and forgets everything that was read. */
export function useSignOut(): () => Promise<void> {
  const cache = useQueryClient();
  return async () => {
    await Promise.all([...leaving].map((l) => l.finish()));
    try {
      await ok(api.DELETE("/session"));
    } catch (err) {
      if (!(err instanceof Problem && err.status === 401)) throw err;
    }
    for (const l of leaving) l.forget();
    useExpired.setState({ expired: false });
    cache.setQueryData(sessionQuery.queryKey, null);
    cache.removeQueries({ predicate: (q) => q.queryKey[0] !== "session" });
  };
}
