import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { Button } from "../../ui/button";
import { ErrorText, Loading } from "../../ui/state";
import { Brings } from "../new/brings";
import { type Answers, given } from "../new/preview";
import { QuestionField } from "../new/question";

/** TryQuestions asks a drafted questionnaire and shows what its answers would bring in. */
export function TryQuestions({ refOf, version }: { refOf: string; version: number | undefined }) {
  const [answers, setAnswers] = useState<Answers>({});
  const q = useQuery({
    queryKey: keys.instance("library", "try", refOf, version, answers),
    queryFn: ({ signal }) =>
      ok(api.POST("/library/draft/questionnaires/{ref}/preview", { params: { path: { ref: refOf } }, body: { answers: given(answers) }, signal })),
    placeholderData: (before) => before,
  });
  if (!q.data) return q.error ? <ErrorText error={q.error} /> : <Loading rows={4} />;
  const { questionnaire, preview } = q.data;
  const visible = new Set(preview.visible ?? []);
  return (
    <div className="grid gap-5 lg:grid-cols-[minmax(0,1.4fr)_minmax(0,1fr)]">
      <div className="grid content-start gap-5">
        {q.error && <ErrorText error={q.error} />}
        {(questionnaire.groups ?? []).map((g) => {
          const shown = (g.questions ?? []).filter((x) => visible.has(x.question ?? ""));
          if (shown.length === 0) return null;
          return (
            <section key={g.group} className="grid gap-4">
              <h2 className="font-semibold">{g.title}</h2>
              {shown.map((x) => (
                <QuestionField
                  key={x.question}
                  question={x}
                  values={answers[x.question ?? ""] ?? []}
                  onChange={(v) => setAnswers({ ...answers, [x.question ?? ""]: v })}
                />
              ))}
            </section>
          );
        })}
      </div>
      <div className="grid content-start gap-3 lg:sticky lg:top-4 lg:self-start">
        <Brings preview={preview} error={undefined} step="" />
        <Button size="sm" onClick={() => setAnswers({})} disabled={Object.keys(answers).length === 0}>
          Take all answers back
        </Button>
      </div>
    </div>
  );
}
