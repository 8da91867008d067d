import { useEffect, useRef } from "react";
import { tinykeys } from "tinykeys";
import { create } from "zustand";

/** Key is what pressing something does. */
export interface Key {
  does: string;
  /** Under what heading the list of keys shows it. */
  in: string;
  run: (e: KeyboardEvent) => void;
  /** Also while a person types in a field. */
  always?: boolean;
  /** Only then; otherwise the key does what it always does. */
  when?: (e: KeyboardEvent) => boolean;
  /** Not in the list of keys. */
  hidden?: boolean;
}

interface Shown {
  keys: string;
  does: string;
  in: string;
}

/** What can be pressed now, for the list of keys. */
export const useKeyList = create<{ groups: Map<symbol, Shown[]> }>(() => ({ groups: new Map() }));

const typing = (e: KeyboardEvent) => {
  const t = e.target;
  return (
    t instanceof HTMLElement &&
    (t.isContentEditable ||
      t instanceof HTMLTextAreaElement ||
      t instanceof HTMLSelectElement ||
      (t instanceof HTMLInputElement && !["checkbox", "radio", "range", "button"].includes(t.type)))
  );
};

const names: Record<string, string> = {
  mod: "$mod",
  shift: "Shift",
  alt: "Alt",
  enter: "Enter",
  escape: "Escape",
  delete: "Delete",
  backspace: "Backspace",
  space: "Space",
};

/** native writes "mod+shift+z" or "g p" as the library wants it. */
function native(keys: string): string {
  return keys
    .split(" ")
    .map((chord) =>
      chord
        .split("+")
        .map((k) => names[k] ?? k)
        .join("+"),
    )
    .join(" ");
}

/**
 * useKeys binds keys as long as its component is shown, and lists them under "?".
 * They rest while a dialog is open or a person types, unless they say otherwise.
 */
export function useKeys(bindings: Record<string, Key>, on = true): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  const signature = Object.keys(bindings).join("|");
  // biome-ignore lint/correctness/useExhaustiveDependencies: bound anew only when other keys are bound
  useEffect(() => {
    if (!on) return;
    const id = Symbol();
    const map = Object.fromEntries(
      Object.keys(latest.current).map((keys) => [
        native(keys),
        (e: KeyboardEvent) => {
          const key = latest.current[keys];
          if (!key || e.defaultPrevented) return;
          if (!key.always && (typing(e) || document.querySelector("[role=menu][data-state=open], [data-modal]"))) return;
          if (key.when && !key.when(e)) return;
          e.preventDefault();
          key.run(e);
        },
      ]),
    );
    const off = tinykeys(window, map);
    const shown = Object.entries(latest.current)
      .filter(([, k]) => !k.hidden)
      .map(([keys, k]) => ({ keys, does: k.does, in: k.in }));
    useKeyList.setState((s) => ({ groups: new Map(s.groups).set(id, shown) }));
    return () => {
      off();
      useKeyList.setState((s) => {
        const groups = new Map(s.groups);
        groups.delete(id);
        return { groups };
      });
    };
  }, [signature, on]);
}
