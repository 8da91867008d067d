import { useId, useState } from "react";
import type { S } from "../../api/client";
import { Button } from "../../ui/button";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Textarea } from "../../ui/field";
import { category } from "../../ui/words";
import type { Threat } from "./data";
import { many, useEdits } from "./edits";

/** Scale sets a figure from 0 to 100, by sliding or by typing. */
export function Scale({
  label,
  value,
  onChange,
  low,
  high,
}: {
  label: string;
  value: number;
  onChange: (n: number) => void;
  low?: string;
  high?: string;
}) {
  const id = useId();
  const put = (v: string) => onChange(Math.max(0, Math.min(100, Math.round(Number(v) || 0))));
  return (
    <div className="grid gap-x-3 gap-y-1 sm:grid-cols-[8.5rem_1fr] sm:items-center">
      <label htmlFor={id} className="font-medium text-sm">
        {label}
      </label>
      <div className="flex items-center gap-3">
        <input
          type="range"
          aria-label={`${label}, slider`}
          min={0}
          max={100}
          step={5}
          value={value}
          onChange={(e) => put(e.target.value)}
          className="h-6 min-w-0 flex-1"
        />
        <input id={id} type="number" min={0} max={100} value={value} onChange={(e) => put(e.target.value)} className="control num w-18" />
      </div>
      {low && high && (
        <p className="me-21 flex justify-between text-soft text-xs sm:col-start-2">
          <span>{low}</span>
          <span>{high}</span>
        </p>
      )}
    </div>
  );
}

/** Impact sets how much a threat hurts each property, and how easy it is. */
export function ImpactFields({
  impact,
  ease,
  onImpact,
  onEase,
}: {
  impact: S["CIA"];
  ease: number;
  onImpact: (i: S["CIA"]) => void;
  onEase: (n: number) => void;
}) {
  return (
    <div className="grid gap-4">
      <fieldset className="grid gap-2">
        <legend className="overline mb-2">What it hurts, in percent of what is there</legend>
        {(["confidentiality", "integrity", "availability"] as const).map((d) => (
          <Scale key={d} label={d.charAt(0).toUpperCase() + d.slice(1)} value={impact[d]} onChange={(n) => onImpact({ ...impact, [d]: n })} />
        ))}
      </fieldset>
      <Scale label="How easy it is" value={ease} onChange={onEase} low="Out of reach" high="Anybody can" />
    </div>
  );
}

/** RateDialog changes impact and ease, from which the inherent rating is computed. */
export function RateDialog({ product, of, onClose }: { product: string; of: Threat; onClose: () => void }) {
  const edits = useEdits(product);
  const [impact, setImpact] = useState(of.impact);
  const [ease, setEase] = useState(of.ease);
  const [reason, setReason] = useState("");
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Impact and ease"
      about="The inherent rating follows from these, from what is of value here, and from how near the place is to what is not trusted."
      verb="Save"
      submit={() =>
        edits.mutateAsync({
          edits: [{ kind: "threat", object: of, set: { impact, ease, reason: reason.trim() || undefined } }],
          text: `Impact and ease of ${many(1, of.title, "")} are changed`,
        })
      }
    >
      <ImpactFields impact={impact} ease={ease} onImpact={setImpact} onEase={setEase} />
      <Field label="Reason" optional>
        <Textarea rows={2} value={reason} maxLength={2000} onChange={(e) => setReason(e.target.value)} />
      </Field>
    </FormDialog>
  );
}

/** InherentDialog puts a figure of one's own in the place of the computed inherent rating. */
export function InherentDialog({ product, of, onClose }: { product: string; of: Threat; onClose: () => void }) {
  const edits = useEdits(product);
  const [value, setValue] = useState(of.rating.inherent);
  const [reason, setReason] = useState("");
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Set the inherent rating by hand"
      about="It takes the place of the computed one, with your name and reason. Countermeasures still take their shares off it."
      verb="Set it"
      disabled={!reason.trim()}
      submit={() =>
        edits.mutateAsync({
          edits: [{ kind: "threat", object: of, set: { inherent: value, reason: reason.trim() } }],
          text: `The inherent rating of ${many(1, of.title, "")} is set by hand`,
        })
      }
    >
      <Scale label="Inherent rating" value={value} onChange={setValue} low="No risk" high="The worst there is" />
      <Field label="Why the computed rating is wrong">
        <Textarea rows={3} value={reason} maxLength={2000} onChange={(e) => setReason(e.target.value)} autoFocus required />
      </Field>
    </FormDialog>
  );
}

export const stride = ["spoofing", "tampering", "repudiation", "information-disclosure", "denial-of-service", "elevation-of-privilege"].map(
  (c) => `stride:${c}`,
);

const linddun = ["linking", "identifying", "non-repudiation", "detecting", "data-disclosure", "unawareness", "non-compliance"].map(
  (c) => `linddun:${c}`,
);
const cia = ["confidentiality", "integrity", "availability"].map((c) => `cia:${c}`);

/** CategoryFields chooses the categories of a threat: STRIDE at hand, those of other methods one click away unless they are in use. */
export function CategoryFields({ value, onChange }: { value: string[]; onChange: (c: string[]) => void }) {
  const [more, setMore] = useState(() => value.some((c) => !stride.includes(c)));
  const groups: [name: string, about: string, categories: string[]][] = [
    ["STRIDE", "", stride],
    ...(more
      ? ([
          ["LINDDUN", "harm to people's privacy", linddun],
          ["CIA", "what is lost", cia],
          ["Others", "", value.filter((c) => ![...stride, ...linddun, ...cia].includes(c))],
        ] as [string, string, string[]][])
      : []),
  ];
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 font-medium text-sm">Categories</legend>
      {groups.map(
        ([name, about, all]) =>
          all.length > 0 && (
            <div key={name} role="group" aria-label={name} className="grid sm:grid-cols-2">
              {more && (
                <p className="text-soft text-xs sm:col-span-2">
                  {name}
                  {about && `: ${about}`}
                </p>
              )}
              {all.map((c) => (
                <label key={c} className="flex min-h-7 items-center gap-2 text-sm">
                  <input
                    type="checkbox"
                    className="size-3.5"
                    checked={value.includes(c)}
                    onChange={() => onChange(value.includes(c) ? value.filter((x) => x !== c) : [...value, c])}
                  />
                  {category(c).name}
                </label>
              ))}
            </div>
          ),
      )}
      {!more && (
        <button type="button" className="link justify-self-start text-sm" onClick={() => setMore(true)}>
          LINDDUN and CIA
        </button>
      )}
    </fieldset>
  );
}

/** CategoriesDialog changes the categories of a threat, and its attack patterns. */
export function CategoriesDialog({ product, of, onClose }: { product: string; of: Threat; onClose: () => void }) {
  const edits = useEdits(product);
  const [value, setValue] = useState(of.categories ?? []);
  const [capec, setCapec] = useState((of.capec ?? []).join(", "));
  const numbers = capec
    .split(/[\s,]+/)
    .map((s) => s.replace(/^CAPEC-/i, ""))
    .filter(Boolean);
  const wrong = numbers.some((n) => !/^\d{1,5}$/.test(n));
  const set: Record<string, unknown> = {};
  if (value.join() !== (of.categories ?? []).join()) set.categories = value;
  if (numbers.join() !== (of.capec ?? []).join()) set.capec = numbers.map(Number);
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Categories"
      verb="Save"
      disabled={wrong}
      submit={async () => {
        if (Object.keys(set).length > 0)
          await edits.mutateAsync({ edits: [{ kind: "threat", object: of, set }], text: `The categories of ${many(1, of.title, "")} are changed` });
      }}
    >
      <CategoryFields value={value} onChange={setValue} />
      <Field
        label="Attack patterns (CAPEC)"
        optional
        hint="Numbers, with commas between them."
        error={wrong ? "These are numbers, like 66 or CAPEC-66." : undefined}
      >
        <Input value={capec} onChange={(e) => setCapec(e.target.value)} inputMode="numeric" />
      </Field>
    </FormDialog>
  );
}

/** EditButton is the quiet button beside a fact that opens what changes it. */
export function EditButton({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button look="ghost" size="sm" className="h-6 shrink-0" aria-label={label} onClick={onClick}>
      Change
    </Button>
  );
}
