import { describe, expect, it } from "vitest";
import { type Group, headline, ofAudit, sift } from "./groups";

const row = (seq: number, request: string | undefined, object: string, action = "model.change") => ({
  seq,
  at: `2026-01-0${seq}T10:00:00Z`,
  actor: "usr_1",
  actor_name: "Ada",
  actor_kind: "person" as const,
  source: "web",
  request_id: request,
  action,
  object,
  new: { title: object },
  hash: "",
});

describe("ofAudit", () => {
  it("groups neighbours by request and leaves rows without one alone", () => {
    const got = ofAudit([row(4, "a", "threat/1"), row(3, "a", "threat/2"), row(2, undefined, "run/1"), row(1, undefined, "run/2")]);
    expect(got.map((g) => g.changes.map((c) => c.id))).toEqual([["1", "2"], ["1"], ["2"]]);
  });
});

describe("headline", () => {
  const group = (g: Partial<Group>): Group => ({ key: "", at: "", actor: "", actorName: "", source: "", changes: [], more: 0, ...g });
  const change = (kind: string, action = "model.change", name?: string) => ({ action, kind, id: "x", name });
  it("says what a request did", () => {
    expect([
      headline(group({ label: "Move 3 elements" })),
      headline(group({ changes: [change("threat", "model.add", "Spoofing")] })),
      headline(group({ changes: [change("answer"), change("answer")] })),
      headline(group({ changes: [change("threat"), change("link", "model.add")], more: 3 })),
      headline(group({ changes: [change("product", "plan.apply"), change("threat", "model.add")] })),
    ]).toEqual(["Move 3 elements", "Added “Spoofing”", "Changed 2 answers", "Changed 5 things", "Applied the plan"]);
  });
});

describe("sift", () => {
  const groups = ofAudit([row(3, "a", "threat/1"), row(2, "a", "countermeasure/2"), row(1, "b", "flow/3")]);
  it("keeps what is looked for", () => {
    expect(sift(groups, { kind: "countermeasure" }).flatMap((g) => g.changes.map((c) => c.id))).toEqual(["2"]);
    expect(sift(groups, { q: "flow" }).flatMap((g) => g.changes.map((c) => c.id))).toEqual(["3"]);
    expect(sift(groups, { who: "usr_2" })).toEqual([]);
    expect(sift(groups, {})).toEqual(groups);
  });
});
