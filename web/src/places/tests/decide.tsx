import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { api, ok, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { cx } from "../../ui/cx";
import { Drawer } from "../../ui/dialog";
import { Field, Textarea } from "../../ui/field";
import { Disclosure, Facts } from "../../ui/parts";
import { ErrorText } from "../../ui/state";
import { dateTime } from "../../ui/time";
import { word } from "../../ui/words";
import { useCan } from "../product/frame";
import { AddThreat } from "./addthreat";
import { type Evidence, subjectOf, useSubjects } from "./data";
import { where } from "./triage";

type Decision = S["TriageInput"]["decision"];

const decisions: { value: Decision; text: string; about: string; done: string }[] = [
  {
    value: "match",
    text: "It is about…",
    about: "From now on this rule is evidence about the weakness or countermeasure you choose.",
    done: "The result is matched",
  },
  {
    value: "refuse",
    text: "It is not about…",
    about: "This rule is never again taken as evidence about the one you choose.",
    done: "The match is refused",
  },
  { value: "dismiss", text: "Dismiss it", about: "This rule is evidence of nothing in this product.", done: "The result is dismissed" },
  {
    value: "retest",
    text: "Fixed meanwhile",
    about: "Somebody looked again and it is gone. A later report that has it brings it back.",
    done: "Noted as fixed",
  },
];

/** Decide is one result that waits, with the ways to decide about it. */
export function Decide({ product, evidence: e, onClose }: { product: string; evidence: Evidence; onClose: () => void }) {
  const subjects = useSubjects(product);
  const proposed = e.proposed ?? [];
  const candidates = [...new Set([...proposed, ...(e.matches ?? [])].map(subjectOf))].filter((id) => subjects.has(id));
  const [decision, setDecision] = useState<Decision>("match");
  const [chosen, setSubject] = useState<string>();
  const subject = chosen ?? candidates[0] ?? "";
  const [reason, setReason] = useState("");
  const [adding, setAdding] = useState(false);
  const may = useCan()("results.triage");
  const send = useChange(
    product,
    (body: S["TriageInput"]) => ok(api.POST("/products/{product}/triage", { params: { path: { product } }, body })),
    (_, body) => ({ text: decisions.find((d) => d.value === body.decision)?.done ?? "Decided" }),
  );
  const needs = decision === "match" || decision === "refuse";
  const options = [...subjects.values()]
    .map((s) => ({
      value: s.id,
      text: s.title,
      about: `${s.whereName}${s.cwe ? ` · CWE-${s.cwe}` : ""}`,
      group: candidates.includes(s.id) ? "Proposed" : s.kind === "weakness" ? "Weaknesses" : "Countermeasures",
    }))
    .sort(
      (a, b) => Number(b.group === "Proposed") - Number(a.group === "Proposed") || a.group.localeCompare(b.group) || a.text.localeCompare(b.text),
    );
  return (
    <Drawer open onClose={onClose} title={<bdi>{e.result.name || e.result.id}</bdi>}>
      <div className="grid gap-5">
        <Facts
          items={[
            ["Found by", `${e.tool}, source ${e.source}`],
            [
              "Rule",
              <code key="r" className="text-xs">
                {e.result.id}
              </code>,
            ],
            where(e) !== "" && ["Where", <bdi key="w">{where(e)}</bdi>],
            !!e.result.severity && ["Severity", word(e.result.severity)],
            (e.result.cwes ?? []).length > 0 && ["CWE", (e.result.cwes ?? []).map((c) => `CWE-${c}`).join(", ")],
            ["Last seen", dateTime(e.attempt_at)],
            ["Why it waits", e.state_reason || word(e.state)],
          ]}
        />
        {e.result.detail && (
          <Disclosure summary="What the tool says">
            <pre className="whitespace-pre-wrap rounded-md bg-sunken p-3 text-xs">{e.result.detail}</pre>
          </Disclosure>
        )}
        {!may ? (
          <p className="text-soft text-sm">Your role does not let you decide about results.</p>
        ) : (
          <form
            className="grid gap-4"
            onSubmit={(ev) => {
              ev.preventDefault();
              send.mutate({ evidence: e.id, decision, reason: reason.trim(), subject: needs ? subject : undefined }, { onSuccess: onClose });
            }}
          >
            <fieldset className="grid gap-1.5">
              <legend className="mb-1 font-medium text-sm">What is it?</legend>
              {decisions.map((d) => (
                <label
                  key={d.value}
                  className={cx(
                    "flex items-start gap-2.5 rounded-md border px-3 py-2 text-sm",
                    d.value === decision ? "border-accent bg-accent-soft" : "border-line",
                  )}
                >
                  <input type="radio" name="decision" className="mt-1" checked={d.value === decision} onChange={() => setDecision(d.value)} />
                  <span>
                    <span className="font-medium">{d.text}</span>
                    <span className="block text-soft text-xs">{d.about}</span>
                  </span>
                </label>
              ))}
            </fieldset>
            {needs && (
              <>
                {candidates.length > 0 && (
                  <div className="grid gap-1.5">
                    <p className="overline">Proposed</p>
                    {proposed
                      .filter((m) => subjects.has(subjectOf(m)))
                      .map((m) => {
                        const s = subjects.get(subjectOf(m))!;
                        return (
                          <button
                            key={s.id}
                            type="button"
                            aria-pressed={subject === s.id}
                            onClick={() => setSubject(s.id)}
                            className={cx(
                              "grid rounded-md border px-3 py-2 text-start text-sm",
                              subject === s.id ? "border-accent bg-accent-soft" : "border-line hover:bg-raised",
                            )}
                          >
                            <bdi className="font-medium">{s.title}</bdi>
                            <span className="text-soft text-xs">
                              {word(s.kind)} at <bdi>{s.whereName}</bdi>: {m.reason}
                            </span>
                          </button>
                        );
                      })}
                  </div>
                )}
                <Field label="Weakness or countermeasure">
                  <Combobox value={subject} onChange={setSubject} options={options} label="Search the model" />
                </Field>
                {decision === "match" && (
                  <p className="text-soft text-sm">
                    Nothing fits?{" "}
                    <button type="button" className="link underline" onClick={() => setAdding(true)}>
                      Add a threat
                    </button>{" "}
                    with a weakness for it.
                  </p>
                )}
              </>
            )}
            <Field label="Why" hint="Kept in the history of the product.">
              <Textarea required minLength={3} maxLength={2000} rows={3} value={reason} onChange={(ev) => setReason(ev.target.value)} />
            </Field>
            {send.error && <ErrorText error={send.error} />}
            <div className="flex flex-wrap items-center gap-2">
              <Button type="submit" look="primary" busy={send.isPending} disabled={needs && !subject}>
                Decide
              </Button>
              <span className="text-soft text-xs">{decision === "match" ? "Ratings and tickets follow at once" : "Can be decided again later"}</span>
            </div>
          </form>
        )}
        {subject && subjects.get(subject) && needs && (
          <p className="text-soft text-sm">
            <Link
              to={`/products/$product/${subjects.get(subject)!.place}` as "/products/$product/threats"}
              params={{ product }}
              search={{ open: subjects.get(subject)!.open } as never}
              className="link"
            >
              Look at it in the model
            </Link>
          </p>
        )}
      </div>
      {adding && <AddThreat product={product} evidence={e} onClose={() => setAdding(false)} onAdded={onClose} />}
    </Drawer>
  );
}
