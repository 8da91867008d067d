import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { Button } from "./button";
import { cx } from "./cx";
import { sentence } from "./words";

/** errorText says in words what an error is. */
export function errorText(error: unknown): string {
  return sentence(error instanceof Error ? error.message : String(error));
}

/** ErrorText says what went wrong where it went wrong, with what the server says of each field. */
export function ErrorText({ error, className }: { error: unknown; className?: string }) {
  const fields = error instanceof Problem ? error.fields : [];
  return (
    <div role="alert" className={cx("flex gap-2 rounded-md bg-critical-soft px-3 py-2 text-sm text-critical", className)}>
      <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />
      <div className="min-w-0">
        <p>{errorText(error)}</p>
        {fields.length > 0 && (
          <ul className="mt-1 list-disc ps-4">
            {fields.map((f, i) => (
              <li key={i}>
                {f.where ? (
                  <>
                    <code className="text-xs">{f.where}</code> {f.text}
                  </>
                ) : (
                  sentence(f.text)
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}

/** Failed takes the place of what could not be read; way leads on from what is not there. */
export function Failed({ error, retry, alone, way }: { error: unknown; retry?: () => void; alone?: boolean; way?: ReactNode }) {
  const gone = error instanceof Problem && error.status === 404;
  const forbidden = error instanceof Problem && error.status === 403;
  return (
    <Empty
      alone={alone}
      icon={<CircleAlert size={20} />}
      title={gone ? "There is nothing here, or you may not see it" : forbidden ? "You may not see this" : "This could not be read"}
      action={
        retry && !gone && !forbidden ? (
          <Button icon={<RotateCw size={14} />} onClick={retry}>
            Try again
          </Button>
        ) : gone || forbidden ? (
          way
        ) : undefined
      }
    >
      {gone ? "It was deleted, or the address is not whole." : errorText(error)}
    </Empty>
  );
}

/** Empty says that there is nothing, why, and what to do next. Alone it is the whole place, and its title the heading. */
export function Empty({
  icon,
  title,
  children,
  action,
  className,
  alone,
}: {
  icon?: ReactNode;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  className?: string;
  alone?: boolean;
}) {
  const Title = alone ? "h1" : "p";
  return (
    <div className={cx("mx-auto grid max-w-md justify-items-center gap-2 px-4 py-14 text-center", className)}>
      {icon && <div className="mb-1 grid size-10 place-items-center rounded-lg bg-raised text-soft">{icon}</div>}
      <Title className="font-medium">{title}</Title>
      {children && <div className="text-sm text-soft">{children}</div>}
      {action && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** Skeleton holds the place of what is being read; it is seen only when that takes long. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <div aria-hidden className={cx("animate-late", className)}>
      <div className="h-full w-full animate-pulse rounded-md bg-raised" />
    </div>
  );
}

/** Loading holds the place of a whole page. */
export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <div className="grid gap-3 p-6" role="status" aria-label="Loading">
      <Skeleton className="h-7 w-56" />
      {Array.from({ length: rows }, (_, i) => (
        <Skeleton key={i} className="h-9 w-full" />
      ))}
    </div>
  );
}
