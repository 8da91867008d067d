import { X } from "lucide-react";
import { useState } from "react";

/** Tags edits a list of short words. */
export function Tags({
  id,
  value,
  onChange,
  disabled,
  placeholder = "Add a tag",
  ...aria
}: {
  id?: string;
  value: string[];
  onChange: (tags: string[]) => void;
  disabled?: boolean;
  placeholder?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}) {
  const [text, setText] = useState("");
  const add = (raw: string) => {
    const words = raw
      .split(",")
      .map((w) => w.trim())
      .filter((w) => w && !value.includes(w));
    if (words.length) onChange([...value, ...words]);
    setText("");
  };
  return (
    <div className="control flex h-auto flex-wrap items-center gap-1.5 focus-within:outline-2 focus-within:outline-accent focus-within:outline-offset-2">
      {value.map((t) => (
        <span key={t} className="inline-flex max-w-full items-center gap-0.5 rounded-sm bg-raised ps-1.5 text-xs leading-5.5">
          <bdi className="truncate">{t}</bdi>
          <button
            type="button"
            aria-label={`Remove ${t}`}
            disabled={disabled}
            onClick={() => onChange(value.filter((x) => x !== t))}
            className="grid size-6 shrink-0 place-items-center rounded-sm text-soft hover:text-text"
          >
            <X aria-hidden size={12} />
          </button>
        </span>
      ))}
      <input
        id={id}
        value={text}
        disabled={disabled}
        placeholder={value.length ? "" : placeholder}
        onChange={(e) => (e.target.value.includes(",") ? add(e.target.value) : setText(e.target.value))}
        onBlur={() => add(text)}
        onKeyDown={(e) => {
          if (e.key === "Enter") {
            e.preventDefault();
            add(text);
          }
          if (e.key === "Backspace" && !text && value.length) onChange(value.slice(0, -1));
        }}
        className="min-w-24 flex-1 bg-transparent outline-none"
        {...aria}
      />
    </div>
  );
}
