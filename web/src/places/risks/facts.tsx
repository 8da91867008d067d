import { useState } from "react";
import type { S } from "../../api/client";
import { FormDialog } from "../../ui/dialog";
import { Field, Textarea } from "../../ui/field";
import type { Countermeasure } from "./data";
import { many, useEdits } from "./edits";
import { CostFields, costOf } from "./serve";

/** CostDialog says what a countermeasure costs; an empty amount is not known. */
export function CostDialog({ product, of, onClose }: { product: string; of: Countermeasure; onClose: () => void }) {
  const edits = useEdits(product);
  const [amount, setAmount] = useState(of.cost ? String(of.cost.amount) : "");
  const [unit, setUnit] = useState(of.cost?.unit || "days");
  const cost = costOf(amount, unit);
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Cost"
      about="In days of work or in money. Until somebody says it here, the time that the ticket is estimated at counts."
      verb="Save"
      submit={async () => {
        if (cost)
          await edits.mutateAsync({
            edits: [{ kind: "countermeasure", object: of, set: { cost } }],
            text: `The cost of ${many(1, of.title, "")} is changed`,
          });
        else if (of.cost)
          await edits.mutateAsync({
            edits: [{ kind: "countermeasure", object: of, set: { reset: ["cost"] } }],
            text: `The cost of ${many(1, of.title, "")} is taken away`,
          });
      }}
    >
      <CostFields amount={amount} unit={unit} onAmount={setAmount} onUnit={setUnit} />
    </FormDialog>
  );
}

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean);

/** StandardsDialog says which clauses of standards a countermeasure serves: one a line, the standard first. */
export function StandardsDialog({ product, of, onClose }: { product: string; of: Countermeasure; onClose: () => void }) {
  const edits = useEdits(product);
  const [text, setText] = useState((of.standards ?? []).map((s) => `${s.standard} ${s.clause}`).join("\n"));
  const standards: S["Clause"][] = lines(text).map((l) => {
    const [standard = "", ...clause] = l.split(/\s+/);
    return { standard, clause: clause.join(" ") };
  });
  const wrong = standards.some((s) => !s.clause);
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Standards"
      verb="Save"
      disabled={wrong}
      submit={() =>
        edits.mutateAsync({
          edits: [{ kind: "countermeasure", object: of, set: { standards } }],
          text: `The standards of ${many(1, of.title, "")} are changed`,
        })
      }
    >
      <Field
        label="Clauses"
        hint="One a line: the standard, then the clause, like “asvs-5.0 v5.0.0-1.2.4”."
        error={wrong ? "Each line needs a standard and a clause." : undefined}
      >
        <Textarea value={text} rows={5} onChange={(e) => setText(e.target.value)} spellCheck={false} autoFocus />
      </Field>
    </FormDialog>
  );
}

/** MandatoryDialog names the tests that must pass before a countermeasure counts as proven. */
export function MandatoryDialog({ product, of, onClose }: { product: string; of: Countermeasure; onClose: () => void }) {
  const edits = useEdits(product);
  const [text, setText] = useState((of.mandatory ?? []).join("\n"));
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Mandatory tests"
      about="It counts as proven only when each of these has passed. Without any, one passing test is enough."
      verb="Save"
      submit={() =>
        edits.mutateAsync({
          edits: [{ kind: "countermeasure", object: of, set: { mandatory: lines(text) } }],
          text: `The mandatory tests of ${many(1, of.title, "")} are changed`,
        })
      }
    >
      <Field label="References of tests" hint="One a line, as the reports name them.">
        <Textarea value={text} rows={4} onChange={(e) => setText(e.target.value)} spellCheck={false} autoFocus />
      </Field>
    </FormDialog>
  );
}
