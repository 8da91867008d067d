import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { api, ok, type Problem } from "../../api/client";
import { keys } from "../../api/query";
import { Combobox } from "../../ui/combobox";
import { Checkbox, Field, Input, Select } from "../../ui/field";
import { type Custom, type Defined, join, said, valuesOf } from "./data";

/** CustomFields asks for what products store, by the definitions, with what is wrong at its place. */
export function CustomFields({
  fields,
  values,
  onChange,
  problem,
  notes,
  names,
  may = () => true,
  product,
}: {
  fields: Defined[];
  values: Custom;
  onChange: (key: string, value: string) => void;
  /** What the server refused; its fields are custom.KEY. */
  problem?: Problem;
  /** What is to be said of stored values, by key. */
  notes?: Custom;
  names?: Custom;
  /** Whether the person may change a field. */
  may?: (field: Defined) => boolean;
  /** Whose people can be named; without it everybody with whom the person works. */
  product?: string;
}) {
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      {fields.map((f) => (
        <Asked
          key={f.key}
          field={f}
          value={values[f.key] ?? ""}
          onChange={(v) => onChange(f.key, v)}
          error={problem?.field(`custom.${f.key}`) ?? notes?.[f.key]}
          names={names}
          disabled={!may(f)}
          product={product}
        />
      ))}
    </div>
  );
}

function Asked({
  field: f,
  value,
  onChange,
  error,
  names,
  disabled,
  product,
}: {
  field: Defined;
  value: string;
  onChange: (v: string) => void;
  error?: string;
  names?: Custom;
  disabled: boolean;
  product?: string;
}) {
  const about: ReactNode = [f.help, limits(f)].filter(Boolean).join(" · ") || undefined;
  if (f.type === "choice" && f.multiple)
    return <Several field={f} value={value} onChange={onChange} error={error} hint={about} disabled={disabled} />;
  const common = { label: <bdi>{f.name}</bdi>, hint: about, error: error && sentence(error), optional: !f.required };
  if (f.type === "user") {
    return (
      <Field {...common}>
        <Person
          value={value}
          onChange={onChange}
          none={f.required && !value ? undefined : "Nobody"}
          disabled={disabled}
          names={names}
          product={product}
        />
      </Field>
    );
  }
  if (f.type === "choice") {
    const known = (f.options ?? []).some((o) => o.ref === value);
    return (
      <Field {...common}>
        <Select value={value} disabled={disabled} onChange={(e) => onChange(e.target.value)}>
          <option value="">{f.required ? "Choose one" : "Not set"}</option>
          {value && !known && <option value={value}>{value} (no longer an option)</option>}
          {(f.options ?? []).map((o) => (
            <option key={o.ref} value={o.ref}>
              {o.text}
            </option>
          ))}
        </Select>
      </Field>
    );
  }
  // A value that a browser's own control cannot show is shown as text, so that it is seen and can be mended.
  const type = f.type === "date" && (!value || /^\d{4}-\d{2}-\d{2}$/.test(value)) ? "date" : f.type === "link" ? "url" : "text";
  return (
    <Field {...common}>
      <Input
        type={type}
        inputMode={f.type === "number" ? "decimal" : undefined}
        value={value}
        disabled={disabled}
        maxLength={2000}
        autoComplete="off"
        placeholder={f.type === "link" ? "https://" : undefined}
        onChange={(e) => onChange(e.target.value)}
      />
    </Field>
  );
}

function Several({
  field: f,
  value,
  onChange,
  error,
  hint,
  disabled,
}: {
  field: Defined;
  value: string;
  onChange: (v: string) => void;
  error?: string;
  hint?: ReactNode;
  disabled: boolean;
}) {
  const chosen = valuesOf(value);
  const gone = chosen.filter((v) => !(f.options ?? []).some((o) => o.ref === v));
  const toggle = (ref: string, on: boolean) => onChange(join(on ? [...chosen, ref] : chosen.filter((v) => v !== ref)));
  return (
    <fieldset className="grid content-start gap-1">
      <legend className="mb-1 font-medium text-sm">
        <bdi>{f.name}</bdi>
        {!f.required && <span className="font-normal text-soft"> (optional)</span>}
      </legend>
      {(f.options ?? []).map((o) => (
        <Checkbox
          key={o.ref}
          label={<bdi>{o.text}</bdi>}
          checked={chosen.includes(o.ref)}
          disabled={disabled}
          onChange={(e) => toggle(o.ref, e.target.checked)}
        />
      ))}
      {gone.map((v) => (
        <Checkbox key={v} label={`${v} (no longer an option)`} checked disabled={disabled} onChange={() => toggle(v, false)} />
      ))}
      {hint && <p className="text-soft text-xs">{hint}</p>}
      {error && <p className="text-critical text-xs">{sentence(error)}</p>}
    </fieldset>
  );
}

function Person({
  value,
  onChange,
  none,
  disabled,
  names,
  product,
  ...rest
}: {
  id?: string;
  value: string;
  onChange: (v: string) => void;
  none?: string;
  disabled: boolean;
  names?: Custom;
  product?: string;
}) {
  const people = useQuery({
    queryKey: keys.instance("people", product ?? ""),
    queryFn: ({ signal }) => ok(api.GET("/people", { params: { query: { product, limit: 1000 } }, signal })),
  });
  const options = (people.data?.items ?? []).map((p) => ({ value: p.id, text: p.name, about: p.email }));
  if (value && !options.some((o) => o.value === value)) options.push({ value, text: names?.[value] ?? value, about: undefined });
  return <Combobox {...rest} label="Find a person" none={none} value={value} onChange={onChange} options={options} disabled={disabled} />;
}

/** limits says what a number may be. */
function limits(f: Defined): string {
  if (f.type !== "number") return "";
  if (f.min !== undefined && f.max !== undefined) return `${f.min} to ${f.max}`;
  if (f.min !== undefined) return `${f.min} or more`;
  return f.max !== undefined ? `${f.max} or less` : "";
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** CustomValues shows what a product stores, read-only. */
export function CustomValues({ fields, values, names }: { fields: Defined[]; values: Custom; names?: Custom }) {
  const shown = fields.filter((f) => values[f.key]);
  if (shown.length === 0) return null;
  return (
    <dl className="grid gap-x-6 gap-y-2 text-sm sm:grid-cols-2">
      {shown.map((f) => {
        const text = said(f, values[f.key], names);
        return (
          <div key={f.key} className="min-w-0">
            <dt className="text-soft text-xs">
              <bdi>{f.name}</bdi>
              {f.removed && " (no longer defined)"}
            </dt>
            <dd className="break-words">
              {f.type === "link" && /^https?:\/\//.test(text) ? (
                <a href={text} target="_blank" rel="noopener noreferrer" className="link">
                  {text}
                </a>
              ) : (
                <bdi>{text}</bdi>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
