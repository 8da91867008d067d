import { useId } from "react";
import type { S } from "../api/client";
import { Count, Disclosure } from "../ui/parts";
import { word } from "../ui/words";
import { useAsked } from "./asked";
import { useChanges } from "./element";
import { TextField } from "./fields";
import { useDrawing } from "./store";
import type { Item } from "./types";

type Question = S["ComponentQuestion"];

/** Questions are what the library asks about the type of a component. Each is answered in place: an answer is an attribute, and an edit of the drawing like any other. */
export function Questions({ item }: { item: Item<"components"> }) {
  const readOnly = useDrawing((s) => s.readOnly);
  const asked = useAsked(item);
  const change = useChanges([item]);
  const said: Record<string, string> = item.value.attributes ?? {};
  const groups = asked?.groups ?? [];
  const all = groups.flatMap((g) => g.questions ?? []);
  if (all.length === 0) return null;
  const open = all.filter((q) => !said[q.attribute]).length;
  const answer = (q: Question, value: string) =>
    change(`Answer ${q.title}`, (i) => {
      const next: Record<string, string> = { ...("attributes" in i.value ? i.value.attributes : undefined) };
      if (value) next[q.attribute] = value;
      else delete next[q.attribute];
      return { attributes: Object.keys(next).length > 0 ? next : undefined };
    });
  return (
    <Disclosure
      open
      summary={
        <span className="flex items-center gap-1.5">
          Questions {open > 0 ? <Count n={open} tone="accent" /> : <Count n={all.length} />}
          <span className="sr-only">{open > 0 ? "without an answer" : "answered"}</span>
        </span>
      }
    >
      <fieldset disabled={readOnly} className="-ms-5 grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4 pt-2">
        <legend className="sr-only">{asked?.name ?? "Questions about the component"}</legend>
        {groups.map((g) => (
          <div key={g.group} className="grid grid-cols-[minmax(0,1fr)] gap-3">
            {groups.length > 1 && <h3 className="overline">{g.title}</h3>}
            {(g.questions ?? []).map((q) => (
              <QuestionRow key={`${item.id} ${q.attribute}`} of={q} value={said[q.attribute] ?? ""} onAnswer={(v) => answer(q, v)} />
            ))}
          </div>
        ))}
      </fieldset>
    </Disclosure>
  );
}

const yesNo = [
  { ref: "yes", title: "Yes" },
  { ref: "no", title: "No" },
];

function QuestionRow({ of: q, value, onAnswer }: { of: Question; value: string; onAnswer: (v: string) => void }) {
  const id = useId();
  const options = q.kind === "yes_no" ? yesNo : (q.options ?? []);
  const inherited = q.inherited && `${options.find((o) => o.ref === q.inherited)?.title ?? word(q.inherited)}, by its type`;
  if (q.kind === "text")
    return <TextField label={q.title} hint={q.help} value={value} placeholder={inherited} onCommit={(v) => onAnswer(v.trim())} />;
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-sm leading-snug">
        {q.title}
      </label>
      <select id={id} value={value} aria-describedby={q.help && `${id}-help`} onChange={(e) => onAnswer(e.target.value)} className="control pe-7">
        <option value="">{inherited || "Not answered"}</option>
        {options.map((o) => (
          <option key={o.ref} value={o.ref}>
            {o.title}
          </option>
        ))}
        {value && !options.some((o) => o.ref === value) && <option value={value}>{word(value)}</option>}
      </select>
      {q.help && (
        <p id={`${id}-help`} className="text-soft text-xs">
          {q.help}
        </p>
      )}
    </div>
  );
}
