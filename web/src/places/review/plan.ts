import type { S } from "../../api/client";

export type Step = S["PlanItem"];

/** What a step does, as people are told. */
export type Does = "add" | "change" | "retire" | "keep";

export const doesName: Record<Does, string> = { add: "Comes in", change: "Changes", retire: "Goes", keep: "Yours stays" };

/** does sums up the actions of the server. */
export function does(s: Step): Does {
  if (s.action === "add" || s.action === "revive") return "add";
  if (s.action === "change" || s.action === "keep") return s.action;
  return "retire";
}

/** Whether a step waits for a yes; what a person set stays anyhow. */
export const waits = (s: Step): boolean => does(s) !== "keep";

/** Whether a step can be refused for good: only what comes in, and no link. */
export const refusable = (s: Step): boolean => does(s) === "add" && s.kind !== "link" && s.kind !== "product";

/** Group is a place with its steps, as they are shown. */
export interface Group {
  where: string;
  name: string;
  steps: Step[];
  /** Links that come and go with what they link. */
  links: number;
}

/** Sorted is a plan as a person reviews it. */
export interface Sorted {
  groups: Group[];
  shown: Step[];
  /** Links that follow the steps at their ends, by key. */
  followers: Step[];
}

const ends = (s: Step) => s.id.split("/").filter(Boolean);

/**
 * sortPlan groups the steps by place. A link is not shown by itself where one of
 * its ends comes or goes in the same plan: it goes with that.
 */
export function sortPlan(plan: S["PlanView"]): Sorted {
  const steps = plan.items ?? [];
  const byKey = new Map(steps.map((s) => [s.key, s]));
  const moving = new Map(steps.filter((s) => s.kind !== "link" && waits(s) && does(s) !== "change").map((s) => [s.id, does(s)]));
  const follows = (s: Step) => s.kind === "link" && ends(s).some((e) => moving.get(e) === does(s));
  const groups = (plan.places ?? []).map((p) => {
    const all = (p.keys ?? []).map((k) => byKey.get(k)).filter((s) => s !== undefined);
    return { where: p.where, name: p.where_name, steps: all.filter((s) => !follows(s)), links: all.filter(follows).length };
  });
  return { groups: groups.filter((g) => g.steps.length > 0), shown: groups.flatMap((g) => g.steps), followers: steps.filter(follows) };
}

/**
 * withLinks adds to accepted steps the links that go with them: one that comes in
 * needs everything at its ends, one that goes loses one of them.
 */
export function withLinks(accepted: Step[], plan: S["PlanView"], followers: Step[]): string[] {
  const chosen = new Set(accepted.map((s) => s.id));
  const open = new Set((plan.items ?? []).filter((s) => s.kind !== "link" && does(s) === "add" && !chosen.has(s.id)).map((s) => s.id));
  const links = followers.filter((s) => {
    const e = ends(s);
    return e.some((id) => chosen.has(id)) && (does(s) !== "add" || !e.some((id) => open.has(id)));
  });
  return [...accepted, ...links].map((s) => s.key);
}

/** Entry is one thing of the list that a plan is: the head of a place, a step, or the room after a place. */
export interface Entry {
  is: "head" | "step" | "end";
  key: string;
  /** The place, by its number. */
  group: number;
  step?: Step;
}

/** flat puts the places and their steps into one list; at tells where each entry is, by its key. */
export function flat(groups: Group[]): { entries: Entry[]; at: Map<string, number> } {
  const entries: Entry[] = groups.flatMap((g, group) => [
    { is: "head", key: `head ${g.where}`, group },
    ...g.steps.map((step): Entry => ({ is: "step", key: `step ${step.key}`, group, step })),
    { is: "end", key: `end ${g.where}`, group },
  ]);
  return { entries, at: new Map(entries.map((e, i) => [e.key, i])) };
}
