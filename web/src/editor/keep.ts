import { once } from "../api/client";
import type { Kept } from "./document";

/*
 * Unsent work in the browser's storage: one entry per account, product, diagram and
 * tab, so that nobody sends another's work and two tabs do not overwrite each other. An entry whose tab has not been heard of
 * for a while is taken over by the next one that opens the diagram.
 */
interface Entry {
  at: number;
  work: Kept[];
}

const stale = 15_000;
/** Whose says of what the work is, and whose. */
export interface Whose {
  account: string;
  product: string;
  diagram: string | null;
}

const prefix = (w: Whose) => `threatloop.drawing.${w.account}.${w.product}.${w.diagram ?? ""}.`;

function tab(): string {
  let id = sessionStorage.getItem("threatloop.tab");
  if (!id) {
    id = once().slice(0, 12);
    sessionStorage.setItem("threatloop.tab", id);
  }
  return id;
}

/** keep writes unsent work down, or clears it when there is none. It tells whether that went well. */
export function keep(whose: Whose, work: Kept[]): boolean {
  try {
    const key = prefix(whose) + tab();
    if (work.length === 0) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify({ at: Date.now(), work } satisfies Entry));
    return true;
  } catch {
    return false;
  }
}

/** recall takes what was kept: this tab's own, and what tabs left that are gone. */
export function recall(whose: Whose): Kept[] {
  try {
    const start = prefix(whose);
    const out: Kept[] = [];
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(start)) continue;
      const entry = JSON.parse(localStorage.getItem(key) ?? "null") as Entry | null;
      const own = key === start + tab();
      if (!entry || (!own && Date.now() - entry.at < stale)) continue;
      out.push(...entry.work);
      if (!own) localStorage.removeItem(key);
    }
    return out;
  } catch {
    return [];
  }
}
