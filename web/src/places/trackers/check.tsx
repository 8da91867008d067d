import { Circle, CircleAlert, CircleCheck, LoaderCircle, TriangleAlert } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { api, ok } from "../../api/client";
import { Button } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Field, Input } from "../../ui/field";
import { ErrorText } from "../../ui/state";
import type { Connection, Finding } from "./data";

const steps: [step: string, name: string][] = [
  ["identity", "The tracker answers and knows us"],
  ["project", "The project is there"],
  ["type", "The issue type can be created"],
  ["fields", "Required fields have a value"],
  ["permissions", "The account may do what is needed"],
  ["statuses", "The workflow has open and done statuses"],
  ["webhook", "Changes are told at once"],
];

/** CheckList walks the check list of a connection for a place in the tracker, step by step. */
export function CheckList({
  connection: c,
  project,
  type,
  onTarget,
}: {
  connection: Connection;
  project: string;
  type: string;
  onTarget: (project: string, type: string) => void;
}) {
  const [p, setP] = useState(project);
  const [t, setT] = useState(type || (c.kind === "jira" ? "Task" : ""));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [findings, setFindings] = useState<Finding[]>();
  const [shown, setShown] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const mine = c.kind === "builtin" ? steps.slice(0, 2) : steps;

  useEffect(() => {
    if (!findings || shown >= mine.length) return;
    timer.current = setTimeout(() => setShown((n) => n + 1), 140);
    return () => clearTimeout(timer.current);
  }, [findings, shown, mine.length]);

  const run = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError(undefined);
    setFindings(undefined);
    setShown(0);
    onTarget(p.trim(), t.trim());
    try {
      const list = await ok(
        api.POST("/connections/{connection}/check", {
          params: { path: { connection: c.id } },
          body: { project: p.trim(), type: t.trim() || undefined },
        }),
      );
      setFindings(list.items ?? []);
    } catch (err) {
      setError(err);
    } finally {
      setBusy(false);
    }
  };
  const stopped = findings
    ? mine.findIndex(
        ([s]) =>
          findings.some((f) => f.step === s && f.level === "failed") &&
          !mine.slice(mine.findIndex(([x]) => x === s) + 1).some(([x]) => findings.some((f) => f.step === x)),
      )
    : -1;
  const failed = findings?.filter((f) => f.level === "failed").length ?? 0;
  return (
    <div className="grid gap-5 lg:grid-cols-[18rem_1fr]">
      <form onSubmit={run} className="grid content-start gap-4">
        <Field
          label="Project"
          hint={
            c.kind === "builtin"
              ? "Two to ten capital letters; its tickets are numbered SHOP-1, SHOP-2."
              : "Key of the project where tickets are to be made."
          }
        >
          <Input required maxLength={200} value={p} onChange={(e) => setP(e.target.value)} placeholder="SHOP" />
        </Field>
        {c.kind === "jira" && (
          <Field label="Issue type">
            <Input required maxLength={200} value={t} onChange={(e) => setT(e.target.value)} placeholder="Task" />
          </Field>
        )}
        <Button type="submit" look="primary" busy={busy} className="justify-self-start">
          {findings ? "Check again" : "Check"}
        </Button>
        <p className="text-soft text-xs">Nothing is changed in the tracker.</p>
      </form>
      <div>
        <ol className="grid gap-1" aria-label="Check list" aria-busy={busy}>
          {mine.map(([step, name], i) => (
            <Step
              key={step}
              name={name}
              found={(findings ?? []).filter((f) => f.step === step)}
              state={busy ? (i === 0 ? "runs" : "waits") : !findings ? "waits" : i < shown ? "shown" : i === shown ? "runs" : "waits"}
              skipped={stopped >= 0 && i > stopped}
            />
          ))}
        </ol>
        {error !== undefined && <ErrorText error={error} className="mt-3" />}
        <p role="status" className="mt-3 text-sm">
          {findings &&
            shown >= mine.length &&
            (failed === 0 ? (
              <span className="font-medium text-low">Ready: tickets can be made there.</span>
            ) : (
              <span>
                {failed === 1 ? "One thing has" : `${failed} things have`} to be put right before tickets can be made. Mend it in the tracker or in
                the settings, then check again.
              </span>
            ))}
        </p>
      </div>
    </div>
  );
}

function Step({ name, found, state, skipped }: { name: string; found: Finding[]; state: "waits" | "runs" | "shown"; skipped: boolean }) {
  const done = state === "shown" && found.length > 0;
  const worst = !done ? undefined : found.some((f) => f.level === "failed") ? "failed" : found.some((f) => f.level === "warning") ? "warning" : "ok";
  const icon =
    worst === "failed" ? (
      <CircleAlert aria-hidden size={18} className="text-critical" />
    ) : worst === "warning" ? (
      <TriangleAlert aria-hidden size={18} className="text-medium" />
    ) : worst === "ok" ? (
      <CircleCheck aria-hidden size={18} className="text-low" />
    ) : state === "runs" && !skipped ? (
      <LoaderCircle aria-hidden size={18} className="animate-spin text-accent" />
    ) : (
      <Circle aria-hidden size={18} className="text-control" />
    );
  return (
    <li
      className={cx(
        "flex items-start gap-3 rounded-md border px-3 py-2.5",
        worst === "ok"
          ? "border-low/40 bg-low-soft"
          : worst === "failed"
            ? "border-critical/40 bg-critical-soft"
            : worst === "warning"
              ? "border-medium/40 bg-medium-soft"
              : "border-line",
      )}
    >
      <span className="mt-0.5 shrink-0">{icon}</span>
      <div className="min-w-0 text-sm">
        <p className="font-medium">
          {name}
          <span className="sr-only">
            {worst === "ok" ? ": good" : worst === "failed" ? ": failed" : worst === "warning" ? ": could be better" : ": not checked yet"}
          </span>
        </p>
        {done &&
          found.map((f, i) => (
            <p key={i} className="first-letter:uppercase">
              {f.text}
            </p>
          ))}
        {skipped && state === "shown" && found.length === 0 && <p className="text-soft">Not reached.</p>}
      </div>
    </li>
  );
}
