import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";

/** Answers are the values given to each question; a question without any is not answered. */
export type Answers = Record<string, string[]>;

export type Preview = S["AnswersPreview"];

/** given leaves out the questions that have no answer. */
export function given(answers: Answers): Answers {
  return Object.fromEntries(Object.entries(answers).filter(([, v]) => v.length > 0));
}

/** useSettled is a value that has not changed for a moment. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, set] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => set(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/**
 * usePreview asks what answers bring: into the product, or without one into a new
 * product. What was said before stays until the new answer is there.
 */
export function usePreview(product: string | undefined, questionnaire: string, answers: Answers) {
  const settled = useSettled(answers, 180);
  const body = given(settled);
  return useQuery({
    // Of a product the key begins with it, so that what others change there shows too.
    queryKey: product ? keys.product(product, "answers", "preview", questionnaire, body) : keys.products("preview", questionnaire, body),
    queryFn: ({ signal }) =>
      product
        ? ok(api.POST("/products/{product}/answers/preview", { params: { path: { product } }, body: { questionnaire, answers: body }, signal }))
        : ok(api.POST("/library/questionnaires/{ref}/preview", { params: { path: { ref: questionnaire } }, body: { answers: body }, signal })),
    placeholderData: keepPreviousData,
    enabled: questionnaire !== "",
  });
}

export const questionnaireQuery = (ref: string) => ({
  queryKey: keys.instance("questionnaire", ref),
  queryFn: ({ signal }: { signal: AbortSignal }) => ok(api.GET("/library/questionnaires/{ref}", { params: { path: { ref } }, signal })),
  staleTime: Number.POSITIVE_INFINITY,
  enabled: ref !== "",
});

/** questionnairesQuery are those that a new product may choose from; the others are parts, or ask about components of some type in the diagram. */
export const questionnairesQuery = {
  queryKey: keys.instance("questionnaires"),
  queryFn: async ({ signal }: { signal: AbortSignal }) => {
    const all = (await ok(api.GET("/library/questionnaires", { params: { query: { limit: 1000 } }, signal }))).items ?? [];
    const offered = all.filter((q) => q.offered).sort((a, b) => (a.offered ?? 0) - (b.offered ?? 0));
    return offered.length > 0 ? offered : all.filter((q) => !q.types?.length);
  },
  staleTime: Number.POSITIVE_INFINITY,
};
