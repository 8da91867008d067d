import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { Combobox } from "../../ui/combobox";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Textarea } from "../../ui/field";
import { Segmented } from "../../ui/parts";
import { type Threat, type Weakness, weaknessesAt } from "./data";
import { many, useEdits } from "./edits";
import { SetMark } from "./setby";

/** WeaknessDialog changes a weakness: title, CWE, description and what a test would show. */
export function WeaknessDialog({ product, of, onClose }: { product: string; of: Weakness; onClose: () => void }) {
  const edits = useEdits(product);
  const [title, setTitle] = useState(of.title);
  const [cwe, setCwe] = useState(of.cwe ? String(of.cwe) : "");
  const [description, setDescription] = useState(of.description ?? "");
  const [test, setTest] = useState(of.test ?? "");
  const number = Number(cwe.replace(/^CWE-/i, "") || 0);
  const wrong = !Number.isInteger(number) || number < 0 || number > 99_999;
  const set: Record<string, unknown> = {};
  if (title.trim() !== of.title) set.title = title.trim();
  if (number !== (of.cwe ?? 0)) set.cwe = number;
  if (description !== (of.description ?? "")) set.description = description;
  if (test !== (of.test ?? "")) set.test = test;
  const generated = of.origin === "rule";
  const mark = (field: string, name: string) => (
    <SetMark
      field={field}
      name={name}
      sets={of.sets}
      generated={generated}
      onReset={() => {
        edits.mutate({
          edits: [{ kind: "weakness", object: of, set: { reset: [field] } }],
          text: `${name} of ${many(1, of.title, "")} follows the rules again`,
        });
        onClose();
      }}
    />
  );
  const label = (name: string, field: string) => (
    <span className="inline-flex min-h-6 items-center gap-1">
      {name} {mark(field, name)}
    </span>
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Weakness"
      about={`At ${of.where_name}; shared by ${of.threats?.length === 1 ? "one threat" : `${of.threats?.length ?? 0} threats`} there. What you change stays; the rules leave it alone.`}
      verb="Save"
      disabled={!title.trim() || wrong}
      submit={async () => {
        if (Object.keys(set).length > 0)
          await edits.mutateAsync({ edits: [{ kind: "weakness", object: of, set }], text: `${many(1, of.title, "")} is changed` });
      }}
    >
      {(problem) => (
        <>
          <div className="grid gap-4 sm:grid-cols-[1fr_8rem]">
            <Field label={label("Title", "title")}>
              <Input value={title} maxLength={300} onChange={(e) => setTitle(e.target.value)} required autoFocus />
            </Field>
            <Field label={label("CWE", "cwe")} error={wrong ? "A number, like 89." : undefined}>
              <Input value={cwe} inputMode="numeric" onChange={(e) => setCwe(e.target.value)} />
            </Field>
          </div>
          <Field label={label("Description", "description")}>
            <Textarea value={description} maxLength={20_000} onChange={(e) => setDescription(e.target.value)} />
          </Field>
          <Field label={label("What a test would show", "test")} hint="A test whose name carries this weakness's reference proves it gone.">
            <Textarea rows={2} value={test} maxLength={5000} onChange={(e) => setTest(e.target.value)} />
          </Field>
          {problem?.status === 412 && (
            <p className="text-sm">Somebody changed it meanwhile. Yours is kept here; saving again puts it in the place of theirs.</p>
          )}
        </>
      )}
    </FormDialog>
  );
}

/** AddWeakness makes a new weakness for a threat, or links one that is at the same place. */
export function AddWeakness({ product, of, onClose }: { product: string; of: Threat; onClose: () => void }) {
  const [how, setHow] = useState<"new" | "link">("new");
  const [title, setTitle] = useState("");
  const [cwe, setCwe] = useState("");
  const [description, setDescription] = useState("");
  const [test, setTest] = useState("");
  const [chosen, setChosen] = useState("");
  const here = useQuery({ ...weaknessesAt(product, of.where), enabled: how === "link" });
  const options = (here.data ?? [])
    .filter((w) => !of.weaknesses?.includes(w.id))
    .map((w) => ({ value: w.id, text: w.title, about: w.cwe ? `CWE-${w.cwe}` : undefined }));
  const add = useChange(
    product,
    async () => {
      if (how === "link")
        return ok(api.PUT("/products/{product}/links", { params: { path: { product } }, body: { threat: of.id, weakness: chosen, share: 0 } }));
      return ok(
        api.POST("/products/{product}/weaknesses", {
          params: { path: { product } },
          body: { threat: of.id, title: title.trim(), description: description || undefined, cwe: Number(cwe) || undefined, test: test || undefined },
        }),
      );
    },
    () => ({ text: how === "link" ? "The weakness is linked" : "The weakness is added" }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Add a weakness"
      about={`What makes ${many(1, of.title, "")} possible at ${of.where_name}.`}
      verb={how === "new" ? "Add" : "Link"}
      disabled={how === "new" ? !title.trim() : !chosen}
      submit={() => add.mutateAsync()}
    >
      <Segmented
        label="How"
        value={how}
        onChange={setHow}
        options={[
          { value: "new", text: "A new one" },
          { value: "link", text: "One that is here" },
        ]}
      />
      {how === "new" ? (
        <>
          <div className="grid gap-4 sm:grid-cols-[1fr_8rem]">
            <Field label="Title">
              <Input value={title} maxLength={300} onChange={(e) => setTitle(e.target.value)} required autoFocus />
            </Field>
            <Field label="CWE" optional>
              <Input value={cwe} inputMode="numeric" pattern="[0-9]*" onChange={(e) => setCwe(e.target.value)} />
            </Field>
          </div>
          <Field label="Description" optional>
            <Textarea rows={3} value={description} maxLength={20_000} onChange={(e) => setDescription(e.target.value)} />
          </Field>
          <Field label="What a test would show" optional>
            <Textarea rows={2} value={test} maxLength={5000} onChange={(e) => setTest(e.target.value)} />
          </Field>
        </>
      ) : (
        <Field label="Weakness" hint={here.data && options.length === 0 ? "There is no other weakness at this place." : `Those at ${of.where_name}.`}>
          <Combobox label="Find a weakness" value={chosen} onChange={setChosen} options={options} />
        </Field>
      )}
    </FormDialog>
  );
}
