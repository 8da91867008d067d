import { useState } from "react";
import type { S } from "../../api/client";
import { Button } from "../../ui/button";
import { FormDialog } from "../../ui/dialog";
import { Field, Textarea } from "../../ui/field";
import { Disclosure } from "../../ui/parts";
import { Ago } from "../../ui/time";
import { plural, word } from "../../ui/words";
import type { Step } from "./plan";

/** RefuseDialog asks why steps are not to come; the reason is kept with the refusal. */
export function RefuseDialog({ steps, onClose, submit }: { steps: Step[]; onClose: () => void; submit: (reason: string) => Promise<unknown> }) {
  const [reason, setReason] = useState("");
  return (
    <FormDialog
      open={steps.length > 0}
      onClose={() => {
        setReason("");
        onClose();
      }}
      title={
        steps.length === 1 ? (
          <>
            Refuse “<bdi>{steps[0]?.title}</bdi>”
          </>
        ) : (
          `Refuse ${plural(steps.length, "step")}`
        )
      }
      about="It does not come in, and is not offered again until somebody takes the refusal back."
      verb="Refuse"
      disabled={reason.trim().length < 3}
      submit={() => submit(reason.trim())}
    >
      <Field label="Why" hint="Whoever asks later finds this reason here and in the history.">
        <Textarea value={reason} onChange={(e) => setReason(e.target.value)} maxLength={2000} required autoFocus rows={3} />
      </Field>
    </FormDialog>
  );
}

/** Refused lists what was refused, to be offered again. */
export function Refused({ list, again, can, busy }: { list: S["Refusal"][]; again: (keys: string[]) => void; can: boolean; busy: boolean }) {
  if (list.length === 0) return null;
  return (
    <Disclosure summary={`Refused (${list.length})`}>
      <ul className="card divide-y divide-line">
        {list.map((r) => (
          <li key={r.key} className="flex flex-wrap items-start gap-x-4 gap-y-1 px-4 py-2.5 text-sm">
            <div className="min-w-0 flex-1 basis-60">
              <bdi>{r.title}</bdi>
              <p className="text-soft text-xs">
                {word(r.kind)} at <bdi>{r.where_name || "the product as a whole"}</bdi> · refused by <bdi>{r.by_name}</bdi> <Ago at={r.at} />
              </p>
              <p className="text-soft text-xs">
                “<bdi>{r.reason}</bdi>”
              </p>
            </div>
            {can && (
              <Button size="sm" disabled={busy} onClick={() => again([r.key])}>
                Offer again
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Disclosure>
  );
}
