import { Search, X } from "lucide-react";
import { type ComponentProps, cloneElement, type FormEvent, type ReactElement, type ReactNode, useId, useState } from "react";
import { cx } from "./cx";
import { sentence } from "./words";

interface Labelled {
  id?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** refusal says in the page's own words why a browser does not send a control. */
function refusal(el: Control): string {
  const v = el.validity;
  const of = (name: string) => el.getAttribute(name) ?? "";
  if (v.valueMissing) return el instanceof HTMLSelectElement || el.type === "checkbox" || el.type === "radio" ? "Choose one." : "Fill this in.";
  if (v.typeMismatch) return el.type === "email" ? "That is no e-mail address." : "That is no address; it begins with https://.";
  if (v.patternMismatch) return el.title || "That does not have the form that is asked for.";
  if (v.tooShort) return `At least ${of("minlength")} characters.`;
  if (v.rangeUnderflow) return `${of("min")} or more.`;
  if (v.rangeOverflow) return `${of("max")} or less.`;
  if (v.badInput) return "That is no number.";
  return el.validationMessage;
}

/**
 * Field puts a label, a hint and an error around one control. What the browser
 * would say in a bubble of its own is said here too.
 */
export function Field({
  label,
  hint,
  error,
  optional,
  className,
  children,
}: {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  optional?: boolean;
  className?: string;
  children: ReactElement<Labelled>;
}) {
  const id = useId();
  const own = children.props.id ?? id;
  const [refused, setRefused] = useState<string>();
  const wrong = refused ?? (typeof error === "string" ? sentence(error) : error);
  const about = [hint && `${id}-hint`, wrong && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const refuse = (e: FormEvent<HTMLElement>) => {
    const el = e.target as Control;
    e.preventDefault();
    setRefused(refusal(el));
    if (el.form?.querySelector(":is(input, textarea, select):invalid") === el) el.focus();
  };
  return (
    <div
      className={cx("grid content-start gap-1", className)}
      onInvalidCapture={refuse}
      onInput={(e) => refused && ((e.target as Control).validity?.valid ?? true) && setRefused(undefined)}
    >
      <label htmlFor={own} className="text-sm font-medium">
        {label}
        {optional && <span className="font-normal text-soft"> (optional)</span>}
      </label>
      {cloneElement(children, { id: own, "aria-describedby": about, "aria-invalid": wrong ? true : undefined })}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-soft">
          {hint}
        </p>
      )}
      {wrong && (
        <p id={`${id}-error`} className="text-xs text-critical">
          {wrong}
        </p>
      )}
    </div>
  );
}

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={cx("control", className)} {...rest} />;
}

export function Textarea({ className, rows = 4, ...rest }: ComponentProps<"textarea">) {
  return <textarea rows={rows} className={cx("control min-h-20", className)} {...rest} />;
}

/** Select is the browser's own list of choices: the best one there is on a telephone and with a screen reader. */
export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select className={cx("control pe-7", className)} {...rest} />;
}

export function Checkbox({ label, className, ...rest }: Omit<ComponentProps<"input">, "type"> & { label: ReactNode }) {
  return (
    <label className={cx("flex items-start gap-2 text-sm", className)}>
      <input type="checkbox" className="mt-0.75 size-3.5 shrink-0" {...rest} />
      <span>{label}</span>
    </label>
  );
}

/** SearchInput filters what is below it. */
export function SearchInput({
  value,
  onChange,
  label,
  className,
  small,
  ref,
}: {
  value: string;
  onChange: (v: string) => void;
  label: string;
  className?: string;
  /** As high as the small buttons beside it. */
  small?: boolean;
  ref?: React.Ref<HTMLInputElement>;
}) {
  return (
    <div className={cx("relative", className)}>
      <Search aria-hidden size={14} className="pointer-events-none absolute start-2.5 top-1/2 -translate-y-1/2 text-soft" />
      <input
        ref={ref}
        type="search"
        value={value}
        aria-label={label}
        placeholder={label}
        data-search
        onChange={(e) => onChange(e.target.value)}
        onKeyDown={(e) => {
          if (e.key === "Escape") {
            if (value) {
              e.stopPropagation();
              onChange("");
            } else e.currentTarget.blur();
          }
        }}
        className={cx("control ps-8 pe-7 [&::-webkit-search-cancel-button]:hidden", small && "h-7 min-h-7 border-control/60 py-0 text-sm")}
      />
      {value && (
        <button
          type="button"
          aria-label="Clear the search"
          onClick={() => onChange("")}
          className="absolute end-0.5 top-1/2 grid size-7 -translate-y-1/2 place-items-center rounded-sm text-soft hover:bg-raised"
        >
          <X aria-hidden size={13} />
        </button>
      )}
    </div>
  );
}
