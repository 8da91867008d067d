import { Bot, FileInput, FlaskConical, PenLine, Ticket, Undo2 } from "lucide-react";
import { Button } from "../../ui/button";
import { Popover } from "../../ui/parts";
import { Ago } from "../../ui/time";
import { category, word } from "../../ui/words";
import { costText } from "./cost";
import type { SetBy } from "./data";

const who: Record<string, { icon: typeof Bot; name: string }> = {
  person: { icon: PenLine, name: "Changed by hand" },
  tracker: { icon: Ticket, name: "Set by the tracker" },
  test: { icon: FlaskConical, name: "Set by a test" },
  import: { icon: FileInput, name: "Set by an import" },
  rule: { icon: Bot, name: "Set by a rule" },
};

/** valueText writes a field's value as people read it. */
export function valueText(field: string, v: unknown): string {
  if (v === null || v === undefined || v === "") return "nothing";
  if (field === "retired") return v ? "retired" : "in use";
  if (field === "status" || field === "state") return word(String(v));
  if (field === "cost") return costText(v as { amount: number; unit: string });
  if (Array.isArray(v)) {
    if (v.length === 0) return "nothing";
    if (field === "standards") return v.map((c: { standard: string; clause: string }) => `${c.standard.toUpperCase()} ${c.clause}`).join(", ");
    return v.map((x) => (field === "categories" ? category(String(x)).name : String(x))).join(", ");
  }
  if (typeof v === "object")
    return Object.entries(v)
      .map(([k, x]) => `${word(k).toLowerCase()} ${x}`)
      .join(", ");
  return String(v);
}

/**
 * SetMark says that a field is not what the rules made it: who set it, when and why,
 * what the rules want instead, and how to give it back to them.
 */
export function SetMark({
  field,
  name,
  sets,
  generated,
  onReset,
}: {
  field: string;
  name: string;
  sets?: Record<string, SetBy>;
  generated: boolean;
  onReset?: () => void;
}) {
  const set = sets?.[field];
  if (!set) return null;
  const { icon: Icon, name: title } = who[set.by] ?? who.person!;
  const wants = set.wanted !== undefined && set.wanted !== null;
  return (
    <Popover
      label={`${name}: ${title.toLowerCase()}`}
      className="w-80 p-3"
      trigger={
        <button
          type="button"
          title={title}
          aria-label={`${name}: ${title.toLowerCase()}${set.actor ? ` (${set.actor})` : ""}. Show more`}
          className="inline-grid size-7 shrink-0 place-items-center rounded-md text-accent hover:bg-raised"
        >
          <Icon aria-hidden size={13} />
        </button>
      }
    >
      <div className="grid gap-2 text-sm">
        <p>
          <span className="font-medium">{title}</span>
          {set.actor && (
            <>
              {" "}
              by <bdi>{set.actor}</bdi>
            </>
          )}{" "}
          <Ago at={set.at} className="text-soft" />
        </p>
        {set.reason && <p className="whitespace-pre-wrap border-line border-s-2 ps-2.5 text-soft">{set.reason}</p>}
        {wants && (
          <p>
            <span className="text-soft">The rules would set: </span>
            <bdi className="line-clamp-4 whitespace-pre-wrap">{valueText(field, set.wanted)}</bdi>
          </p>
        )}
        <p className="text-soft text-xs">
          {generated ? "The rules leave this field alone as long as it is set so." : "No rule brought this, so it stays as it is."}
        </p>
        {onReset && generated && (
          <div>
            <Button size="sm" icon={<Undo2 aria-hidden size={13} />} onClick={onReset}>
              Give back to the rules
            </Button>
          </div>
        )}
      </div>
    </Popover>
  );
}

/** Changed are the marks of fields that have no row of their own, each with its name. */
export function Changed({
  fields,
  sets,
  generated,
  onReset,
}: {
  fields: Record<string, string>;
  sets?: Record<string, SetBy>;
  generated: boolean;
  onReset?: (field: string, name: string) => void;
}) {
  const set = Object.keys(fields).filter((f) => sets?.[f]);
  if (set.length === 0) return null;
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      {set.map((f) => (
        <span key={f} className="inline-flex items-center text-soft text-xs">
          <SetMark field={f} name={fields[f]!} sets={sets} generated={generated} onReset={onReset && (() => onReset(f, fields[f]!))} />
          {fields[f]}
        </span>
      ))}
    </span>
  );
}
