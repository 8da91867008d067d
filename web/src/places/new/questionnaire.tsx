import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowLeft, ArrowRight, Check, CloudOff, FileInput, LoaderCircle } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { S } from "../../api/client";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Place } from "../../ui/parts";
import { Empty, ErrorText, Failed, Loading } from "../../ui/state";
import { useCan, useProduct } from "../product/frame";
import { type SaveState, useAnswers } from "./answers";
import { Brings } from "./brings";
import { Choose } from "./choose";
import { questionnaireQuery, usePreview } from "./preview";
import { type Question, QuestionField } from "./question";
import { Steps } from "./steps";

const ImportInto = lazy(() => import("./import").then((m) => ({ default: m.ImportInto })));

/** Questionnaire asks what a product is, a group a step, and shows what the answers change. */
export function Questionnaire() {
  const product = useProduct();
  const can = useCan();
  const edit = can("model.edit");
  const all = useAnswers(product.id);
  const [importing, setImporting] = useState(false);
  if (!all.stored) return all.error ? <Failed error={all.error} retry={all.retry} /> : <Loading />;
  const actions = edit && (
    <Button icon={<FileInput aria-hidden size={14} />} onClick={() => setImporting(true)}>
      Import a model
    </Button>
  );
  return (
    <Place
      title="Questionnaire"
      about={
        edit
          ? "Answers describe the product where no diagram does. They are stored as you give them; the review shows what follows before anything changes."
          : product.archived
            ? "The product is archived: its answers can be read, not changed."
            : "You may read the answers here. A modeller of this product can change them."
      }
      actions={actions}
    >
      {all.stored.questionnaire ? (
        <Asking all={all} questionnaire={all.stored.questionnaire} edit={edit} />
      ) : edit ? (
        <Choose onChoose={(ref) => void all.save(ref)} busy={all.state === "saving"} error={all.saveError} />
      ) : (
        <Empty title="No questionnaire was chosen">This product is described by its diagram alone.</Empty>
      )}
      <Dialog
        open={importing}
        onClose={() => setImporting(false)}
        wide
        title="Import a model into this product"
        about="A look at what would be added, changed and removed comes first. What was set here by hand stays; what follows for the risks waits in the review."
      >
        <Suspense fallback={<Loading rows={3} />}>
          <ImportInto product={product.id} onDone={() => setImporting(false)} />
        </Suspense>
      </Dialog>
    </Place>
  );
}

function Asking({ all, questionnaire: ref, edit }: { all: ReturnType<typeof useAnswers>; questionnaire: string; edit: boolean }) {
  const product = useProduct();
  const navigate = useNavigate();
  const [search, set] = useAddress();
  const questionnaire = useQuery(questionnaireQuery(ref));
  const preview = usePreview(product.id, ref, all.answers);
  const heading = useRef<HTMLHeadingElement>(null);
  const groups = (preview.data?.groups ?? []).filter((g) => g.total > 0);
  // An address may name a question, as the reasons of a threat do: its step is opened and it has the focus.
  const asked = search.question;
  const step = questionnaire.data?.groups?.find((g) => asked && g.questions?.some((q) => q.question === asked))?.group ?? search.group;
  const at = Math.max(
    0,
    groups.findIndex((g) => g.ref === step),
  );
  // Where the last click leads: the next one may come before the address has followed.
  const aim = useRef(at);
  useEffect(() => {
    aim.current = at;
  }, [at]);
  const now = groups[at];
  const ready = !!questionnaire.data && !!now;
  useEffect(() => {
    if (asked && ready) document.querySelector<HTMLElement>(`[data-question="${CSS.escape(asked)}"] :is(input:checked, input)`)?.focus();
  }, [asked, ready]);
  if (!questionnaire.data || !preview.data || !now) {
    const error = questionnaire.error ?? preview.error;
    return error ? <Failed error={error} retry={() => void (questionnaire.error ? questionnaire.refetch() : preview.refetch())} /> : <Loading />;
  }
  const group = questionnaire.data.groups?.find((g) => g.group === now.ref);
  const visible = new Set(preview.data.visible ?? []);
  const questions = (group?.questions ?? []).filter((q) => visible.has(q.question));
  const last = at === groups.length - 1;
  const go = (to: string) => {
    aim.current = groups.findIndex((g) => g.ref === to);
    if (edit) void all.save();
    set({ group: to, question: undefined }, true);
    window.scrollTo({ top: 0 });
    requestAnimationFrame(() => heading.current?.focus({ preventScroll: true }));
  };
  const review = async () => {
    if (!edit || (await all.save())) void navigate({ to: "/products/$product/review", params: { product: product.id } });
  };
  return (
    <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
      <div>
        <Steps groups={groups} now={now.ref} progress={preview.data.progress} onGo={go} />
        <form
          onSubmit={(e) => {
            e.preventDefault();
            if (last) void review();
            else go(groups[Math.min(aim.current + 1, groups.length - 1)]!.ref);
          }}
        >
          <div className="card px-4 py-5 sm:px-6">
            <h2 ref={heading} tabIndex={-1} className="mb-4 font-semibold text-lg outline-none">
              {now.title}
            </h2>
            <Questions questions={questions} all={all} edit={edit} problems={preview.data.problems ?? []} />
          </div>
          {all.saveError !== undefined && <ErrorText error={all.saveError} className="mt-3" />}
          <div className="mt-4 flex flex-wrap items-center gap-2">
            {at > 0 && (
              <Button icon={<ArrowLeft aria-hidden size={14} />} onClick={() => go(groups[Math.max(aim.current - 1, 0)]!.ref)}>
                Back
              </Button>
            )}
            {edit && <Saved state={all.state} />}
            <div className="ms-auto flex gap-2">
              {!last && edit && <Button onClick={() => void review()}>Review the plan</Button>}
              <Button type="submit" look="primary">
                {last ? "Review the plan" : "Continue"}
                <ArrowRight aria-hidden size={14} />
              </Button>
            </div>
          </div>
        </form>
      </div>
      <div className="lg:sticky lg:top-[calc(var(--top)+1rem)]">
        <Brings preview={preview.data} error={preview.error} step={now.ref} />
      </div>
    </div>
  );
}

function Questions({
  questions,
  all,
  edit,
  problems,
}: {
  questions: Question[];
  all: ReturnType<typeof useAnswers>;
  edit: boolean;
  problems: S["AnswerProblem"][];
}) {
  return (
    <div className="grid gap-7">
      {questions.map((q) => {
        const theirs = all.clashes[q.question];
        return (
          <div key={q.question} data-question={q.question} className="scroll-mt-24">
            <QuestionField
              question={q}
              values={all.answers[q.question] ?? []}
              disabled={!edit}
              problem={problems.find((p) => p.question === q.question)?.text}
              onChange={(v) => all.answer(q.question, v)}
            />
            {theirs && (
              <div role="alert" className="mt-2 flex flex-wrap items-center gap-2 rounded-md bg-medium-soft px-3 py-2 text-medium text-sm">
                <span className="min-w-0 flex-1">Somebody else answered this meanwhile: {say(q, theirs)}. Yours is not stored yet.</span>
                <Button size="sm" onClick={() => all.decide(q.question, true)}>
                  Keep mine
                </Button>
                <Button size="sm" onClick={() => all.decide(q.question, false)}>
                  Take theirs
                </Button>
              </div>
            )}
          </div>
        );
      })}
    </div>
  );
}

/** say writes an answer as the question words it. */
function say(q: Question, values: string[]): string {
  if (values.length === 0) return "not answered";
  return values.map((v) => q.options?.find((o) => o.ref === v)?.title ?? v).join("; ");
}

/** Saved says whether the answers are stored; it holds its place, so that nothing moves. */
export function Saved({ state }: { state: SaveState }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (state === "saved" || state === "failed") return setLate(false);
    const timer = setTimeout(() => setLate(true), 200);
    return () => clearTimeout(timer);
  }, [state]);
  return (
    <span role="status" className="inline-flex items-center gap-1.5 px-1 text-soft text-xs">
      {state === "failed" ? (
        <>
          <CloudOff aria-hidden size={14} className="text-critical" /> Not stored; your answers are kept here
        </>
      ) : late ? (
        <>
          <LoaderCircle aria-hidden size={14} className="animate-spin" /> Storing
        </>
      ) : (
        <>
          <Check aria-hidden size={14} className="text-low" /> Stored
        </>
      )}
    </span>
  );
}
