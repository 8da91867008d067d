import { CircleCheck } from "lucide-react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Badge, Section } from "../../ui/parts";
import { plural, word } from "../../ui/words";
import { useFormats } from "./formats";
import { Notes } from "./notes";
import { type Choice, Update } from "./update";

type View = S["ImportView"];

/** Understood says what a model file holds, what it would change in a product, and what was guessed, kept and refused, line by line. */
export function Understood({ view: v, file, into }: { view: View; file: string; into?: Choice }) {
  const format = useFormats().find((f) => f.name === v.format);
  const e = v.elements;
  const counts: [number, one: string, many: string][] = [
    [v.diagrams, "diagram", "diagrams"],
    [e.actor, "actor", "actors"],
    [e.process, "process", "processes"],
    [e.store, "store", "stores"],
    [e.flow, "flow", "flows"],
    [e.boundary, "boundary", "boundaries"],
    [e.text, "text", "texts"],
    [v.threats, "threat", "threats"],
  ];
  return (
    <Section
      title={
        <span className="flex flex-wrap items-center gap-2">
          <CircleCheck aria-hidden size={16} className="text-low" />
          <bdi className="min-w-0 break-all">{file}</bdi>
          <Badge className="max-w-full">
            <span className="truncate">{format?.title ?? word(v.format)}</span>
          </Badge>
        </span>
      }
      about={into ? difference(v) : "This is what was understood. Nothing is stored yet."}
    >
      <dl className="mt-2 grid grid-cols-[repeat(auto-fill,minmax(4.5rem,1fr))] gap-x-3 gap-y-3">
        {counts.map(([n, one, many]) => (
          <div key={one} className={cx("flex flex-col-reverse", n === 0 && "text-soft")}>
            <dt className="text-soft text-xs">{n === 1 ? one : many}</dt>
            <dd className="num font-semibold text-xl">{n.toLocaleString("en")}</dd>
          </div>
        ))}
      </dl>
      {into && <Update view={v} choice={into} />}
      <Notes notes={v.notes ?? []} />
    </Section>
  );
}

/** difference says in a sentence what importing would do to the product. */
function difference(v: View): string {
  const n = (x: number) => x.toLocaleString("en");
  const does = `Would add ${n(v.added)}, change ${n(v.changed)}${v.removed > 0 ? `, remove ${n(v.removed)}` : ""} and leave ${n(v.kept)} that the file does not mention.`;
  const edits = v.conflicts > 0 ? ` ${plural(v.conflicts, "edit")} made here ${v.conflicts === 1 ? "stays" : "stay"}.` : "";
  return `${v.source ? "A newer version of a file that was imported before. " : ""}${does}${edits} Nothing is stored yet.`;
}
