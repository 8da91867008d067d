import { lazy, Suspense, useEffect } from "react";
import { create } from "zustand";
import { errorText } from "./state";

export interface Note {
  id: number;
  text: string;
  bad: boolean;
  undo?: () => Promise<unknown>;
}

export const useNotes = create<{ notes: Note[] }>(() => ({ notes: [] }));
let last = 0;

function add(n: Omit<Note, "id">): void {
  // The same text twice is one toast.
  useNotes.setState((s) => ({ notes: [...s.notes.filter((o) => o.text !== n.text), { ...n, id: ++last }].slice(-4) }));
}

export function drop(id: number): void {
  useNotes.setState((s) => ({ notes: s.notes.filter((n) => n.id !== id) }));
}

/** toast says that something was done; undo takes it back. */
export function toast(text: string, undo?: () => Promise<unknown>): void {
  add({ text, bad: false, undo });
}

/** toastError says what failed; it stays until it is closed. */
export function toastError(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  add({ text: errorText(error), bad: true });
}

/** said takes the notice of an error back, where the error is said beside what caused it. */
export function said(error: unknown): void {
  const text = errorText(error);
  useNotes.setState((s) => ({ notes: s.notes.filter((n) => !n.bad || n.text !== text) }));
}

const view = () => import("./toasts");
const View = lazy(view);

/** Toasts shows them, at the bottom; F8 goes there. What draws them is read once the page stands, before it is needed. */
export function Toasts() {
  const any = useNotes((s) => s.notes.length > 0);
  useEffect(() => {
    const timer = setTimeout(() => void view().catch(() => undefined), 10_000);
    return () => clearTimeout(timer);
  }, []);
  return any ? (
    <Suspense fallback={null}>
      <View />
    </Suspense>
  ) : null;
}
