import { TriangleAlert } from "lucide-react";
import { Button } from "../../ui/button";
import { ErrorText } from "../../ui/state";
import { say } from "../product/difference";
import type { Draft } from "./draft";

/** SaveBar says what is not saved yet, and lets a person choose where somebody else changed the same. */
export function SaveBar<T extends object>({
  draft: d,
  stored,
  names,
  save,
  busy,
  error,
}: {
  draft: Draft<T>;
  stored: T;
  names: Partial<Record<keyof T & string, string>>;
  save: () => void;
  busy: boolean;
  error?: unknown;
}) {
  if (d.dirty.length === 0) return null;
  const name = (f: keyof T & string) => names[f] ?? f;
  return (
    <section
      aria-label="Unsaved changes"
      data-lower
      className="sticky bottom-3 z-20 mt-4 grid gap-3 rounded-lg border border-accent/50 bg-surface px-4 py-3 shadow-float"
    >
      {d.conflicts.length > 0 && (
        <div className="grid gap-2" role="alert">
          <p className="flex items-center gap-2 font-medium text-medium text-sm">
            <TriangleAlert aria-hidden size={15} /> Somebody else changed the same meanwhile. Choose which is to stay.
          </p>
          <ul className="grid gap-2">
            {d.conflicts.map((f) => (
              <li key={f} className="grid gap-x-4 gap-y-1.5 rounded-md bg-raised px-3 py-2 text-sm sm:grid-cols-[8rem_minmax(0,1fr)_minmax(0,1fr)]">
                <span className="font-medium">{name(f)}</span>
                <span className="grid justify-items-start gap-1">
                  <span className="text-soft text-xs">Yours</span>
                  <bdi className="line-clamp-4">{say(d.value[f])}</bdi>
                  <Button size="sm" onClick={() => d.keep(f)}>
                    Keep yours
                  </Button>
                </span>
                <span className="grid justify-items-start gap-1">
                  <span className="text-soft text-xs">Stored now</span>
                  <bdi className="line-clamp-4">{say(stored[f])}</bdi>
                  <Button size="sm" onClick={() => d.take(f)}>
                    Take that
                  </Button>
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
      {error !== undefined && error !== null && <ErrorText error={error} />}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <p className="min-w-0 flex-1 basis-48 text-sm" role="status">
          Not saved yet: {d.dirty.map((f) => name(f).toLowerCase()).join(", ")}
          <span className="block text-soft text-xs">It is kept while this tab is open, also when you go elsewhere.</span>
        </p>
        <div className="ms-auto flex gap-2">
          <Button onClick={d.clear} disabled={busy}>
            Discard
          </Button>
          <Button look="primary" busy={busy} disabled={d.conflicts.length > 0} onClick={save}>
            Save
          </Button>
        </div>
      </div>
    </section>
  );
}
