import { LoaderCircle } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./cx";
import { Tooltip } from "./tooltip";

const looks = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong font-medium",
  secondary: "bg-surface border border-control/60 hover:bg-raised",
  ghost: "hover:bg-raised text-soft hover:text-text",
  danger: "bg-critical text-bg hover:opacity-90 font-medium",
} as const;

export interface ButtonProps extends ComponentProps<"button"> {
  look?: keyof typeof looks;
  size?: "sm" | "md";
  icon?: ReactNode;
  /** Something is under way: the button cannot be pressed, and shows it when it takes long. */
  busy?: boolean;
}

export function Button({
  look = "secondary",
  size = "md",
  icon,
  busy,
  className,
  children,
  disabled,
  type = "button",
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      type={type}
      // The second click of a double click is no second wish, where one sends something: what can be busy.
      // Where each only goes a step further, it is.
      onClick={(e) => {
        if (busy || (e.detail > 1 && busy !== undefined && (look === "primary" || look === "danger"))) e.preventDefault();
        else onClick?.(e);
      }}
      // Busy it stays where the focus is, which a disabled button loses.
      disabled={disabled && !busy}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      className={cx(
        "inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md transition-colors duration-100 aria-disabled:cursor-not-allowed aria-disabled:opacity-55 disabled:cursor-not-allowed disabled:opacity-55",
        size === "sm" ? "h-7 px-2 text-xs" : "h-8.5 px-3 text-sm",
        looks[look],
        className,
      )}
      {...rest}
    >
      {busy ? <LoaderCircle aria-hidden className="animate-spin" size={14} /> : icon}
      {children}
    </button>
  );
}

/** IconButton is a button that shows only an icon; its label is its tooltip and its name. */
export function IconButton({
  label,
  keys,
  look = "ghost",
  size = "md",
  className,
  children,
  busy,
  disabled,
  type = "button",
  onClick,
  ...rest
}: ButtonProps & { label: string; keys?: string }) {
  return (
    <Tooltip text={label} keys={keys}>
      <button
        type={type}
        aria-label={label}
        onClick={(e) => (busy ? e.preventDefault() : onClick?.(e))}
        disabled={disabled && !busy}
        aria-disabled={busy || undefined}
        aria-busy={busy || undefined}
        className={cx(
          "inline-grid shrink-0 place-items-center rounded-md transition-colors duration-100 aria-disabled:cursor-not-allowed aria-disabled:opacity-45 disabled:cursor-not-allowed disabled:opacity-45",
          size === "sm" ? "size-7" : "size-8.5",
          looks[look],
          className,
        )}
        {...rest}
      >
        {busy ? <LoaderCircle aria-hidden className="animate-spin" size={14} /> : children}
      </button>
    </Tooltip>
  );
}
