import { useEffect } from "react";
import { create } from "zustand";

type Values = Record<string, unknown>;

interface Kept {
  /** What the server had when each field was first changed. */
  base: Values;
  edits: Values;
}

/** What people changed and did not save yet, by form; it survives going to another place. */
const useKept = create<{ forms: Record<string, Kept> }>(() => ({ forms: {} }));

const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** Draft is a form's values with a person's changes over what is stored. */
export interface Draft<T> {
  value: T;
  /** Fields that differ from what is stored. */
  dirty: (keyof T & string)[];
  /** Of those, the ones that somebody else changed meanwhile. */
  conflicts: (keyof T & string)[];
  set: (patch: Partial<T>) => void;
  /** keep stands by one's own value of a field, take goes with the stored one. */
  keep: (field: keyof T & string) => void;
  take: (field: keyof T & string) => void;
  clear: () => void;
}

/** merge compares what a person changed with what is stored now. */
export function merge<T extends object>(
  server: T,
  kept: { base: Values; edits: Values } | undefined,
): Pick<Draft<T>, "value" | "dirty" | "conflicts"> {
  if (!kept) return { value: server, dirty: [], conflicts: [] };
  const stored = server as Values;
  const dirty = Object.keys(kept.edits).filter((f) => !same(kept.edits[f], stored[f])) as (keyof T & string)[];
  return {
    value: { ...server, ...(kept.edits as Partial<T>) },
    dirty,
    conflicts: dirty.filter((f) => !same(kept.base[f], stored[f])),
  };
}

/** useDraft keeps what a person changes in a form until it is saved or given up. */
export function useDraft<T extends object>(form: string, server: T): Draft<T> {
  const kept = useKept((s) => s.forms[form]);
  const now = merge(server, kept);
  const unsaved = now.dirty.length > 0;
  useEffect(() => {
    if (!unsaved) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [unsaved]);
  const stored = server as Values;
  const put = (fn: (k: Kept) => Kept) => useKept.setState((s) => ({ forms: { ...s.forms, [form]: fn(s.forms[form] ?? { base: {}, edits: {} }) } }));
  return {
    ...now,
    set: (patch) =>
      put((k) => {
        const base = { ...k.base };
        for (const f of Object.keys(patch)) if (!(f in k.edits)) base[f] = stored[f];
        return { base, edits: { ...k.edits, ...patch } };
      }),
    keep: (field) => put((k) => ({ ...k, base: { ...k.base, [field]: stored[field] } })),
    take: (field) =>
      put((k) => {
        const { [field]: _, ...edits } = k.edits;
        return { ...k, edits };
      }),
    clear: () =>
      useKept.setState((s) => {
        const { [form]: _, ...forms } = s.forms;
        return { forms };
      }),
  };
}
