import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { api, match, ok, Problem, type S } from "../../api/client";
import { keys } from "../../api/query";
import { type Answers, given } from "./preview";

/** An answer that is not stored yet, and what was stored when it was given. */
interface Draft {
  values: string[];
  base: string[];
}

type Stored = S["AnswersView"];
type Drafts = Record<string, Draft>;

const same = (a: string[], b: string[]) => a.length === b.length && a.every((v, i) => v === b[i]);
const storedOf = (s: Stored | undefined, question: string): string[] => (s?.answers as Answers | undefined)?.[question] ?? [];

/** clashes are the questions that somebody else answered differently since: question to their answer. */
export function clashes(stored: Stored | undefined, drafts: Drafts): Answers {
  const out: Answers = {};
  for (const [q, d] of Object.entries(drafts)) {
    const theirs = storedOf(stored, q);
    if (!same(theirs, d.base) && !same(theirs, d.values)) out[q] = theirs;
  }
  return out;
}

/** sending is what is stored with the own answers in it, those that clash aside. */
export function sending(stored: Stored, drafts: Drafts): Answers {
  const out: Answers = { ...(stored.answers as Answers) };
  const hold = clashes(stored, drafts);
  for (const [q, d] of Object.entries(drafts)) if (!(q in hold)) out[q] = d.values;
  return given(out);
}

export type SaveState = "saved" | "waiting" | "saving" | "failed";

/**
 * useAnswers holds the answers of a product while a person gives them. They are
 * stored a moment after the last change, at every step and when the place is left;
 * an answer that clashes with somebody else's waits until its person decides.
 */
export function useAnswers(product: string) {
  const cache = useQueryClient();
  const key = keys.product(product, "answers");
  const query = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/answers", { params: { path: { product } }, signal })),
  });
  const stored = query.data;
  const [drafts, setDrafts] = useState<Drafts>({});
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<unknown>();
  const latest = useRef<{ drafts: Drafts; running?: Promise<boolean> }>({ drafts });
  latest.current.drafts = drafts;

  const store = useCallback(
    async (questionnaire?: string): Promise<boolean> => {
      setSaving(true);
      try {
        // What others store meanwhile is read and taken in, a few times at most.
        for (let tries = 0; ; tries++) {
          const now = cache.getQueryData<Stored>(keys.product(product, "answers"));
          if (!now) return false;
          const sent = latest.current.drafts;
          try {
            const next = await ok(
              api.PUT("/products/{product}/answers", {
                params: { path: { product }, header: match(now.version) },
                body: { questionnaire: questionnaire ?? now.questionnaire, answers: sending(now, sent) },
              }),
            );
            const held = clashes(now, sent);
            cache.setQueryData(keys.product(product, "answers"), next);
            setDrafts((old) => settle(old, sent, held));
            setError(undefined);
            return Object.keys(held).length === 0;
          } catch (err) {
            if (!(err instanceof Problem && err.status === 412) || tries === 3) throw err;
            await cache.refetchQueries({ queryKey: keys.product(product, "answers"), exact: true });
          }
        }
      } catch (err) {
        setError(err);
        return false;
      } finally {
        setSaving(false);
      }
    },
    [cache, product],
  );

  /** save stores what is not stored; true when everything is. */
  const save = useCallback(
    async (questionnaire?: string): Promise<boolean> => {
      await latest.current.running;
      if (!questionnaire && Object.keys(latest.current.drafts).length === 0) return true;
      const run = store(questionnaire);
      latest.current.running = run;
      return run;
    },
    [store],
  );

  const held = useMemo(() => clashes(stored, drafts), [stored, drafts]);
  const open = Object.keys(drafts).length > Object.keys(held).length;
  const again = error instanceof Problem && (error.status === 0 || error.status >= 500);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every change of an answer begins the moment anew
  useEffect(() => {
    if (!open || saving || (error && !again)) return;
    const timer = setTimeout(() => void save(), again ? 4000 : 900);
    return () => clearTimeout(timer);
  }, [open, saving, error, again, drafts, save]);
  useEffect(
    () => () => {
      void save();
    },
    [save],
  );
  useEffect(() => {
    if (!open) return;
    const ask = (e: BeforeUnloadEvent) => e.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [open]);

  const answers = useMemo(
    () => ({ ...((stored?.answers as Answers | undefined) ?? {}), ...Object.fromEntries(Object.entries(drafts).map(([q, d]) => [q, d.values])) }),
    [stored, drafts],
  );
  const answer = (question: string, values: string[]) => {
    setError(undefined);
    setDrafts((old) => ({ ...old, [question]: { values, base: old[question]?.base ?? storedOf(stored, question) } }));
  };
  /** decide ends a clash: with the own answer, or with theirs. */
  const decide = (question: string, mine: boolean) =>
    setDrafts((old) => {
      const { [question]: draft, ...rest } = old;
      return mine && draft ? { ...rest, [question]: { ...draft, base: storedOf(stored, question) } } : rest;
    });
  const state: SaveState = saving ? "saving" : error ? "failed" : open ? "waiting" : "saved";
  return { stored, error: query.error, retry: () => void query.refetch(), answers, answer, clashes: held, decide, save, state, saveError: error };
}

/** settle takes away the drafts that are stored now; what was changed meanwhile is based on what was sent. */
export function settle(now: Drafts, sent: Drafts, held: Answers): Drafts {
  const out: Drafts = {};
  for (const [q, d] of Object.entries(now)) {
    const s = sent[q];
    if (s && !(q in held)) {
      if (!same(s.values, d.values)) out[q] = { values: d.values, base: s.values };
    } else out[q] = d;
  }
  return out;
}
