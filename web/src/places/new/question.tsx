import { X } from "lucide-react";
import { useId } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";

export type Question = S["LibraryQuestion"];

const yesNo = [
  { ref: "yes", title: "Yes" },
  { ref: "no", title: "No" },
];

/** QuestionField asks one question: a choice, several, yes or no, a number or a text. */
export function QuestionField({
  question: q,
  values,
  onChange,
  disabled,
  problem,
}: {
  question: Question;
  values: string[];
  onChange: (values: string[]) => void;
  disabled?: boolean;
  /** Why the answer does not fit the question. */
  problem?: string;
}) {
  const id = useId();
  const about = [q.help && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(" ") || undefined;
  const written = q.kind === "text" || q.kind === "number";
  const notes = (
    <>
      {q.help && (
        <p id={`${id}-help`} className="mt-0.5 text-sm text-soft">
          {q.help}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="mt-0.5 text-critical text-sm">
          This answer cannot be read: {problem}. It counts as not given.
        </p>
      )}
    </>
  );
  if (written) {
    return (
      <div>
        <label htmlFor={id} className="font-medium">
          {q.title}
        </label>
        {notes}
        <input
          id={id}
          type={q.kind === "number" ? "number" : "text"}
          step="any"
          inputMode={q.kind === "number" ? "decimal" : undefined}
          value={values[0] ?? ""}
          placeholder={q.default?.[0] ? `For example ${q.default[0]}` : undefined}
          disabled={disabled}
          maxLength={1000}
          aria-describedby={about}
          aria-invalid={problem ? true : undefined}
          onChange={(e) => onChange(e.target.value ? [e.target.value] : [])}
          className={cx("control mt-2", q.kind === "number" ? "max-w-48" : "max-w-xl")}
        />
      </div>
    );
  }
  const several = q.kind === "choices";
  const options = q.kind === "yes_no" ? yesNo : (q.options ?? []);
  const now = q.kind === "yes_no" ? values.map((v) => (v === "true" ? "yes" : v === "false" ? "no" : v)) : values;
  const pick = (ref: string, on: boolean) => {
    if (!several) return onChange(on ? [ref] : []);
    // In the order of the options, whatever the order of ticking.
    const next = new Set(on ? [...now, ref] : now.filter((v) => v !== ref));
    onChange(options.map((o) => o.ref).filter((r) => next.has(r)));
  };
  return (
    <fieldset aria-describedby={about} disabled={disabled}>
      <legend className="font-medium">
        {q.title}
        {several && <span className="font-normal text-soft text-sm"> · any number</span>}
      </legend>
      {notes}
      <div className={cx("mt-2 gap-1.5", q.kind === "yes_no" ? "flex" : "grid")}>
        {options.map((o) => {
          const on = now.includes(o.ref);
          return (
            <label
              key={o.ref}
              className={cx(
                "flex items-center gap-2.5 rounded-md border px-3 py-2 text-sm transition-colors duration-100 has-focus-visible:outline-2 has-focus-visible:outline-accent has-focus-visible:outline-offset-2",
                on ? "border-accent bg-accent-soft" : "border-line bg-surface",
                !disabled && !on && "hover:border-control",
                q.kind === "yes_no" && "min-w-24",
              )}
            >
              <input
                type={several ? "checkbox" : "radio"}
                name={id}
                checked={on}
                onChange={(e) => pick(o.ref, e.target.checked)}
                className="size-3.5 shrink-0 focus-visible:outline-none"
              />
              <span className="min-w-0">{o.title}</span>
            </label>
          );
        })}
      </div>
      {!several && now.length > 0 && !disabled && (
        <button
          type="button"
          onClick={() => onChange([])}
          className="mt-1.5 inline-flex items-center gap-1 rounded-sm text-soft text-xs hover:text-text"
        >
          <X aria-hidden size={12} />
          Take the answer back
        </button>
      )}
    </fieldset>
  );
}
