import { Link } from "@tanstack/react-router";
import type { S } from "../../api/client";
import { Disclosure, Facts } from "../../ui/parts";
import { word } from "../../ui/words";

type Why = S["Why"];

/** factName writes the name of a fact as people read it: "answers.internet_facing" is "Answer: internet facing". */
function factName(name: string): string {
  const [of, ...rest] = name.split(".");
  const what = rest.join(" ").replace(/_/g, " ");
  if (!what) return word(name);
  return of === "answers" ? `Answer: ${what}` : `${word(of)}: ${what}`;
}

const plain = (v: string): string => (v === "true" ? "yes" : v === "false" ? "no" : v === "[]" ? "none" : v.replace(/^"(.*)"$/, "$1"));

/** facts are what the rule looked at; ids say nothing to people. */
const facts = (w: Why) => (w.facts ?? []).filter((f) => !f.name.endsWith(".id"));

/** WhyHere tells which rules brought something, with the facts and answers that made them. */
export function WhyHere({ product, why, origin }: { product: string; why: Why[] | null | undefined; origin: string }) {
  if (!why?.length) {
    return (
      <p className="text-sm">
        {origin === "person"
          ? "Somebody added it by hand. No rule changes it."
          : origin === "import"
            ? "It came with an imported file. No rule changes it."
            : "No rule says so any more; it is kept because somebody, a ticket or a test touched it."}
      </p>
    );
  }
  return (
    <ol className="grid gap-3">
      {why.map((w) => (
        <li key={w.rule + (w.pattern ?? "")} className="card grid gap-2 p-3 shadow-none">
          <p className="text-sm">{w.text}</p>
          {facts(w).length > 0 && (
            <dl className="grid gap-1 rounded-md bg-bg px-3 py-2 text-sm">
              {facts(w).map((f, i) => (
                <div key={`${f.name} ${i}`} className="flex flex-wrap items-baseline justify-between gap-x-4">
                  <dt className="text-soft">
                    {f.name.startsWith("answers.") ? (
                      <Link
                        to="/products/$product/questionnaire"
                        params={{ product }}
                        search={{ question: f.name.slice("answers.".length) } as never}
                        className="link"
                      >
                        {factName(f.name)}
                      </Link>
                    ) : (
                      factName(f.name)
                    )}
                  </dt>
                  <dd className="font-medium">
                    <bdi>{plain(f.value)}</bdi>
                  </dd>
                </div>
              ))}
            </dl>
          )}
          <Disclosure summary={<span className="font-normal text-soft text-xs">Rule and library</span>}>
            <Facts
              items={[
                [
                  "Rule",
                  <code key="r" className="text-xs">
                    {w.rule}
                  </code>,
                ],
                !!w.pattern && [
                  "Risk pattern",
                  <code key="p" className="text-xs">
                    {w.pattern}
                  </code>,
                ],
                [
                  "Library",
                  <code key="l" className="text-xs">
                    {w.library}
                  </code>,
                ],
              ]}
            />
          </Disclosure>
        </li>
      ))}
    </ol>
  );
}
