import { CircleHelp, Info, Package, X } from "lucide-react";
import { type ReactNode, useDeferredValue, useMemo, useState } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { SearchInput } from "../../ui/field";
import { Badge } from "../../ui/parts";

type Note = S["ImportedNote"];

const levels: { level: string; name: string; about: string; tone: "neutral" | "warn" | "bad"; icon: ReactNode }[] = [
  { level: "refused", name: "Refused", about: "Not taken into the model.", tone: "bad", icon: <X aria-hidden size={12} /> },
  {
    level: "guess",
    name: "Guessed",
    about: "The file did not say; settle it in the diagram.",
    tone: "warn",
    icon: <CircleHelp aria-hidden size={12} />,
  },
  { level: "kept", name: "Kept", about: "Not understood, kept as it is written.", tone: "neutral", icon: <Package aria-hidden size={12} /> },
  { level: "info", name: "Remarks", about: "Worth knowing.", tone: "neutral", icon: <Info aria-hidden size={12} /> },
];

/** Enough of them to want a search. */
const many = 12;

/** Notes are the remarks on a file by what became of it, each with its line; they can be narrowed. */
export function Notes({ notes }: { notes: Note[] }) {
  const [only, setOnly] = useState<string>();
  const [text, setText] = useState("");
  const words = useDeferredValue(text).toLowerCase().split(/\s+/).filter(Boolean);
  const there = useMemo(
    () => levels.map((l) => ({ ...l, notes: notes.filter((n) => n.level === l.level) })).filter((l) => l.notes.length > 0),
    [notes],
  );
  if (there.length === 0) return <p className="mt-4 text-sm text-soft">Everything in the file was understood.</p>;
  const shown = there
    .filter((l) => !only || l.level === only)
    .map((l) => ({ ...l, notes: l.notes.filter((n) => words.every((w) => `${n.at ?? ""} ${n.where} ${n.text}`.toLowerCase().includes(w))) }))
    .filter((l) => l.notes.length > 0);
  return (
    <div className="mt-5 grid grid-cols-[minmax(0,1fr)] gap-4">
      {notes.length > many && (
        <div className="flex flex-wrap items-center gap-1.5">
          <SearchInput small label="Search the remarks" value={text} onChange={setText} className="w-full sm:w-56" />
          {there.length > 1 &&
            there.map((l) => (
              <button
                key={l.level}
                type="button"
                aria-pressed={only === l.level}
                onClick={() => setOnly(only === l.level ? undefined : l.level)}
                className={cx("h-7 rounded-md px-2 text-xs hover:bg-raised", only === l.level && "bg-accent-soft text-accent")}
              >
                {l.name} <span className="num font-medium">{l.notes.length.toLocaleString("en")}</span>
              </button>
            ))}
        </div>
      )}
      {shown.length === 0 && <p className="text-sm text-soft">No remark has these words.</p>}
      {shown.map((l) => (
        <section key={l.level} aria-label={l.name}>
          <h3 className="mb-1 flex flex-wrap items-center gap-2 text-sm">
            <Badge tone={l.tone} icon={l.icon}>
              {l.name} <span className="num">{l.notes.length.toLocaleString("en")}</span>
            </Badge>
            <span className="font-normal text-soft text-xs">{l.about}</span>
          </h3>
          <Long items={l.notes} label={l.name}>
            {(n) => (
              <>
                <span className="min-w-0">
                  {n.at && <code className="block truncate text-xs leading-5">{line(n.at)}</code>}
                  <bdi className="wrap-anywhere block text-soft text-xs leading-5" title={n.where}>
                    {named(n.where)}
                  </bdi>
                </span>
                <bdi className="min-w-0 break-words">{n.text}</bdi>
              </>
            )}
          </Long>
        </section>
      ))}
    </div>
  );
}

/** line says where in a file: "model.json:12:3" is line 12, and the file's name where there are several. */
export function line(at: string): string {
  const m = /^(.*):(\d+):(\d+)$/.exec(at);
  return m ? `Line ${m[2]}` : at;
}

/** named leaves out the id of a thing that has a name: "component 7f3a (Web API)" is "component Web API". */
export function named(where: string): string {
  const m = /^(\S+) \S+ \((.+)\)$/.exec(where);
  return m ? `${m[1]} ${m[2]}` : where;
}

const few = 8;
const most = 2000;

/** Long is a list of which the first are shown, and all when they are asked for. */
export function Long<T>({ items, label, children }: { items: T[]; label: string; children: (item: T) => ReactNode }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <ul
        aria-label={label}
        tabIndex={all ? 0 : undefined}
        className={cx("divide-y divide-line rounded-md border border-line", all && "max-h-96 overflow-y-auto")}
      >
        {items.slice(0, all ? most : few).map((item, i) => (
          <li key={i} className="grid grid-cols-[minmax(0,1fr)] gap-x-4 px-3 py-1.5 text-sm sm:grid-cols-[minmax(0,13rem)_minmax(0,1fr)]">
            {children(item)}
          </li>
        ))}
      </ul>
      {items.length > few && !all && (
        <button type="button" className="link mt-1.5 text-sm" onClick={() => setAll(true)}>
          Show all {items.length.toLocaleString("en")}
        </button>
      )}
      {all && items.length > most && <p className="mt-1.5 text-soft text-xs">and {(items.length - most).toLocaleString("en")} more</p>}
    </>
  );
}
