import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { useChange } from "../../app/change";
import { Combobox } from "../../ui/combobox";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Textarea } from "../../ui/field";
import type { Evidence } from "./data";

/** AddThreat makes a threat with a weakness of a result that nothing in the model fits, and matches it. */
export function AddThreat({
  product,
  evidence: e,
  onClose,
  onAdded,
}: {
  product: string;
  evidence: Evidence;
  onClose: () => void;
  onAdded: () => void;
}) {
  const model = useQuery({
    queryKey: keys.product(product, "model"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/model", { params: { path: { product } }, signal })),
  });
  const [title, setTitle] = useState(e.result.name || e.result.id);
  const [weakness, setWeakness] = useState(e.result.name || e.result.id);
  const [where, setWhere] = useState(e.component ?? "product");
  const [impact, setImpact] = useState(50);
  const [ease, setEase] = useState(50);
  const [reason, setReason] = useState(`Found by ${e.tool}`);
  const m = model.data?.model;
  const places = [
    { value: "product", text: "The whole product" },
    ...(m?.components ?? []).map((c) => ({ value: c.id, text: c.name, group: "Components" })),
    ...(m?.flows ?? []).map((f) => ({ value: f.id, text: f.name || f.id, group: "Flows" })),
  ];
  const add = useChange(
    product,
    async () => {
      const path = { product };
      const threat = await ok(
        api.POST("/products/{product}/threats", {
          params: { path },
          body: {
            title: title.trim(),
            where,
            impact: { confidentiality: impact, integrity: impact, availability: impact },
            ease,
            description: e.result.detail?.slice(0, 5000),
          },
        }),
      );
      const w = await ok(
        api.POST("/products/{product}/weaknesses", {
          params: { path },
          body: { threat: threat.id, title: weakness.trim(), cwe: e.result.cwes?.[0] },
        }),
      );
      await ok(
        api.POST("/products/{product}/triage", {
          params: { path },
          body: { evidence: e.id, decision: "match", subject: w.id, reason: reason.trim() },
        }),
      );
    },
    () => ({ text: "Threat added, and the result is matched to it" }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Add a threat"
      about="For a result that nothing in the model fits. The result becomes evidence about its weakness."
      verb="Add and match"
      submit={async () => {
        await add.mutateAsync();
        onAdded();
      }}
    >
      {(problem) => (
        <>
          <Field label="Threat" error={problem?.field("title")}>
            <Input required maxLength={300} value={title} onChange={(ev) => setTitle(ev.target.value)} />
          </Field>
          <Field label="Where">
            <Combobox value={where} onChange={setWhere} options={places} label="Component or flow" />
          </Field>
          <Field label="Weakness" hint={e.result.cwes?.[0] ? `With CWE-${e.result.cwes[0]}, as the tool says.` : undefined}>
            <Input required maxLength={300} value={weakness} onChange={(ev) => setWeakness(ev.target.value)} />
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Impact, 0 to 100">
              <Input type="number" min={0} max={100} required value={impact} onChange={(ev) => setImpact(ev.target.valueAsNumber || 0)} />
            </Field>
            <Field label="Ease of exploitation, 0 to 100">
              <Input type="number" min={0} max={100} required value={ease} onChange={(ev) => setEase(ev.target.valueAsNumber || 0)} />
            </Field>
          </div>
          <Field label="Why">
            <Textarea required minLength={3} maxLength={2000} rows={2} value={reason} onChange={(ev) => setReason(ev.target.value)} />
          </Field>
        </>
      )}
    </FormDialog>
  );
}
