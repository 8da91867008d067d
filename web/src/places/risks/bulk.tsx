import { X } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "../../ui/button";
import { plural } from "../../ui/words";

/** BulkBar stands over a list while rows of it are selected: how many, what they sum up to, what can be done with them. */
export function BulkBar({ n, one, sums, onClear, children }: { n: number; one: string; sums?: ReactNode; onClear: () => void; children: ReactNode }) {
  if (n === 0) return null;
  return (
    <div
      role="toolbar"
      data-lower
      aria-label="The selection"
      className="fixed inset-x-3 bottom-3 z-20 mx-auto flex w-fit max-w-[calc(100vw-1.5rem)] animate-in flex-wrap items-center gap-x-3 gap-y-2 rounded-lg border border-line bg-surface px-3 py-2 shadow-float"
    >
      <p className="num flex-1 text-sm" role="status">
        <span className="font-medium">{plural(n, one)}</span>
        {sums && <span className="text-soft"> · {sums}</span>}
      </p>
      <div className="flex flex-wrap items-center gap-1.5 max-sm:order-1 max-sm:w-full">{children}</div>
      <IconButton label="Clear the selection" size="sm" onClick={onClear}>
        <X size={14} />
      </IconButton>
    </div>
  );
}
