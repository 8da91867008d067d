import { queryOptions } from "@tanstack/react-query";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";

export type Row = S["EntryRow"];
export type Entry = S["EntryView"];
export type Kind = Row["kind"];
export type Found = S["LibraryProblem"];

export const kinds: Record<Kind, { one: string; many: string }> = {
  pattern: { one: "Risk pattern", many: "Risk patterns" },
  type: { one: "Component type", many: "Component types" },
  rule: { one: "Rule", many: "Rules" },
  questionnaire: { one: "Questionnaire", many: "Questionnaires" },
  standard: { one: "Standard", many: "Standards" },
  head: { one: "Head and vocabulary", many: "Head and vocabulary" },
};

export const layers: Record<Row["layer"], string> = { "built-in": "Built in", own: "Your own", changed: "Changed here", removed: "Removed here" };
export const drafts: Record<NonNullable<Row["draft"]>, string> = {
  new: "New in the draft",
  changed: "Changed in the draft",
  removed: "Removed by the draft",
};

export const entriesQuery = queryOptions({
  queryKey: keys.instance("library", "entries"),
  queryFn: ({ signal }) => everything<Row>((cursor) => ok(api.GET("/library/entries", { params: { query: { cursor, limit: 1000 } }, signal }))),
});

/** Entries that have all words of a search in their text, as kind/ref. */
export const foundQuery = (q: string) =>
  queryOptions({
    queryKey: keys.instance("library", "entries", "found", q),
    queryFn: async ({ signal }) => {
      const rows = await everything<Row>((cursor) => ok(api.GET("/library/entries", { params: { query: { q, cursor, limit: 1000 } }, signal })));
      return new Set(rows.map((r) => `${r.kind}/${r.ref}`));
    },
  });

export const entryQuery = (kind: string, ref: string) =>
  queryOptions({
    queryKey: keys.instance("library", "entry", kind, ref),
    queryFn: ({ signal }) => ok(api.GET("/library/entries/{kind}/{ref}", { params: { path: { kind: kind as Kind, ref } }, signal })),
  });

export const draftQuery = queryOptions({
  queryKey: keys.instance("library", "draft"),
  queryFn: ({ signal }) => ok(api.GET("/library/draft", { signal })),
});

export const checkQuery = (revision: number) =>
  queryOptions({
    queryKey: keys.instance("library", "check", revision),
    queryFn: ({ signal }) => ok(api.GET("/library/draft/check", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const versionsQuery = queryOptions({
  queryKey: keys.instance("library", "versions"),
  queryFn: ({ signal }) =>
    everything<S["VersionView"]>((cursor) => ok(api.GET("/library/versions", { params: { query: { cursor, limit: 200 } }, signal }))),
});

export const diffQuery = (from: string, to: string) =>
  queryOptions({
    queryKey: keys.instance("library", "diff", from, to),
    queryFn: ({ signal }) =>
      everything<S["LibraryChange"]>((cursor) => ok(api.GET("/library/diff", { params: { query: { from, to, cursor, limit: 500 } }, signal }))),
  });

/** revisionMatch is the If-Match header of what is done to the whole draft; a draft that nobody touched has revision 0. */
export const revisionMatch = (revision: number) => ({ "If-Match": `"${revision}"` });

/** slug is a name as a ref: lower case letters, digits and hyphens. */
export const slug = (s: string): string =>
  s
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");

/** starter is the text that a new entry begins with: sound, small, and saying what belongs where. */
export function starter(kind: Kind, ref: string, name: string): string {
  const q = JSON.stringify(name);
  switch (kind) {
    case "pattern":
      return `pattern: ${ref}
name: ${q}
description: What can happen, and where.
weaknesses:
  - {ref: ${ref}-flaw, title: The flaw that makes it possible, cwe: 20, test: What a test would show}
countermeasures:
  - ref: ${ref}-remedy
    title: What is done about it
    description: How to do it.
    cost: {amount: 2, unit: days}
    default: recommended
    test: What a passing test shows
threats:
  - ref: harm
    title: What could go wrong
    description: Who does what, and what is lost.
    categories: [stride:tampering]
    impact: {confidentiality: 0, integrity: 60, availability: 0}
    ease: 50
    because: Why this impact and ease.
    weaknesses:
      - {ref: ${ref}-flaw, countermeasures: [{ref: ${ref}-remedy, share: 80}]}
`;
    case "type":
      return `type: ${ref}
name: ${q}
kind: process
description: What it is, in a sentence.
patterns: []
aliases: []
`;
    case "rule":
      return `rules:
  - rule: ${ref}
    title: ${q}
    for: component
    kinds: [process]
    when: component.internet_facing
    recommend: []
    reason: One sentence that a person reads at everything the rule brings.
    tests:
      - name: fires
        model:
          zones: [{id: out, name: Internet, trust: 0}]
          components: [{id: user, kind: actor, zone: out}, {id: app, kind: process}]
          flows: [{id: f, from: user, to: app}]
        fires: [app]
      - name: silent
        model:
          components: [{id: app, kind: process}]
        fires: []
`;
    case "questionnaire":
      return `questionnaire: ${ref}
name: ${q}
description: What it asks about.
include: [value]
groups:
  - group: first
    title: First questions
    questions:
      - question: ${ref.replaceAll("-", "_")}_first
        title: What is to be known?
        kind: yes_no
`;
    case "standard":
      return `standard: ${ref}
name: ${q}
version: "1"
clauses:
  - {id: "1", title: In our own words}
`;
    default:
      return "";
  }
}
