import { useQuery } from "@tanstack/react-query";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { Badge } from "../../ui/parts";
import { ErrorText, Loading } from "../../ui/state";
import { category } from "../../ui/words";
import { costText } from "../risks/cost";

/** PatternWords is a risk pattern as it is in force, in words: threats, what makes them possible, and what helps. */
export function PatternWords({ refOf }: { refOf: string }) {
  const q = useQuery({
    queryKey: keys.instance("library", "pattern", refOf),
    queryFn: ({ signal }) => ok(api.GET("/library/patterns/{ref}", { params: { path: { ref: refOf } }, signal })),
  });
  if (!q.data) return q.error ? <ErrorText error={q.error} /> : <Loading rows={4} />;
  const p = q.data;
  const weakness = new Map((p.weaknesses ?? []).map((w) => [w.ref, w]));
  const remedy = new Map((p.countermeasures ?? []).map((c) => [c.ref, c]));
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
          <p className="mt-2 text-soft text-sm">
            Impact: confidentiality {t.impact.confidentiality}, integrity {t.impact.integrity}, availability {t.impact.availability}. Ease {t.ease}.{" "}
            {t.because}
          </p>
          <ul className="mt-3 grid gap-3">
            {(t.weaknesses ?? []).map((w) => {
              const known = weakness.get(w.ref);
              return (
                <li key={w.ref} className="border-line border-s-2 ps-3 text-sm">
                  <p className="font-medium">
                    {known?.title ?? w.ref} {known?.cwe ? <span className="text-soft">CWE-{known.cwe}</span> : null}
                  </p>
                  <ul className="mt-1 grid gap-1">
                    {(w.countermeasures ?? []).map((c) => {
                      const m = remedy.get(c.ref);
                      return (
                        <li key={c.ref}>
                          {m?.title ?? c.ref}{" "}
                          <span className="text-soft text-xs">
                            takes {c.share} % off
                            {m?.cost ? ` · ${costText(m.cost)}` : ""}
                            {m ? ` · ${m.default}` : " · of another pattern"}
                            {(m?.standards ?? []).length > 0 && ` · ${(m?.standards ?? []).map((s) => `${s.standard} ${s.clause}`).join(", ")}`}
                          </span>
                        </li>
                      );
                    })}
                  </ul>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </div>
  );
}
