import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useDeferredValue, useRef, useState } from "react";
import { api, match, ok, Problem } from "../../api/client";
import { keys } from "../../api/query";
import { useChange } from "../../app/change";
import { Button, IconButton } from "../../ui/button";
import { FormDialog } from "../../ui/dialog";
import { Checkbox, Field, Input, Select } from "../../ui/field";
import { atLeast, type Defined, type FieldType, type Role, roleNames, roles, typeNames } from "../fields/data";
import { type Definition, definitionOf, fitting, keyOf } from "./fieldform";

/** FieldDialog defines a field, or changes one; it asks what the type needs. */
export function FieldDialog({ field, taken, onClose }: { field?: Defined; taken: string[]; onClose: () => void }) {
  const [d, setD] = useState<Definition>(() =>
    field ? definitionOf(field) : { name: "", type: "text", visible_to: "viewer", editable_by: "modeller", options: [{ ref: "", text: "" }] },
  );
  const [own, setOwn] = useState<string>();
  const key = field?.key ?? own ?? keyOf(d.name, taken);
  const set = (patch: Partial<Definition>) => setD((old) => ({ ...old, ...patch }));
  const save = useChange(
    undefined,
    () =>
      ok(
        api.PUT("/fields/{key}", {
          params: { path: { key }, header: field ? match(field.version) : { "If-None-Match": "*" } },
          body: fitting(d),
        }),
      ),
    (f) => ({ text: field ? `“${f.name}” is changed` : `“${f.name}” is defined` }),
  );
  const changed = field && field.type !== d.type;
  return (
    <FormDialog
      open
      onClose={onClose}
      title={field ? `Change “${field.name}”` : "New custom field"}
      about={field ? "What products store stays as it is. Where it no longer fits, it is shown and marked." : undefined}
      verb={field ? "Save" : "Add the field"}
      disabled={!d.name.trim()}
      submit={() => save.mutateAsync(undefined)}
    >
      {(problem) => (
        <>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Name" error={problem?.field("name")}>
              <Input value={d.name} required maxLength={100} autoFocus autoComplete="off" onChange={(e) => set({ name: e.target.value })} />
            </Field>
            <Field label="Key" hint="What rules and the interface call it; it stays" error={problem?.field("key")}>
              <Input
                value={key}
                disabled={!!field}
                maxLength={60}
                className="font-mono"
                autoComplete="off"
                onChange={(e) => setOwn(e.target.value)}
              />
            </Field>
          </div>
          <Field label="Help" optional hint="Stands below the field" error={problem?.field("help")}>
            <Input value={d.help ?? ""} maxLength={500} autoComplete="off" onChange={(e) => set({ help: e.target.value })} />
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Type" hint={changed ? "Values that do not fit the new type are kept and marked" : undefined} error={problem?.field("type")}>
              <Select
                value={d.type}
                onChange={(e) => set({ type: e.target.value as FieldType, ...(d.options?.length ? {} : { options: [{ ref: "", text: "" }] }) })}
              >
                {(Object.keys(typeNames) as FieldType[]).map((t) => (
                  <option key={t} value={t}>
                    {typeNames[t]}
                  </option>
                ))}
              </Select>
            </Field>
            <div className="grid content-end pb-1.5">
              <Checkbox label="Required for new products" checked={!!d.required} onChange={(e) => set({ required: e.target.checked })} />
            </div>
          </div>
          {d.type === "text" && <Pattern d={d} set={set} problem={problem} />}
          {d.type === "number" && <Bounds d={d} set={set} problem={problem} />}
          {d.type === "choice" && <Options d={d} set={set} problem={problem} />}
          <div className="grid gap-4 sm:grid-cols-2">
            <RoleField
              label="Seen by"
              value={d.visible_to}
              onChange={(r) => set({ visible_to: r, ...(atLeast(d.editable_by, r) ? {} : { editable_by: r }) })}
              error={problem?.field("visible_to")}
            />
            <RoleField
              label="Changed by"
              value={d.editable_by}
              least={d.visible_to as Role}
              onChange={(r) => set({ editable_by: r })}
              error={problem?.field("editable_by")}
            />
          </div>
        </>
      )}
    </FormDialog>
  );
}

type Part = { d: Definition; set: (patch: Partial<Definition>) => void; problem?: Problem };

/** Pattern is what a text must match, and a try-out of it: the server is asked, because its expressions are not the browser's. */
function Pattern({ d, set, problem }: Part) {
  const [sample, setSample] = useState("");
  const pattern = useDeferredValue(d.pattern ?? "");
  const value = useDeferredValue(sample);
  const tried = useQuery({
    queryKey: keys.instance("fields", "try", pattern, value),
    queryFn: ({ signal }) => ok(api.POST("/fields/try", { body: { field: { name: "Try", type: "text", pattern }, value }, signal })),
    enabled: pattern !== "" && value !== "",
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const wrong = tried.error instanceof Problem ? tried.error.field("field.pattern") : undefined;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Pattern" optional hint="An RE2 expression for the whole text" error={problem?.field("pattern") ?? wrong}>
        <Input
          value={d.pattern ?? ""}
          maxLength={500}
          className="font-mono"
          autoComplete="off"
          spellCheck={false}
          placeholder="K-\d{4}"
          onChange={(e) => set({ pattern: e.target.value })}
        />
      </Field>
      <Field
        label="Try it"
        optional
        hint={<span role="status">{value && pattern && tried.data ? (tried.data.fits ? "✓ Fits" : "✗ Does not fit") : "Nothing is stored"}</span>}
      >
        <Input
          value={sample}
          disabled={!d.pattern}
          maxLength={2000}
          autoComplete="off"
          placeholder="K-4711"
          onChange={(e) => setSample(e.target.value)}
        />
      </Field>
    </div>
  );
}

function Bounds({ d, set, problem }: Part) {
  const bound = (v: string) => (v === "" ? undefined : Number(v));
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Least" optional error={problem?.field("min")}>
        <Input type="number" step="any" value={d.min ?? ""} onChange={(e) => set({ min: bound(e.target.value) })} />
      </Field>
      <Field label="Greatest" optional error={problem?.field("max")}>
        <Input type="number" step="any" value={d.max ?? ""} onChange={(e) => set({ max: bound(e.target.value) })} />
      </Field>
    </div>
  );
}

function Options({ d, set, problem }: Part) {
  const box = useRef<HTMLFieldSetElement>(null);
  const options = d.options ?? [];
  const put = (i: number, text: string) => set({ options: options.map((o, n) => (n === i ? { ...o, text } : o)) });
  const add = () => {
    set({ options: [...options, { ref: "", text: "" }] });
    requestAnimationFrame(() =>
      [...(box.current?.querySelectorAll("input[type=text]") ?? [])]
        .map((e) => e as HTMLElement)
        .at(-1)
        ?.focus(),
    );
  };
  const wrong = problem?.fields.find((f) => f.where.startsWith("options"))?.text;
  return (
    <fieldset ref={box} className="grid gap-2">
      <legend className="mb-1 font-medium text-sm">Options</legend>
      {options.map((o, i) => (
        <div key={i} className="flex items-center gap-2">
          <Input
            type="text"
            aria-label={`Option ${i + 1}`}
            value={o.text}
            maxLength={200}
            autoComplete="off"
            onChange={(e) => put(i, e.target.value)}
            onKeyDown={(e) => {
              if (e.key !== "Enter") return;
              e.preventDefault();
              if (o.text.trim()) add();
            }}
          />
          <IconButton
            label={`Take option ${i + 1} away`}
            size="sm"
            disabled={options.length === 1}
            onClick={() => set({ options: options.filter((_, n) => n !== i) })}
          >
            <X size={14} />
          </IconButton>
        </div>
      ))}
      {wrong && <p className="text-critical text-xs">{wrong}</p>}
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Button size="sm" icon={<Plus aria-hidden size={13} />} onClick={add}>
          Add an option
        </Button>
        <Checkbox label="Several can be chosen" checked={!!d.multiple} onChange={(e) => set({ multiple: e.target.checked })} />
      </div>
    </fieldset>
  );
}

function RoleField({
  label,
  value,
  least,
  onChange,
  error,
}: {
  label: string;
  value?: string;
  least?: Role;
  onChange: (r: Role) => void;
  error?: string;
}) {
  return (
    <Field label={label} error={error}>
      <Select value={value} onChange={(e) => onChange(e.target.value as Role)}>
        {roles
          .filter((r) => atLeast(r, least))
          .map((r, i, all) => (
            <option key={r} value={r}>
              {roleNames[r]}
              {i < all.length - 1 ? " and above" : ""}
            </option>
          ))}
      </Select>
    </Field>
  );
}
