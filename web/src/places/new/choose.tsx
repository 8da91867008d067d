import { useQuery } from "@tanstack/react-query";
import { ArrowRight, ListChecks } from "lucide-react";
import { Button } from "../../ui/button";
import { Empty, ErrorText, Failed, Loading } from "../../ui/state";
import { plural } from "../../ui/words";
import { questionnairesQuery } from "./preview";

/** Choose picks a questionnaire of the library. */
export function Choose({ onChoose, busy, error }: { onChoose: (ref: string) => void; busy?: boolean; error?: unknown }) {
  const q = useQuery(questionnairesQuery);
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading rows={2} />;
  if (q.data.length === 0)
    return (
      <Empty icon={<ListChecks size={20} />} title="The library has no questionnaire">
        Draw a diagram or import a model instead.
      </Empty>
    );
  return (
    <section aria-label="Questionnaires" className="grid gap-3">
      {error !== undefined && <ErrorText error={error} />}
      {q.data.map((one) => (
        <div key={one.questionnaire} className="card flex flex-wrap items-start gap-4 p-5">
          <span aria-hidden className="grid size-10 shrink-0 place-items-center rounded-lg bg-accent-soft text-accent">
            <ListChecks size={20} />
          </span>
          <div className="min-w-0 flex-1 basis-64">
            <h2 className="font-semibold text-lg">{one.name}</h2>
            <p className="num text-soft text-xs">{plural(one.questions, "question")}</p>
            {one.description && <p className="mt-2 max-w-[68ch] text-sm text-soft">{one.description}</p>}
          </div>
          <Button look="primary" busy={busy} onClick={() => onChoose(one.questionnaire)}>
            Answer it
            <ArrowRight aria-hidden size={14} />
          </Button>
        </div>
      ))}
    </section>
  );
}
