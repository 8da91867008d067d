import { ChevronDown } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { cx } from "./cx";
import { Popover } from "./parts";

export interface Option {
  value: string;
  text: string;
  about?: string;
  group?: string;
  icon?: ReactNode;
}

export interface ChoicesProps {
  options: Option[];
  chosen: (value: string) => boolean;
  onChoose: (value: string) => void;
  label: string;
  empty?: string;
  /** Makes a value of what was typed and is not in the list. */
  create?: (text: string) => void;
}

const list = () => import("./choices");
const List = lazy(list);

const read = () => void list().catch(() => undefined); // opening it says what is wrong

/** ahead reads the list's code when a pointer or the focus comes to what opens it, so that it opens filled. */
export const ahead = { onPointerEnter: read, onFocus: read };

/** Choices is a list to search and choose from; it is the inside of Combobox and of filters. */
export function Choices(props: ChoicesProps) {
  return (
    <Suspense fallback={<div className="h-9" />}>
      <List {...props} />
    </Suspense>
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
          aria-label={id ? undefined : label}
          className={cx("control flex items-center gap-2 text-start", className)}
          {...ahead}
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
