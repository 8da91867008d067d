import { CircleAlert, CircleCheck, FileClock, FileX2, LoaderCircle, X } from "lucide-react";
import { useRef } from "react";
import { Problem } from "../../api/client";
import { Button, IconButton } from "../../ui/button";
import { Badge } from "../../ui/parts";
import { Progress } from "../../ui/progress";
import { errorText } from "../../ui/state";
import { formatName, formats } from "./data";
import { Difference } from "./difference";
import { bytes, cancel, forget, type Sent } from "./uploads";

/** SentList shows the reports that are on their way, and what the last ones changed. */
export function SentList({ sent }: { sent: Sent[] }) {
  if (sent.length === 0) return null;
  return (
    <ul className="grid gap-3" aria-label="Reports that were sent from here">
      {sent.map((u) => (
        <li key={u.id} className="card p-4">
          <One u={u} />
        </li>
      ))}
    </ul>
  );
}

function One({ u }: { u: Sent }) {
  const card = useRef<HTMLDivElement>(null);
  const under = u.state === "waits" || u.state === "sending";
  // The button that was pressed goes: whoever works by keyboard goes on at the next one in the card, else at
  // the list of reports, else where files are chosen.
  const act = (change: (id: number) => void) => {
    const list = card.current?.closest("ul");
    const before = list?.parentElement?.querySelector<HTMLElement>("[data-choose]");
    change(u.id);
    const goOn = (frames: number) => {
      if (document.activeElement === document.body) {
        const next = card.current ?? (list?.isConnected ? list : undefined);
        (next?.querySelector<HTMLElement>("button") ?? before)?.focus();
      } else if (frames > 0) requestAnimationFrame(() => goOn(frames - 1));
    };
    goOn(20);
  };
  return (
    <div ref={card} className="grid gap-3">
      <div className="flex items-start gap-3">
        <Mark state={u.state} />
        <div className="min-w-0 flex-1">
          <h3 className="flex flex-wrap items-center gap-2 font-medium">
            <bdi className="min-w-0 truncate" title={u.name}>
              {u.name}
            </bdi>
            {u.run?.format && <Badge>{formatName(u.run.format)}</Badge>}
            {u.dry && <Badge tone="accent">Dry run</Badge>}
          </h3>
          <p className="text-soft text-sm" role="status">
            {says(u)}
          </p>
        </div>
        {under ? (
          <Button size="sm" onClick={() => act(cancel)}>
            Cancel
          </Button>
        ) : (
          u.state !== "reading" && (
            <IconButton label="Close this result" size="sm" onClick={() => act(forget)}>
              <X aria-hidden size={15} />
            </IconButton>
          )
        )}
      </div>
      {u.state === "sending" && <Progress value={u.part} label={`Sending ${u.name}`} />}
      {u.state === "failed" && <Refused error={u.error} />}
      {u.state === "done" && u.run && <Difference product={u.product} run={u.run} dry={u.dry} />}
    </div>
  );
}

function says(u: Sent): string {
  switch (u.state) {
    case "waits":
      return "Waits for the report before it.";
    case "sending":
      return `Sending, ${Math.floor(u.part * 100)} % of ${bytes(u.size)}.`;
    case "reading":
      return u.run
        ? "The server has it and reads it. You may go elsewhere; the result stays here."
        : "All of it is sent. The server is taking it in.";
    case "done":
      return u.dry ? "Read. Nothing was stored." : "Read and taken in.";
    case "failed":
      return "Nothing was changed.";
    case "cancelled":
      return "Cancelled before all of it was sent. Nothing was stored and nothing was changed.";
  }
}

function Mark({ state }: { state: Sent["state"] }) {
  const box = "mt-0.5 shrink-0";
  if (state === "done") return <CircleCheck aria-hidden size={18} className={`${box} text-low`} />;
  if (state === "failed") return <CircleAlert aria-hidden size={18} className={`${box} text-critical`} />;
  if (state === "cancelled") return <FileX2 aria-hidden size={18} className={`${box} text-soft`} />;
  if (state === "waits") return <FileClock aria-hidden size={18} className={`${box} text-soft`} />;
  return <LoaderCircle aria-hidden size={18} className={`${box} animate-spin text-accent`} />;
}

/** Refused says why a report was not taken, and what is read here where it may be of another format. */
function Refused({ error }: { error: unknown }) {
  const format = error instanceof Problem && error.status === 415;
  return (
    <div role="alert" className="grid gap-1 rounded-md bg-critical-soft px-3 py-2 text-critical text-sm">
      <p>{errorText(error)}</p>
      {format && (
        <p>
          What is read here: {Object.values(formats).join(", ")}, also as gzip or zip. Name the format in the options if it is one of them and was not
          recognised.
        </p>
      )}
    </div>
  );
}
