import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
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

/** useSignOut ends the session and forgets everything that was read. */
export function useSignOut(): () => Promise<void> {
  const cache = useQueryClient();
  return async () => {
    try {
      await ok(api.DELETE("/session"));
    } catch (err) {
      if (!(err instanceof Problem && err.status === 401)) throw err;
    }
    useExpired.setState({ expired: false });
    cache.setQueryData(sessionQuery.queryKey, null);
    cache.removeQueries({ predicate: (q) => q.queryKey[0] !== "session" });
  };
}
