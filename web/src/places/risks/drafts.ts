import { create } from "zustand";

/** Draft is what was typed and is not saved, with what it was typed over. */
interface Draft {
  text: string;
  base: string;
}

/** Drafts live as long as the page: closing a drawer or losing the server loses nothing that was typed. */
const useDrafts = create<{ drafts: Record<string, Draft> }>(() => ({ drafts: {} }));

/** useDraft is the draft of one field; undefined where nothing is being typed. */
export function useDraft(key: string): [Draft | undefined, (d: Draft | undefined) => void] {
  const draft = useDrafts((s) => s.drafts[key]);
  return [
    draft,
    (d) =>
      useDrafts.setState(({ drafts }) => {
        const next = { ...drafts };
        if (d) next[key] = d;
        else delete next[key];
        return { drafts: next };
      }),
  ];
}
