import { ChevronDown, ChevronUp, MoreHorizontal } from "lucide-react";
import type { ReactNode } from "react";
import { useKeys } from "../../app/keys";
import { IconButton } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Drawer } from "../../ui/dialog";
import { Menu } from "../../ui/menu";
import { Failed, Skeleton } from "../../ui/state";

/** DrawerProps are those of a drawer of one threat or countermeasure, wherever it opens. */
export interface DrawerProps {
  product: string;
  id: string;
  onClose: () => void;
  /** Opens the next (1) or the previous (-1) of the list that it is part of. */
  onStep?: (by: 1 | -1) => void;
  /** Opens another thing in the place of this one; without it, its own place is opened. */
  onOpen?: (kind: "threat" | "countermeasure", id: string) => void;
}

/** RiskDrawer is the frame of both drawers: what it is, next and previous, what can be done. */
export function RiskDrawer({
  title,
  about,
  onClose,
  onStep,
  menu,
  error,
  retry,
  children,
}: {
  title: ReactNode;
  about?: ReactNode;
  onClose: () => void;
  onStep?: (by: 1 | -1) => void;
  menu?: ReactNode;
  error?: unknown;
  retry?: () => void;
  children?: ReactNode;
}) {
  useKeys(
    {
      j: { does: "Next, while one is open", in: "Threats and countermeasures", run: () => onStep?.(1) },
      k: { does: "Previous, while one is open", in: "Threats and countermeasures", run: () => onStep?.(-1) },
    },
    !!onStep,
  );
  return (
    <Drawer
      open
      onClose={onClose}
      title={title}
      actions={
        <>
          {onStep && (
            <>
              <IconButton label="Previous" keys="k" onClick={() => onStep(-1)}>
                <ChevronUp size={16} />
              </IconButton>
              <IconButton label="Next" keys="j" onClick={() => onStep(1)}>
                <ChevronDown size={16} />
              </IconButton>
            </>
          )}
          {menu && (
            <Menu
              align="end"
              label="More"
              trigger={
                <IconButton label="More">
                  <MoreHorizontal size={16} />
                </IconButton>
              }
            >
              {menu}
            </Menu>
          )}
        </>
      }
    >
      {error ? (
        <Failed error={error} retry={retry} />
      ) : children ? (
        <div className="grid gap-5">
          {about}
          {children}
        </div>
      ) : (
        <div className="grid gap-4" role="status" aria-label="Loading">
          <Skeleton className="h-6 w-2/3" />
          <Skeleton className="h-14 w-full" />
          <Skeleton className="h-32 w-full" />
          <Skeleton className="h-32 w-full" />
        </div>
      )}
    </Drawer>
  );
}

/** Rows are named facts, each with what changes it. */
export function Rows({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[7.5rem_1fr] items-start gap-x-3 gap-y-1 text-sm">{children}</dl>;
}

/** Row is one fact; what follows a long one stands beside it where `beside` is set, and else below. */
export function Row({ name, mark, beside, children }: { name: string; mark?: ReactNode; beside?: boolean; children: ReactNode }) {
  return (
    <>
      <dt className="flex min-h-7 items-center gap-0.5 text-soft">
        {name}
        {mark}
      </dt>
      <dd className={cx("flex min-h-7 min-w-0 gap-x-2 gap-y-1", beside ? "items-baseline" : "flex-wrap items-center")}>{children}</dd>
    </>
  );
}

/** Part is a titled part of a drawer. */
export function Part({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="grid gap-2">
      <div className="flex min-h-7 items-center gap-2">
        <h3 className="overline flex-1">{title}</h3>
        {actions}
      </div>
      {children}
    </section>
  );
}
