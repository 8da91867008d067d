import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { Combobox } from "../../ui/combobox";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Textarea } from "../../ui/field";
import { placesOf } from "../risks/data";
import { many } from "../risks/edits";
import { OwnerField } from "../risks/people";
import { CategoryFields, ImpactFields } from "../risks/rate";

/** AddThreat asks for a threat that no rule found: where, what, how bad, how easy. */
export function AddThreat({
  product,
  where = "",
  onClose,
  onAdded,
}: {
  product: string;
  where?: string;
  onClose: () => void;
  onAdded: (id: string) => void;
}) {
  const places = useQuery(placesOf(product));
  const [at, setAt] = useState(where);
  const [title, setTitle] = useState("");
  const [categories, setCategories] = useState<string[]>([]);
  const [impact, setImpact] = useState({ confidentiality: 50, integrity: 50, availability: 50 });
  const [ease, setEase] = useState(50);
  const [description, setDescription] = useState("");
  const [owner, setOwner] = useState("");
  const add = useChange(
    product,
    () =>
      ok(
        api.POST("/products/{product}/threats", {
          params: { path: { product } },
          body: { where: at, title: title.trim(), categories, impact, ease, description: description || undefined, owner: owner || undefined },
        }),
      ),
    (t) => ({
      text: `${many(1, t.title, "")} is added`,
      undo: () =>
        ok(api.DELETE("/products/{product}/threats/{threat}", { params: { path: { product, threat: t.id }, query: { reason: "Taken back" } } })),
    }),
  );
  const groups = { product: "Everything", component: "Components", flow: "Flows" };
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Add a threat"
      about="One that no rule found. Rules leave it alone; it can get weaknesses, countermeasures and tickets like any other."
      verb="Add the threat"
      wide
      disabled={!title.trim() || !at}
      submit={async () => onAdded((await add.mutateAsync()).id)}
    >
      {(problem) => (
        <>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Where" error={problem?.field("where")}>
              <Combobox
                label="Find a component or flow"
                value={at}
                onChange={setAt}
                options={(places.data ?? []).map((p) => ({
                  value: p.id,
                  text: p.name,
                  group: groups[p.kind],
                  about: p.outOfScope ? "Out of scope" : undefined,
                }))}
              />
            </Field>
            <OwnerField product={product} value={owner} onChange={setOwner} optional error={problem?.field("owner")} />
          </div>
          <Field label="What can happen" hint="One line, as you would tell a colleague." error={problem?.field("title")}>
            <Input value={title} maxLength={300} onChange={(e) => setTitle(e.target.value)} required />
          </Field>
          <CategoryFields value={categories} onChange={setCategories} />
          <ImpactFields impact={impact} ease={ease} onImpact={setImpact} onEase={setEase} />
          <Field label="Description" optional error={problem?.field("description")}>
            <Textarea value={description} rows={3} maxLength={20_000} onChange={(e) => setDescription(e.target.value)} />
          </Field>
        </>
      )}
    </FormDialog>
  );
}
