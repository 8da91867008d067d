import { Minus, Pencil, Plus, ShieldCheck } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Badge, Segmented } from "../../ui/parts";
import { word } from "../../ui/words";
import { Long } from "./notes";

type View = S["ImportView"];
type Item = S["UpdateItem"];

const groups: {
  of: (i: Item) => boolean;
  key: string;
  name: string;
  about: string;
  tone: "good" | "accent" | "warn" | "neutral";
  icon: ReactNode;
}[] = [
  {
    key: "edited",
    name: "Your edits kept",
    about: "Changed in the file and here; what was set here stays.",
    tone: "accent",
    icon: <ShieldCheck aria-hidden size={12} />,
    of: (i) => !!i.conflict || (i.fields ?? []).some((f) => !f.taken),
  },
  { key: "add", name: "Added", about: "New in the file.", tone: "good", icon: <Plus aria-hidden size={12} />, of: (i) => i.action === "add" },
  {
    key: "change",
    name: "Changed",
    about: "The file says it differently now.",
    tone: "neutral",
    icon: <Pencil aria-hidden size={12} />,
    of: (i) => i.action === "change",
  },
  {
    key: "remove",
    name: "Removed",
    about: "No longer in the file, and nobody touched it here.",
    tone: "warn",
    icon: <Minus aria-hidden size={12} />,
    of: (i) => i.action === "remove",
  },
  {
    key: "keep",
    name: "Kept",
    about: "Not in the file, and it stays.",
    tone: "neutral",
    icon: <ShieldCheck aria-hidden size={12} />,
    of: (i) => i.action === "keep" && !i.conflict,
  },
];

type Keys = ReadonlySet<string>;

/** Chosen is what a person decided of a file, by keys: changes that are left out, and conflicts in which the file's side is to hold. */
export type Chosen = { left: Keys; theirs: Keys };

/** nothingChosen takes every change and keeps every edit made here. */
export const nothingChosen: Chosen = { left: new Set(), theirs: new Set() };

/** Choice is what is decided, and how to decide otherwise. */
export type Choice = Chosen & { set: (chosen: Chosen) => void };

/** keyOf names a change to the server. */
export const keyOf = (i: Item): string => `${i.kind}/${i.id}`;

/** choosable are the changes of a file that can be left out; none where not all of them are listed. */
export const choosable = (v: View): Item[] => (v.more ? [] : (v.items ?? []).filter((i) => i.action !== "keep"));

/** contested are the items of which the file's side can be taken instead of what was done here. */
export const contested = (v: View): Item[] => (v.items ?? []).filter((i) => i.conflict);

/** Update shows what a file would change in a product, thing by thing, and where what a person set here stays. Changes can be left out, and edits given up for what the file says. */
export function Update({ view: v, choice }: { view: View; choice?: Choice }) {
  const [only, setOnly] = useState<string>();
  const items = v.items ?? [];
  const there = groups.map((g) => ({ ...g, items: items.filter(g.of) })).filter((g) => g.items.length > 0);
  if (there.length === 0) return null;
  const shown = there.filter((g) => !only || g.key === only);
  const open = new Set(choosable(v).map(keyOf));
  const leave = (keys: string[], out: boolean) =>
    choice?.set({ left: marked(choice.left, keys, out), theirs: out ? marked(choice.theirs, keys, false) : choice.theirs });
  const prefer = (keys: string[], file: boolean) =>
    choice?.set({ theirs: marked(choice.theirs, keys, file), left: file ? marked(choice.left, keys, false) : choice.left });
  return (
    <div className="mt-5 grid grid-cols-[minmax(0,1fr)] gap-4">
      {there.length > 1 && (
        <div role="group" aria-label="Show only" className="flex flex-wrap gap-1.5">
          {there.map((g) => (
            <button
              key={g.key}
              type="button"
              aria-pressed={only === g.key}
              onClick={() => setOnly(only === g.key ? undefined : g.key)}
              className={cx("h-7 rounded-md px-2 text-xs hover:bg-raised", only === g.key && "bg-accent-soft text-accent")}
            >
              {g.name} <span className="num font-medium">{g.items.length.toLocaleString("en")}</span>
            </button>
          ))}
        </div>
      )}
      {shown.map((g) => {
        const keys = g.key === "edited" || !choice ? [] : g.items.map(keyOf).filter((k) => open.has(k));
        const taken = keys.filter((k) => !choice?.left.has(k)).length;
        const disputed = g.key === "edited" && choice ? contested(v).map(keyOf) : [];
        const given = disputed.filter((k) => choice?.theirs.has(k)).length;
        return (
          <section key={g.key} aria-label={g.name}>
            <h3 className="mb-1 flex flex-wrap items-center gap-2 text-sm">
              {keys.length > 1 && (
                <input
                  type="checkbox"
                  className="ml-3 size-3.5"
                  aria-label={`Take all: ${g.name}`}
                  checked={taken === keys.length}
                  ref={(box) => {
                    if (box) box.indeterminate = taken > 0 && taken < keys.length;
                  }}
                  onChange={(e) => leave(keys, !e.target.checked)}
                />
              )}
              <Badge tone={g.tone} icon={g.icon}>
                {g.name} <span className="num">{g.items.length.toLocaleString("en")}</span>
              </Badge>
              <span className="font-normal text-soft text-xs">{g.about}</span>
            </h3>
            {disputed.length > 1 && (
              <div className="mb-2 ml-3">
                <Side
                  name="all of them"
                  value={given === 0 ? "ours" : given === disputed.length ? "file" : ""}
                  set={(file) => prefer(disputed, file)}
                  all
                />
              </div>
            )}
            <Long items={g.items} label={g.name}>
              {(i) => (
                <Thing
                  of={i}
                  conflicts={g.key === "edited"}
                  side={disputed.includes(keyOf(i)) ? { file: !!choice?.theirs.has(keyOf(i)), set: (file) => prefer([keyOf(i)], file) } : undefined}
                  take={keys.includes(keyOf(i)) ? { on: !choice?.left.has(keyOf(i)), set: (on) => leave([keyOf(i)], !on) } : undefined}
                />
              )}
            </Long>
          </section>
        );
      })}
      {!!v.more && <p className="text-soft text-xs">and {v.more.toLocaleString("en")} more</p>}
    </div>
  );
}

/** marked is a set of keys with some of them put in or taken out. */
function marked(set: Keys, keys: string[], on: boolean): Keys {
  const out = new Set(set);
  for (const k of keys) on ? out.add(k) : out.delete(k);
  return out;
}

/** Side chooses between what was done here and what the file says. */
function Side({ name, value, set, all }: { name: string; value: "ours" | "file" | ""; set: (file: boolean) => void; all?: boolean }) {
  return (
    <Segmented<string>
      label={`What holds: ${name}`}
      value={value}
      onChange={(side) => set(side === "file")}
      options={[
        { value: "ours", text: all ? "Keep all of ours" : "Keep ours" },
        { value: "file", text: all ? "Take all of the file’s" : "Take the file’s" },
      ]}
    />
  );
}

type Take = { on: boolean; set: (on: boolean) => void };

function Thing({
  of: i,
  conflicts,
  take,
  side,
}: {
  of: Item;
  conflicts: boolean;
  take?: Take;
  side?: { file: boolean; set: (file: boolean) => void };
}) {
  const fields = (i.fields ?? []).filter((f) => f.taken !== conflicts);
  const name = (
    <span className="min-w-0">
      <bdi className="block truncate" title={i.title}>
        {i.title || i.id}
      </bdi>
      <span className="block text-soft text-xs">{word(i.kind)}</span>
    </span>
  );
  return (
    <>
      {take ? (
        <label className="flex min-w-0 items-start gap-2">
          <input type="checkbox" className="mt-1 size-3.5 shrink-0" checked={take.on} onChange={(e) => take.set(e.target.checked)} />
          {name}
        </label>
      ) : (
        name
      )}
      <span className="grid min-w-0 gap-0.5 text-xs leading-5">
        {side && (
          <span className="mb-1">
            <Side name={i.title || i.id} value={side.file ? "file" : "ours"} set={side.set} />
          </span>
        )}
        {i.text && <span className={side?.file ? "text-soft line-through" : undefined}>{i.text}</span>}
        {fields.map((f) => (
          <span key={f.field} className="min-w-0 break-words">
            <span className="text-soft">{word(f.field)}: </span>
            {conflicts && !side?.file ? (
              <>
                <bdi className="font-medium">{shown(f.ours)}</bdi> stays; the file says <bdi>{shown(f.file)}</bdi>
              </>
            ) : (
              <>
                {f.ours !== undefined && (
                  <>
                    <bdi className="text-soft line-through">{shown(f.ours)}</bdi>{" "}
                  </>
                )}
                <bdi>{shown(f.file)}</bdi>
              </>
            )}
          </span>
        ))}
      </span>
    </>
  );
}

/** shown is a value as people read it; a long one is cut. */
function shown(v: unknown): string {
  if (v === undefined || v === null || v === "") return "nothing";
  const s = typeof v === "string" ? v : typeof v === "boolean" ? (v ? "yes" : "no") : JSON.stringify(v);
  return s.length > 160 ? `${s.slice(0, 157)}…` : s;
}
