import { FileUp, X } from "lucide-react";
import { useId, useState } from "react";
import { Problem } from "../../api/client";
import { Button } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Progress } from "../../ui/progress";
import { ErrorText } from "../../ui/state";
import { useFormats } from "./formats";

/** Drop takes a model file, by dropping or choosing it, and says what can be read. */
export function Drop({
  file,
  part,
  error,
  onFile,
  onCancel,
}: {
  file?: File;
  /** How much of the file is sent, 0 to 1, while it is on its way. */
  part?: number;
  error?: unknown;
  onFile: (file: File) => void;
  onCancel: () => void;
}) {
  const id = useId();
  const [over, setOver] = useState(false);
  const busy = part !== undefined;
  const formats = useFormats();
  return (
    <div className="grid gap-4">
      {error !== undefined && (
        <div className="grid gap-2">
          <ErrorText error={heading(error, file)} />
          {error instanceof Problem && error.fields.length > 0 && <Lines problem={error} />}
        </div>
      )}
      <label
        htmlFor={id}
        onDragOver={(e) => {
          e.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(e) => {
          e.preventDefault();
          setOver(false);
          const dropped = e.dataTransfer.files[0];
          if (dropped && !busy) onFile(dropped);
        }}
        className={cx(
          "grid min-h-56 cursor-pointer place-content-center justify-items-center gap-1.5 rounded-xl border-2 border-dashed px-4 py-8 text-center transition-colors duration-100 has-focus-visible:outline-2 has-focus-visible:outline-accent",
          over ? "border-accent bg-accent-soft" : "border-line bg-surface hover:border-control",
        )}
      >
        <span aria-hidden className="mb-1 grid size-11 place-items-center rounded-lg bg-accent-soft text-accent">
          <FileUp size={22} />
        </span>
        {busy ? (
          <span role="status" className="grid w-64 max-w-full gap-2">
            <bdi className="truncate font-medium">{file?.name}</bdi>
            <Progress value={part} label="Sent" />
            <span className="text-soft text-xs">{part < 1 ? `${Math.round(part * 100)} % sent` : "Reading the file"}</span>
          </span>
        ) : (
          <>
            <span className="font-medium">Drop a model file here, or choose one</span>
            <span className="max-w-[52ch] text-sm text-soft">Up to 32 MiB. What it is is told by its content, not by its name.</span>
          </>
        )}
        <input
          id={id}
          type="file"
          disabled={busy}
          className="sr-only"
          onChange={(e) => {
            const chosen = e.target.files?.[0];
            if (chosen) onFile(chosen);
            e.target.value = "";
          }}
        />
      </label>
      {formats.length > 0 && !busy && (
        <p className="text-soft text-xs">
          <span className="font-medium">What can be read: </span>
          {formats.map((f) => f.title).join("; ")}.
        </p>
      )}
      {busy && (
        <div className="flex justify-center">
          <Button size="sm" icon={<X aria-hidden size={13} />} onClick={onCancel}>
            Cancel
          </Button>
        </div>
      )}
    </div>
  );
}

/** heading says of which file something was wrong; what is wrong in it follows line by line. */
function heading(error: unknown, file: File | undefined): unknown {
  if (!(error instanceof Problem) || !file || error.status === 0) return error;
  if (error.status === 422 || error.status === 400) return new Error(`“${file.name}” is no model that can be read. Nothing was stored.`);
  return new Error(`“${file.name}” was not taken: ${error.message}${/[.!?]$/.test(error.message) ? "" : "."} Nothing was stored.`);
}

const most = 50;

function Lines({ problem }: { problem: Problem }) {
  const more = problem.fields.length - most;
  return (
    <div className="card max-h-72 overflow-y-auto px-4 py-3">
      <h2 className="mb-1.5 font-medium text-soft text-xs">What is wrong in it</h2>
      <ul className="grid gap-1 text-sm">
        {problem.fields.slice(0, most).map((f, i) => (
          <li key={i} className="grid gap-x-3 sm:grid-cols-[10rem_1fr]">
            <code className="text-soft text-xs leading-5">{f.where}</code>
            <span>{f.text}</span>
          </li>
        ))}
      </ul>
      {more > 0 && <p className="mt-1.5 text-soft text-xs">and {more.toLocaleString("en")} more</p>}
    </div>
  );
}
