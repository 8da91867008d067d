import { CircleCheck, CircleHelp, Info, Package, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Badge, Section } from "../../ui/parts";

type View = S["ImportView"];

const formats: Record<string, string> = {
  "threat-dragon-v1": "Threat Dragon 1",
  "threat-dragon-v2": "Threat Dragon 2",
  "threat-dragon": "Threat Dragon",
  threatloop: "Threatloop",
  answers: "Answers to a questionnaire",
};

const levels: { level: string; name: string; about: string; tone: "neutral" | "good" | "warn" | "bad"; icon: ReactNode }[] = [
  { level: "refused", name: "Refused", about: "Not taken into the model.", tone: "bad", icon: <X aria-hidden size={12} /> },
  {
    level: "guess",
    name: "Guessed",
    about: "The file did not say; settle it in the diagram.",
    tone: "warn",
    icon: <CircleHelp aria-hidden size={12} />,
  },
  {
    level: "kept",
    name: "Kept",
    about: "Not understood, kept as it is written for an export.",
    tone: "neutral",
    icon: <Package aria-hidden size={12} />,
  },
  { level: "info", name: "Remarks", about: "Worth knowing.", tone: "neutral", icon: <Info aria-hidden size={12} /> },
];

/** Understood says what a model file holds, and what was guessed, kept and refused, line by line. */
export function Understood({ view: v, file, into }: { view: View; file: string; into?: boolean }) {
  const notes = v.notes ?? [];
  const e = v.elements;
  const counts: [number, string][] = [
    [v.diagrams, "diagrams"],
    [e.actor, "actors"],
    [e.process, "processes"],
    [e.store, "stores"],
    [e.flow, "flows"],
    [e.boundary, "boundaries"],
    [e.text, "texts"],
    [v.threats, "threats"],
  ];
  const there = levels.filter((l) => notes.some((n) => n.level === l.level));
  return (
    <Section
      title={
        <span className="flex flex-wrap items-center gap-2">
          <CircleCheck aria-hidden size={16} className="text-low" />
          <bdi className="min-w-0 break-all">{file}</bdi>
          <Badge>{formats[v.format] ?? v.format}</Badge>
        </span>
      }
      about={
        into
          ? `Would add ${v.added}, change ${v.changed} and leave ${v.kept} that the file does not mention. Nothing is stored yet.`
          : "This is what was understood. Nothing is stored yet."
      }
    >
      <dl className="mt-2 grid grid-cols-4 gap-x-4 gap-y-3 sm:grid-cols-8">
        {counts.map(([n, name]) => (
          <div key={name} className={cx("flex flex-col-reverse", n === 0 && "text-soft")}>
            <dt className="text-soft text-xs">{name}</dt>
            <dd className="num font-semibold text-xl">{n.toLocaleString("en")}</dd>
          </div>
        ))}
      </dl>
      {there.length === 0 ? (
        <p className="mt-4 text-sm text-soft">Everything in the file was understood.</p>
      ) : (
        <div className="mt-5 grid gap-4">
          {there.map((l) => (
            <Notes key={l.level} {...l} notes={notes.filter((n) => n.level === l.level)} />
          ))}
        </div>
      )}
    </Section>
  );
}

const few = 8;

function Notes({
  name,
  about,
  tone,
  icon,
  notes,
}: {
  name: string;
  about: string;
  tone: "neutral" | "good" | "warn" | "bad";
  icon: ReactNode;
  notes: S["ImportedNote"][];
}) {
  const [all, setAll] = useState(false);
  return (
    <section aria-label={name}>
      <h3 className="mb-1 flex flex-wrap items-center gap-2 text-sm">
        <Badge tone={tone} icon={icon}>
          {name} <span className="num">{notes.length.toLocaleString("en")}</span>
        </Badge>
        <span className="font-normal text-soft text-xs">{about}</span>
      </h3>
      <ul className={cx("divide-y divide-line rounded-md border border-line", all && "max-h-96 overflow-y-auto")}>
        {(all ? notes.slice(0, 2000) : notes.slice(0, few)).map((n, i) => (
          <li key={i} className="grid gap-x-4 px-3 py-1.5 text-sm sm:grid-cols-[minmax(0,14rem)_minmax(0,1fr)]">
            <code className="truncate text-soft text-xs leading-5" title={n.where}>
              {n.where}
            </code>
            <span>{n.text}</span>
          </li>
        ))}
      </ul>
      {notes.length > few && !all && (
        <button type="button" className="link mt-1.5 text-sm" onClick={() => setAll(true)}>
          Show all {notes.length.toLocaleString("en")}
        </button>
      )}
    </section>
  );
}
