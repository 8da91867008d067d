import { useQuery } from "@tanstack/react-query";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { Badge, Disclosure } from "../../ui/parts";
import { ErrorText, Loading } from "../../ui/state";
import { category, word } from "../../ui/words";
import { costText } from "../risks/cost";
import { Light } from "../risks/light";
import { title } from "../standards/data";

type Measure = NonNullable<S["WholePattern"]["countermeasures"]>[number];

/** PatternWords is a risk pattern as it is in force, in words: threats, what makes them possible, and what helps. */
export function PatternWords({ refOf }: { refOf: string }) {
  const q = useQuery({
    queryKey: keys.instance("library", "pattern", refOf),
    queryFn: ({ signal }) => ok(api.GET("/library/patterns/{ref}", { params: { path: { ref: refOf } }, signal })),
  });
  if (!q.data) return q.error ? <ErrorText error={q.error} /> : <Loading rows={4} />;
  const p = q.data;
  const weakness = new Map([...(p.weaknesses ?? []), ...(p.used_weaknesses ?? [])].map((w) => [w.ref, w]));
  const measure = new Map([...(p.countermeasures ?? []), ...(p.used_countermeasures ?? [])].map((c) => [c.ref, c]));
  return (
    <div className="grid gap-4">
      {p.description && <p className="max-w-[72ch] whitespace-pre-line text-sm">{p.description}</p>}
      {(p.threats ?? []).map((t) => (
        <section key={t.ref} className="card p-4">
          <h2 className="font-semibold">{t.title}</h2>
          <p className="mt-1 flex flex-wrap gap-1.5">
            {(t.categories ?? []).map((c) => (
              <Badge key={c}>{category(c).name}</Badge>
            ))}
            {(t.capec ?? []).map((c) => (
              <Badge key={c}>CAPEC-{c}</Badge>
            ))}
          </p>
          {t.description && <p className="mt-2 max-w-[72ch] whitespace-pre-line text-sm">{t.description}</p>}
          <p className="mt-2 max-w-[72ch] text-soft text-sm">
            Impact: confidentiality {t.impact.confidentiality}, integrity {t.impact.integrity}, availability {t.impact.availability}. Ease {t.ease}.{" "}
            {t.because}
          </p>
          <ul className="mt-4 grid gap-4">
            {(t.weaknesses ?? []).map((w) => (
              <li key={w.ref} className="border-line border-s-2 ps-3 text-sm">
                <Weakness of={weakness.get(w.ref)} refOf={w.ref} />
                <ul className="mt-2 grid gap-0.5">
                  {(w.countermeasures ?? []).map((c) => (
                    <li key={c.ref}>
                      <Help of={measure.get(c.ref)} refOf={c.ref} share={c.share} />
                    </li>
                  ))}
                </ul>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function Weakness({ of: w, refOf }: { of?: NonNullable<S["WholePattern"]["weaknesses"]>[number]; refOf: string }) {
  return (
    <>
      <h3 className="font-medium">
        {w?.title ?? refOf} {w?.cwe ? <span className="font-normal text-soft">CWE-{w.cwe}</span> : null}
      </h3>
      {w?.description && <p className="max-w-[72ch] text-soft">{w.description}</p>}
      {w?.test && (
        <p className="mt-1 max-w-[72ch] text-soft text-xs">
          <span className="font-medium">Test:</span> {w.test}
        </p>
      )}
    </>
  );
}

/** Help is a countermeasure: what it takes off and costs, and behind that how it is done and tested. */
function Help({ of: c, refOf, share }: { of?: Measure; refOf: string; share: number }) {
  const facts = [`takes ${share} % off`, c?.cost && costText(c.cost), c && word(c.default).toLowerCase()].filter(Boolean).join(" · ");
  return (
    <Disclosure
      summary={
        <span className="min-w-0 font-normal">
          {c?.title ?? refOf} <span className="text-soft text-xs">{facts}</span>
        </span>
      }
    >
      <div className="grid max-w-[72ch] gap-2 pb-3">
        {c?.description && <Light text={c.description} />}
        {c?.test && (
          <p>
            <span className="font-medium">A passing test shows:</span> {c.test}
          </p>
        )}
        <Clauses of={c?.standards ?? []} />
      </div>
    </Disclosure>
  );
}

/** Clauses are those of standards that a countermeasure serves, a line for each standard. */
function Clauses({ of }: { of: NonNullable<Measure["standards"]> }) {
  const standards = useQuery({
    queryKey: keys.instance("library", "standards"),
    queryFn: ({ signal }) => ok(api.GET("/library/standards", { signal })),
    staleTime: 600_000,
  }).data?.items;
  const byStandard = new Map<string, string[]>();
  for (const c of of) byStandard.set(c.standard, [...(byStandard.get(c.standard) ?? []), c.clause]);
  if (byStandard.size === 0) return null;
  return (
    <dl className="grid gap-0.5 text-xs">
      {[...byStandard].map(([ref, clauses]) => {
        const s = standards?.find((x) => x.ref === ref);
        return (
          <div key={ref} className="flex flex-wrap gap-x-2">
            <dt className="text-soft">{s ? title(s) : ref}</dt>
            <dd className="num">{clauses.join(", ")}</dd>
          </div>
        );
      })}
    </dl>
  );
}
