import { Check } from "lucide-react";
import { DropdownMenu as M } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "./cx";
import { Kbd } from "./kbd";

const item =
  "flex cursor-default items-center gap-2 rounded-md px-2 py-1.5 text-sm outline-none select-none data-[highlighted]:bg-raised data-[disabled]:opacity-50";

/** Menu opens below its trigger. Its content is MenuItem, MenuCheck and MenuLine. */
export function Menu({
  trigger,
  children,
  align = "start",
  label,
}: {
  trigger: ReactNode;
  children: ReactNode;
  align?: "start" | "end" | "center";
  label?: string;
}) {
  return (
    <M.Root modal={false}>
      <M.Trigger asChild>{trigger}</M.Trigger>
      <M.Portal>
        <M.Content
          aria-label={label}
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className="z-50 max-h-[min(420px,70vh)] min-w-44 animate-in overflow-y-auto rounded-lg border border-line bg-surface p-1 shadow-float"
        >
          {children}
        </M.Content>
      </M.Portal>
    </M.Root>
  );
}

export function MenuItem({
  icon,
  keys,
  danger,
  onSelect,
  disabled,
  children,
}: {
  icon?: ReactNode;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  onSelect?: () => void;
  children: ReactNode;
}) {
  return (
    <M.Item disabled={disabled} onSelect={onSelect} className={cx(item, danger && "text-critical")}>
      {icon && <span className={cx("grid size-4 place-items-center", !danger && "text-soft")}>{icon}</span>}
      <span className="flex-1">{children}</span>
      {keys && <Kbd keys={keys} />}
    </M.Item>
  );
}

/** MenuCheck can be on or off and leaves the menu open. */
export function MenuCheck({ checked, onChange, children }: { checked: boolean; onChange: (on: boolean) => void; children: ReactNode }) {
  return (
    <M.CheckboxItem checked={checked} onCheckedChange={onChange} onSelect={(e) => e.preventDefault()} className={item}>
      <span className={cx("grid size-4 place-items-center rounded-sm border", checked ? "border-accent bg-accent text-on-accent" : "border-control")}>
        {checked && <Check aria-hidden size={12} />}
      </span>
      <span className="flex-1">{children}</span>
    </M.CheckboxItem>
  );
}

export function MenuLine() {
  return <M.Separator className="my-1 h-px bg-line" />;
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <M.Label className="overline px-2 pt-1.5 pb-1">{children}</M.Label>;
}
