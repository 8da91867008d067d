import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Badge, Disclosure } from "../../ui/parts";
import { ErrorText, Loading } from "../../ui/state";
import { plural } from "../../ui/words";
import { diffQuery, kinds } from "./data";
import { compare, hunks } from "./lines";

const marks = { added: ["good", "Added"], removed: ["bad", "Removed"], changed: ["accent", "Changed"] } as const;

/** Difference lists entry by entry what lies between two states of the library. */
export function Difference({ from, to, onLeave }: { from: string; to: string; onLeave?: () => void }) {
  const q = useQuery(diffQuery(from, to));
  if (!q.data) return q.error ? <ErrorText error={q.error} /> : <Loading rows={4} />;
  if (q.data.length === 0) return <p className="text-soft text-sm">They are the same.</p>;
  return (
    <div className="grid gap-3">
      <p role="status" className="text-sm">
        {q.data.length === 1 ? "1 entry differs." : `${q.data.length.toLocaleString("en")} entries differ.`}
      </p>
      <ul className="grid gap-2">
        {q.data.map((c) => (
          <li key={`${c.kind}/${c.ref}`} className="rounded-md border border-line px-3 py-2">
            <p className="flex flex-wrap items-center gap-2 text-sm">
              <Badge tone={marks[c.what][0]}>{marks[c.what][1]}</Badge>
              <Link to="/library/$kind/$ref" params={{ kind: c.kind, ref: c.ref }} onClick={onLeave} className="link font-medium">
                <bdi>{c.title || c.ref}</bdi>
              </Link>
              <span className="text-soft text-xs">{kinds[c.kind].one}</span>
            </p>
            {(c.parts ?? []).length > 0 && (
              <p className="mt-1 text-soft text-xs">{(c.parts ?? []).map((p) => `${p.kind.replaceAll("_", " ")} ${p.ref} ${p.what}`).join(", ")}</p>
            )}
            <div className="mt-1.5">
              <Disclosure summary="Line by line" open={q.data.length === 1}>
                <Lines before={c.old_text ?? ""} after={c.new_text ?? ""} />
              </Disclosure>
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Lines shows what became of a text. */
export function Lines({ before, after }: { before: string; after: string }) {
  const list = hunks(compare(before, after));
  return (
    <div
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard
      tabIndex={0}
      role="group"
      aria-label="Difference line by line"
      className="max-h-100 overflow-auto rounded-md bg-sunken py-1 font-mono text-xs leading-5"
    >
      {list.map((l, i) =>
        typeof l === "number" ? (
          <div key={i} className="px-3 text-soft">
            … {plural(l, "line")}
          </div>
        ) : (
          <div
            key={i}
            className={
              l.what === "old"
                ? "whitespace-pre-wrap bg-critical-soft px-3 text-critical"
                : l.what === "new"
                  ? "whitespace-pre-wrap bg-low-soft px-3 text-low"
                  : "whitespace-pre-wrap px-3"
            }
          >
            <span className="select-none">{l.what === "old" ? "− " : l.what === "new" ? "+ " : "  "}</span>
            {l.what !== "same" && <span className="sr-only">{l.what === "old" ? "removed: " : "added: "}</span>}
            {l.text}
          </div>
        ),
      )}
    </div>
  );
}
