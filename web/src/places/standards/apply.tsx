import { useState } from "react";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Select } from "../../ui/field";
import { plural } from "../../ui/words";
import { type Kept, title } from "./data";

/** ApplyDialog offers the standards that the product does not keep yet, each with a level where it has some. */
export function ApplyDialog({
  standards,
  busy,
  onApply,
  onClose,
}: {
  standards: Kept[];
  busy: boolean;
  onApply: (s: Kept, level?: number) => void;
  onClose: () => void;
}) {
  return (
    <Dialog
      open
      wide
      onClose={onClose}
      title="Apply a standard"
      about="The product is held against it from now on: with every change the coverage is counted again. Nothing in the model changes."
    >
      {standards.length === 0 ? (
        <p className="py-4 text-sm text-soft">Every standard of the library is applied already.</p>
      ) : (
        <ul className="divide-y divide-line">
          {standards.map((s) => (
            <Offer key={s.standard} of={s} busy={busy} onApply={(level) => onApply(s, level)} />
          ))}
        </ul>
      )}
    </Dialog>
  );
}

function Offer({ of: s, busy, onApply }: { of: Kept; busy: boolean; onApply: (level?: number) => void }) {
  const levels = s.levels ?? [];
  const [level, setLevel] = useState(levels[0]);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-medium">{title(s)}</p>
        <p className="text-soft text-xs">
          {plural(s.counts.clauses, "clause")};{" "}
          {s.served > 0 ? `countermeasures here serve ${s.served.toLocaleString("en")}` : "nothing here serves one yet"}
        </p>
      </div>
      {levels.length > 0 && <LevelSelect of={s} value={level} onChange={setLevel} />}
      <Button size="sm" disabled={busy} aria-label={`Apply ${title(s)}`} onClick={() => onApply(level)}>
        Apply
      </Button>
    </li>
  );
}

/** LevelSelect chooses up to which level a standard counts; undefined is all of it. */
export function LevelSelect({ of: s, value, onChange }: { of: Kept; value?: number; onChange: (level?: number) => void }) {
  return (
    <Select
      aria-label={`Level of ${title(s)}`}
      className="h-7 min-h-7 w-auto py-0 text-xs"
      value={value ?? 0}
      onChange={(e) => onChange(Number(e.target.value) || undefined)}
    >
      {(s.levels ?? []).map((l) => (
        <option key={l} value={l}>
          Up to level {l}
        </option>
      ))}
      <option value={0}>All of it</option>
    </Select>
  );
}
