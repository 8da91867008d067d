import { Command } from "cmdk";
import { Check, ChevronDown } from "lucide-react";
import { type ReactNode, useState } from "react";
import { cx } from "./cx";
import { Popover } from "./parts";

export interface Option {
  value: string;
  text: string;
  about?: string;
  group?: string;
  icon?: ReactNode;
}

/** Choices is a list to search and choose from; it is the inside of Combobox and of filters. */
export function Choices({
  options,
  chosen,
  onChoose,
  label,
  empty = "Nothing matches",
  create,
}: {
  options: Option[];
  chosen: (value: string) => boolean;
  onChoose: (value: string) => void;
  label: string;
  empty?: string;
  /** Makes a value of what was typed and is not in the list. */
  create?: (text: string) => void;
}) {
  const [text, setText] = useState("");
  const groups = [...new Set(options.map((o) => o.group ?? ""))];
  return (
    <Command label={label} loop className="grid gap-1">
      <Command.Input value={text} onValueChange={setText} placeholder={label} autoFocus className="control" />
      <Command.List className="max-h-72 overflow-y-auto">
        <Command.Empty className="px-2 py-3 text-sm text-soft">{empty}</Command.Empty>
        {groups.map((g) => (
          <Command.Group
            key={g}
            heading={g || undefined}
            className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-soft [&_[cmdk-group-heading]]:text-xs"
          >
            {options
              .filter((o) => (o.group ?? "") === g)
              .map((o) => (
                <Command.Item
                  key={o.value}
                  value={o.value}
                  keywords={[o.text, o.about ?? ""]}
                  onSelect={() => onChoose(o.value)}
                  className="flex items-center gap-2 rounded-md px-2 py-1.5 text-sm data-[selected=true]:bg-raised"
                >
                  <Check aria-hidden size={14} className={cx("shrink-0 text-accent", !chosen(o.value) && "invisible")} />
                  {o.icon}
                  <span className="min-w-0 flex-1">
                    <bdi>{o.text}</bdi>
                    {o.about && <span className="block text-xs text-soft">{o.about}</span>}
                  </span>
                </Command.Item>
              ))}
          </Command.Group>
        ))}
        {create && text.trim() && !options.some((o) => o.text === text.trim()) && (
          <Command.Item
            value={`create ${text}`}
            forceMount
            onSelect={() => create(text.trim())}
            className="flex items-center gap-2 rounded-md px-2 py-1.5 text-sm data-[selected=true]:bg-raised"
          >
            <span className="w-3.5" /> Use “{text.trim()}”
          </Command.Item>
        )}
      </Command.List>
    </Command>
  );
}

/** Combobox chooses one of many by typing; "" is none. */
export function Combobox({
  id,
  value,
  onChange,
  options,
  label,
  none,
  create,
  className,
  disabled,
  ...aria
}: {
  id?: string;
  value: string;
  onChange: (v: string) => void;
  options: Option[];
  label: string;
  /** What choosing nothing is called; without it nothing cannot be chosen. */
  none?: string;
  create?: boolean;
  className?: string;
  disabled?: boolean;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
}) {
  const [open, setOpen] = useState(false);
  const now = options.find((o) => o.value === value);
  const choose = (v: string) => {
    onChange(v);
    setOpen(false);
  };
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      label={label}
      className="w-[max(16rem,var(--radix-popover-trigger-width))] max-w-[calc(100vw-2rem)] p-2"
      trigger={
        <button
          type="button"
          id={id}
          disabled={disabled}
          role="combobox"
          aria-haspopup="listbox"
          aria-expanded={open}
          className={cx("control flex items-center gap-2 text-start", className)}
          {...aria}
        >
          <bdi className={cx("min-w-0 flex-1 truncate", !now && !value && "text-soft")}>{now?.text ?? (value || none || label)}</bdi>
          <ChevronDown aria-hidden size={14} className="text-soft" />
        </button>
      }
    >
      <Choices
        label={label}
        options={none ? [{ value: "", text: none }, ...options] : options}
        chosen={(v) => v === value}
        onChoose={choose}
        create={create ? choose : undefined}
      />
    </Popover>
  );
}
