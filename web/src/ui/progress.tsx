import { Progress as Pr } from "radix-ui";
import { cx } from "./cx";

/** Progress runs from 0 to 1. */
export function Progress({ value, label, className }: { value: number; label: string; className?: string }) {
  return (
    <Pr.Root
      value={Math.round(value * 100)}
      max={100}
      aria-label={label}
      className={cx("h-1.5 w-full overflow-hidden rounded-full bg-sunken", className)}
    >
      <Pr.Indicator className="h-full rounded-full bg-accent transition-[width] duration-200" style={{ width: `${value * 100}%` }} />
    </Pr.Root>
  );
}
