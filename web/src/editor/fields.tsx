import { Plus, X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Choices, type Option } from "../ui/combobox";
import { Field, Input, Textarea } from "../ui/field";
import { Popover } from "../ui/parts";

/**
 * TextField is a text that is taken over when the person pauses or goes on elsewhere.
 * What others change does not touch what is being typed.
 */
export function TextField({
  label,
  value,
  onCommit,
  multiline,
  hint,
  required,
  placeholder,
  type,
  min,
  max,
  mixed,
}: {
  label: ReactNode;
  value: string;
  onCommit: (v: string) => void;
  multiline?: boolean;
  hint?: ReactNode;
  required?: boolean;
  placeholder?: string;
  type?: "number" | "text";
  min?: number;
  max?: number;
  /** Several things with different values are edited together. */
  mixed?: boolean;
}) {
  const [draft, setDraft] = useState<string>();
  const latest = useRef({ draft, onCommit, value, required });
  latest.current = { draft, onCommit, value, required };
  const take = () => {
    const { draft, onCommit, value, required } = latest.current;
    if (draft === undefined || draft === value || (required && !draft.trim())) return;
    onCommit(draft);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed starts the wait again
  useEffect(() => {
    if (draft === undefined || type === "number") return;
    const t = setTimeout(take, 700);
    return () => clearTimeout(t);
  }, [draft]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was typed last is taken when the field goes
  useEffect(() => () => take(), []);
  const props = {
    value: draft ?? value,
    placeholder: mixed ? "Different values" : placeholder,
    onChange: (e: { target: { value: string } }) => setDraft(e.target.value),
    onBlur: () => {
      take();
      latest.current.draft = undefined;
      setDraft(undefined);
    },
  };
  return (
    <Field
      label={label}
      hint={hint}
      error={required && draft !== undefined && !draft.trim() ? "It needs a name; until then the old one stays." : undefined}
    >
      {multiline ? (
        <Textarea rows={3} {...props} />
      ) : (
        <Input type={type ?? "text"} min={min} max={max} {...props} onKeyDown={(e) => e.key === "Enter" && e.currentTarget.blur()} />
      )}
    </Field>
  );
}

/** ListField is a list of short texts: tags, locations. */
export function ListField({
  label,
  values,
  onChange,
  suggestions = [],
  hint,
}: {
  label: string;
  values: readonly string[];
  onChange: (v: string[]) => void;
  suggestions?: string[];
  hint?: ReactNode;
}) {
  const [text, setText] = useState("");
  const id = useId();
  const add = () => {
    const fresh = text
      .split(",")
      .map((t) => t.trim())
      .filter((t) => t && !values.includes(t));
    if (fresh.length > 0) onChange([...values, ...fresh]);
    setText("");
  };
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {values.length > 0 && <Chips names={values.map((v) => [v, v])} onRemove={(v) => onChange(values.filter((x) => x !== v))} />}
      <input
        id={id}
        list={`${id}-list`}
        value={text}
        placeholder="Add…"
        className="control"
        onChange={(e) => setText(e.target.value)}
        onBlur={add}
        onKeyDown={(e) => {
          if (e.key === "Enter") add();
          if (e.key === "Backspace" && !text && values.length > 0) onChange(values.slice(0, -1));
        }}
      />
      <datalist id={`${id}-list`}>
        {suggestions.map((s) => (
          <option key={s} value={s} />
        ))}
      </datalist>
      {hint && <p className="text-xs text-soft">{hint}</p>}
    </div>
  );
}

function Chips({ names, onRemove }: { names: (readonly [string, string])[]; onRemove: (id: string) => void }) {
  return (
    <ul className="flex flex-wrap gap-1">
      {names.map(([id, name]) => (
        <li key={id} className="inline-flex h-6 max-w-full items-center gap-1 rounded-sm bg-raised ps-1.5 text-xs">
          <bdi className="truncate">{name}</bdi>
          <button
            type="button"
            aria-label={`Remove ${name}`}
            onClick={() => onRemove(id)}
            className="grid size-6 shrink-0 place-items-center rounded-sm text-soft hover:text-text"
          >
            <X aria-hidden size={12} />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** PickField is a choice of several from a list that can be searched and added to. */
export function PickField({
  label,
  values,
  onChange,
  options,
  create,
}: {
  label: string;
  values: readonly string[];
  onChange: (v: string[]) => void;
  options: Option[];
  create?: (text: string) => string;
}) {
  const [open, setOpen] = useState(false);
  const name = (id: string) => options.find((o) => o.value === id)?.text ?? id;
  return (
    <div className="grid gap-1">
      <div className="flex items-center justify-between">
        <span className="text-sm font-medium">{label}</span>
        <Popover
          open={open}
          onOpenChange={setOpen}
          align="end"
          label={label}
          className="w-64 p-2"
          trigger={
            <button
              type="button"
              aria-label={`Add: ${label}`}
              className="inline-flex h-6 items-center gap-1 rounded-sm px-1.5 text-soft text-xs enabled:hover:bg-raised enabled:hover:text-text disabled:cursor-not-allowed disabled:opacity-55"
            >
              <Plus aria-hidden size={13} /> Add
            </button>
          }
        >
          <Choices
            label={label}
            options={options}
            chosen={(v) => values.includes(v)}
            onChoose={(v) => onChange(values.includes(v) ? values.filter((x) => x !== v) : [...values, v])}
            empty="None yet: type a name"
            create={create && ((text) => onChange([...values, create(text)]))}
          />
        </Popover>
      </div>
      {values.length > 0 ? (
        <Chips names={values.map((v) => [v, name(v)])} onRemove={(v) => onChange(values.filter((x) => x !== v))} />
      ) : (
        <p className="text-soft text-xs">None</p>
      )}
    </div>
  );
}
