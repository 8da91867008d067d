import { useSyncExternalStore } from "react";

/** useMedia follows a media query. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const m = window.matchMedia(query);
      m.addEventListener("change", changed);
      return () => m.removeEventListener("change", changed);
    },
    () => window.matchMedia(query).matches,
  );
}

/** useNarrow: rows become cards. */
export const useNarrow = (): boolean => useMedia("(max-width: 767px)");
