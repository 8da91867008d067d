import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowRight } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, ok, Problem } from "../../api/client";
import { useChange } from "../../app/change";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Field, Select } from "../../ui/field";
import { Empty, ErrorText, Failed, Loading } from "../../ui/state";
import { type Custom, given as filled, NewFields } from "../fields";
import { Brings } from "./brings";
import { NameAndTeam } from "./naming";
import { type Answers, given, questionnaireQuery, questionnairesQuery, usePreview } from "./preview";
import { QuestionField } from "./question";
import { Steps } from "./steps";

/**
 * FirstStep is the first step of a product that is made by answering: its name and
 * the first questions. Continuing makes the product, and the rest is asked there.
 */
export function FirstStep() {
  const navigate = useNavigate();
  const [search, set] = useAddress();
  const list = useQuery(questionnairesQuery);
  const chosen = list.data?.find((q) => q.questionnaire === search.questionnaire)?.questionnaire ?? list.data?.[0]?.questionnaire ?? "";
  const questionnaire = useQuery(questionnaireQuery(chosen));
  const [name, setName] = useState("");
  const [team, setTeam] = useState("");
  const [custom, setCustom] = useState<Custom>({});
  const [answers, setAnswers] = useState<Answers>({});
  const preview = usePreview(undefined, chosen, answers);
  const create = useChange(undefined, () =>
    ok(
      api.POST("/products", {
        body: { name: name.trim(), team: team.trim() || undefined, questionnaire: chosen, answers: given(answers), custom: filled(custom) },
      }),
    ),
  );
  if (!list.data) return list.error ? <Failed error={list.error} retry={() => void list.refetch()} /> : <Loading />;
  if (!chosen) return <Empty title="The library has no questionnaire">Draw a diagram or import a model instead.</Empty>;
  if (!questionnaire.data || !preview.data) {
    const error = questionnaire.error ?? preview.error;
    return error ? <Failed error={error} retry={() => void (questionnaire.error ? questionnaire.refetch() : preview.refetch())} /> : <Loading />;
  }
  const groups = (preview.data.groups ?? []).filter((g) => g.total > 0);
  const now = groups[0];
  const visible = new Set(preview.data.visible ?? []);
  const questions = (questionnaire.data.groups?.find((g) => g.group === now?.ref)?.questions ?? []).filter((q) => visible.has(q.question));
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const made = await create.mutateAsync(undefined).catch(() => undefined);
    if (made)
      void navigate({
        to: "/products/$product/questionnaire",
        params: { product: made.id },
        search: { group: groups[1]?.ref ?? now?.ref } as never,
        replace: true,
      });
  };
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
      <div>
        <Steps groups={groups} now={now?.ref ?? ""} progress={preview.data.progress} />
        <form onSubmit={submit} className="grid gap-4">
          <div className="card px-4 py-5 sm:px-6">
            <h2 className="mb-4 font-semibold text-lg">The product</h2>
            <div className="grid gap-4">
              <NameAndTeam
                name={name}
                team={team}
                onName={setName}
                onTeam={setTeam}
                problem={create.error instanceof Problem ? create.error : undefined}
              />
              <NewFields values={custom} onChange={setCustom} problem={create.error instanceof Problem ? create.error : undefined} />
              {list.data.length > 1 && (
                <Field label="Questionnaire" hint={questionnaire.data.description}>
                  <Select value={chosen} onChange={(e) => set({ questionnaire: e.target.value })}>
                    {list.data.map((q) => (
                      <option key={q.questionnaire} value={q.questionnaire}>
                        {q.name} ({q.questions} questions)
                      </option>
                    ))}
                  </Select>
                </Field>
              )}
            </div>
          </div>
          {now && (
            <div className="card px-4 py-5 sm:px-6">
              <h2 className="mb-4 font-semibold text-lg">{now.title}</h2>
              <div className="grid gap-7">
                {questions.map((q) => (
                  <QuestionField
                    key={q.question}
                    question={q}
                    values={answers[q.question] ?? []}
                    problem={preview.data.problems?.find((p) => p.question === q.question)?.text}
                    onChange={(v) => setAnswers((old) => ({ ...old, [q.question]: v }))}
                  />
                ))}
              </div>
            </div>
          )}
          {create.error && <ErrorText error={create.error} />}
          <div className="flex flex-wrap items-center justify-end gap-3">
            <p className="min-w-0 flex-1 basis-48 text-soft text-xs">
              Continuing makes the product with these answers. Threats are added only when you accept them in the review.
            </p>
            <Button
              type="submit"
              look="primary"
              busy={create.isPending}
              disabled={!name.trim()}
              title={name.trim() ? undefined : "Name the product first"}
            >
              Create and continue
              <ArrowRight aria-hidden size={14} />
            </Button>
          </div>
        </form>
      </div>
      <div className="lg:sticky lg:top-[calc(var(--top)+1rem)]">
        <Brings preview={preview.data} error={preview.error} step="first" />
      </div>
    </div>
  );
}
