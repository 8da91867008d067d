import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Problem } from "../api/client";
import { keys } from "../api/query";
import { toast, toastError } from "../ui/toast";

/** Done is what a change leaves to say: a text, and how to take it back. */
export interface Done {
  text?: string;
  undo?: () => Promise<unknown>;
}

/**
 * useChange carries out a change of a product (or of the installation, without one):
 * it reads again what became old, says what was done, offers to undo it, and says
 * what failed. A change that was based on an older version reads the newer one at once.
 */
export function useChange<In, Out>(product: string | undefined, fn: (input: In) => Promise<Out>, done?: (out: Out, input: In) => Done | undefined) {
  const cache = useQueryClient();
  const refresh = () => {
    if (product) {
      void cache.invalidateQueries({ queryKey: keys.product(product) });
      void cache.invalidateQueries({ queryKey: keys.products() });
    } else {
      void cache.invalidateQueries({ queryKey: keys.instance() });
      void cache.invalidateQueries({ queryKey: keys.products() });
    }
  };
  return useMutation({
    mutationFn: fn,
    onSuccess: (out, input) => {
      refresh();
      const d = done?.(out, input);
      if (d?.text) {
        toast(
          d.text,
          d.undo &&
            (async () => {
              await d.undo?.();
              refresh();
            }),
        );
      }
    },
    onError: (err) => {
      if (err instanceof Problem && (err.status === 412 || err.status === 409 || err.status === 404)) refresh();
      // That the session ended is asked for by a dialog of its own.
      if (!(err instanceof Problem && err.status === 401)) toastError(err);
    },
  });
}
