import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ok, type S } from "../../api/client";
import { countermeasuresQuery, keys, weaknessesQuery } from "../../api/query";
import type { Pages } from "../../api/whole";

export type Run = S["RunView"];
export type Evidence = S["EvidenceView"];
export type Item = S["EvidenceItem"];

/** runRows are the runs of a product, the newest first. */
export const runRows = (id: string): Pages<Run> => ({
  queryKey: keys.product(id, "runs"),
  page: (cursor, limit, signal) => ok(api.GET("/products/{product}/runs", { params: { path: { product: id }, query: { cursor, limit } }, signal })),
  // What is being read ends without an event of its own where it is refused.
  every: (rows) => (rows.some((r) => r.state === "queued" || r.state === "parsing") ? 1500 : false),
});

export const runQuery = (id: string, run: string) =>
  queryOptions({
    queryKey: keys.product(id, "run", run),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/runs/{run}", { params: { path: { product: id, run } }, signal })),
  });

/** triageRows are the results that wait for a person, the most severe first. */
export const triageRows = (id: string): Pages<Evidence> => ({
  queryKey: keys.product(id, "triage"),
  page: (cursor, limit, signal) =>
    ok(api.GET("/products/{product}/evidence", { params: { path: { product: id }, query: { cursor, limit, triage: true } }, signal })),
});

export const instanceQuery = queryOptions({ queryKey: keys.instance("about"), queryFn: ({ signal }) => ok(api.GET("/instance", { signal })) });

/** Subject is a weakness or countermeasure that results are about. */
export interface Subject {
  id: string;
  kind: "weakness" | "countermeasure";
  title: string;
  ref: string;
  where: string;
  whereName: string;
  state?: string;
  cwe?: number;
  tickets: S["TicketRef"][];
  /** The place that shows it, and what is open there. */
  place: "threats" | "countermeasures";
  open: string;
}

/** useSubjects are all that results can be about, by id. */
export function useSubjects(product: string): Map<string, Subject> {
  const weaknesses = useQuery(weaknessesQuery(product)).data;
  const countermeasures = useQuery(countermeasuresQuery(product)).data;
  return useMemo(() => {
    const out = new Map<string, Subject>();
    for (const w of weaknesses ?? [])
      out.set(w.id, {
        id: w.id,
        kind: "weakness",
        title: w.title,
        ref: w.ref,
        where: w.where,
        whereName: w.where_name,
        cwe: w.cwe,
        tickets: w.tickets ?? [],
        place: "threats",
        open: w.threats?.[0] ?? "",
      });
    for (const c of countermeasures ?? [])
      out.set(c.id, {
        id: c.id,
        kind: "countermeasure",
        title: c.title,
        ref: c.ref,
        where: c.where,
        whereName: c.where_name,
        state: c.state,
        tickets: c.tickets ?? [],
        place: "countermeasures",
        open: c.id,
      });
    return out;
  }, [weaknesses, countermeasures]);
}

export const subjectOf = (m: S["EvidenceMatch"]): string => m.countermeasure || m.weakness || "";

/** formats are the reports that are read here, as people call them. */
export const formats: Record<string, string> = {
  junit: "JUnit XML",
  cucumber: "Cucumber JSON",
  zap: "OWASP ZAP",
  sarif: "SARIF",
  fortify: "Fortify FPR",
};
export const formatName = (f: string): string => formats[f] ?? f;
