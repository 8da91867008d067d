import { ChevronRight } from "lucide-react";
import { Popover as P, Switch as Sw, ToggleGroup } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";

/** Badge is a word on a quiet ground. */
export function Badge({
  tone = "neutral",
  children,
  className,
  icon,
}: {
  tone?: "neutral" | "accent" | "good" | "warn" | "bad";
  children: ReactNode;
  className?: string;
  icon?: ReactNode;
}) {
  const look = {
    neutral: "bg-raised text-soft",
    accent: "bg-accent-soft text-accent",
    good: "bg-low-soft text-low",
    warn: "bg-medium-soft text-medium",
    bad: "bg-critical-soft text-critical",
  }[tone];
  return (
    <span className={cx("inline-flex h-5.5 items-center gap-1 whitespace-nowrap rounded-sm px-1.5 text-xs font-medium", look, className)}>
      {icon}
      {children}
    </span>
  );
}

/** Count is a small number beside a name. */
export function Count({ n, tone = "neutral" }: { n: number; tone?: "neutral" | "accent" | "bad" }) {
  return (
    <span
      className={cx(
        "num rounded-full px-1.5 text-2xs font-medium",
        tone === "accent" ? "bg-accent text-on-accent" : tone === "bad" ? "bg-critical-soft text-critical" : "bg-raised text-soft",
      )}
    >
      {n > 9999 ? "9999+" : n}
    </span>
  );
}

/** Initials of a name; a person without a picture. */
export function Avatar({ name, size = 22 }: { name: string; size?: number }) {
  const letters = name
    .trim()
    .split(/\s+/)
    .map((w) => [...w][0] ?? "")
    .slice(0, 2)
    .join("")
    .toUpperCase();
  return (
    <span
      aria-hidden
      className="inline-grid shrink-0 place-items-center rounded-full bg-accent-soft font-medium text-accent"
      style={{ width: size, height: size, fontSize: size * 0.42 }}
    >
      {letters || "?"}
    </span>
  );
}

/** Owner is a person's name with initials, or that there is none. */
export function Owner({ name, short }: { name?: string; short?: boolean }) {
  if (!name) return <span className={cx("text-soft", short && "max-sm:hidden")}>{short ? "–" : "Nobody"}</span>;
  return (
    <span className="inline-flex min-w-0 items-center gap-1.5">
      <Avatar name={name} size={18} />
      <bdi className="truncate">{name}</bdi>
    </span>
  );
}

/** Popover opens something larger than a menu below its trigger. */
export function Popover({
  trigger,
  children,
  open,
  onOpenChange,
  align = "start",
  className,
  label,
}: {
  trigger: ReactNode;
  children: ReactNode;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  align?: "start" | "end" | "center";
  className?: string;
  label?: string;
}) {
  return (
    <P.Root open={open} onOpenChange={onOpenChange}>
      <P.Trigger asChild>{trigger}</P.Trigger>
      <P.Portal>
        <P.Content
          aria-label={label}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className={cx("z-50 animate-in rounded-lg border border-line bg-surface p-3 shadow-float outline-none", className ?? "w-72")}
        >
          {children}
        </P.Content>
      </P.Portal>
    </P.Root>
  );
}

/** Segmented chooses one of a few. */
export function Segmented<T extends string>({
  value,
  onChange,
  options,
  label,
}: {
  value: T;
  onChange: (v: T) => void;
  options: { value: T; text: ReactNode; title?: string }[];
  label: string;
}) {
  return (
    <ToggleGroup.Root
      type="single"
      value={value}
      onValueChange={(v) => v && onChange(v as T)}
      aria-label={label}
      className="inline-flex h-8.5 shrink-0 items-center rounded-md bg-sunken p-0.5"
    >
      {options.map((o) => (
        <ToggleGroup.Item
          key={o.value}
          value={o.value}
          title={o.title}
          className="inline-flex h-full items-center gap-1.5 rounded-[6px] px-2.5 text-sm text-soft hover:text-text data-[state=on]:bg-[light-dark(var(--surface),var(--line))] data-[state=on]:text-text data-[state=on]:shadow-card"
        >
          {o.text}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}

export function Switch({
  checked,
  onChange,
  label,
  disabled,
}: {
  checked: boolean;
  onChange: (on: boolean) => void;
  label: string;
  disabled?: boolean;
}) {
  return (
    <Sw.Root
      checked={checked}
      onCheckedChange={onChange}
      disabled={disabled}
      aria-label={label}
      className="relative h-5 w-9 shrink-0 rounded-full bg-control transition-colors data-[state=checked]:bg-accent disabled:opacity-50"
    >
      <Sw.Thumb className="block size-4 translate-x-0.5 rounded-full bg-surface transition-transform data-[state=checked]:translate-x-4.5" />
    </Sw.Root>
  );
}

/** Disclosure hides what is not always needed. */
export function Disclosure({ summary, children, open }: { summary: ReactNode; children: ReactNode; open?: boolean }) {
  return (
    <details open={open} className="group">
      <summary className="flex min-h-6 list-none items-center gap-1 rounded-sm py-1 text-sm font-medium [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden size={14} className="shrink-0 text-soft transition-transform group-open:rotate-90" />
        {summary}
      </summary>
      <div className="ps-5 pt-1">{children}</div>
    </details>
  );
}

/** Place is the frame of a place: its title, what can be done, and the content. */
export function Place({
  title,
  about,
  actions,
  children,
  wide,
}: {
  title: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  wide?: boolean;
}) {
  return (
    <div className={cx("mx-auto w-full px-4 pt-5 pb-16 sm:px-6", !wide && "max-w-[1240px]")}>
      <header className="mb-5 flex flex-wrap items-start gap-x-4 gap-y-3">
        <div className="min-w-0 flex-1 basis-56">
          <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
          {about && <p className="mt-0.5 max-w-[72ch] text-sm text-soft">{about}</p>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** Section is a card with a heading. */
export function Section({
  title,
  about,
  actions,
  children,
  className,
  flush,
}: {
  title?: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
  flush?: boolean;
}) {
  return (
    <section className={cx("card", className)}>
      {(title || actions) && (
        <div className="flex flex-wrap items-center gap-2 px-4 pt-3.5 pb-1">
          <div className="min-w-0 flex-1 basis-40">
            {title && <h2 className="text-base font-semibold">{title}</h2>}
            {about && <p className="text-xs text-soft">{about}</p>}
          </div>
          {actions}
        </div>
      )}
      <div className={cx(!flush && "px-4 pt-2 pb-4")}>{children}</div>
    </section>
  );
}

/** Facts is a list of names and values. */
export function Facts({ items }: { items: ([name: string, value: ReactNode] | false | undefined)[] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-1.5 text-sm">
      {items.map((i) =>
        i ? (
          <div key={i[0]} className="contents">
            <dt className="text-soft">{i[0]}</dt>
            <dd className="min-w-0">{i[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
