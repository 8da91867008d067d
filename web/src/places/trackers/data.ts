import { queryOptions } from "@tanstack/react-query";
import { api, match, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { dateTime } from "../../ui/time";
import { plural } from "../../ui/words";

export type Connection = S["ConnectionView"];
export type Settings = S["ConnectionSettings"];
export type Finding = S["TrackerFinding"];
export type Problem = S["ConnectionProblem"];

export const connectionQuery = (id: string) =>
  queryOptions({
    queryKey: keys.instance("connections", id),
    queryFn: ({ signal }) => ok(api.GET("/connections/{connection}", { params: { path: { connection: id } }, signal })),
    refetchInterval: 15_000,
  });

export const problemsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.instance("connections", id, "problems"),
    queryFn: async ({ signal }) =>
      (await ok(api.GET("/connections/{connection}/problems", { params: { path: { connection: id } }, signal }))).items ?? [],
    refetchInterval: 15_000,
  });

export const vocabularyQuery = (id: string, project: string, type: string) =>
  queryOptions({
    queryKey: keys.instance("connections", id, "vocabulary", project, type),
    queryFn: ({ signal }) =>
      ok(
        api.GET("/connections/{connection}/vocabulary", {
          params: { path: { connection: id }, query: { project: project || undefined, type: type || undefined } },
          signal,
        }),
      ),
    staleTime: 300_000,
  });

/** save replaces a connection's settings; a credential that is left out stays. */
export function save(c: Connection, patch: { name?: string; settings?: Settings; credential?: S["Credential"] }): Promise<Connection> {
  return ok(
    api.PUT("/connections/{connection}", {
      params: { path: { connection: c.id }, header: match(c.version) },
      body: { name: patch.name ?? c.name, kind: c.kind as "builtin" | "jira", settings: patch.settings ?? c.settings, credential: patch.credential },
    }),
  );
}

/** Health is how a connection does: a word, why, and what a person can do about it. */
export interface Health {
  text: string;
  tone: "good" | "warn" | "bad" | "neutral";
  why?: string;
  /** What a person can do: enter a credential, try again, or look at what failed. */
  act?: "credential" | "retry" | "problems";
}

export function health(c: Connection): Health {
  const failed = c.queue.failed ?? 0;
  if (c.state === "paused" && c.paused_until)
    return {
      text: "Paused",
      tone: "warn",
      why: `${sentence(c.reason || "The tracker asks us to wait")} It goes on by itself at ${dateTime(c.paused_until)}.`,
      act: "retry",
    };
  if (c.state === "paused")
    return {
      text: "Paused",
      tone: "bad",
      why: `${sentence(c.reason || "The tracker does not take our credential")} Nothing is sent until somebody acts.`,
      act: c.kind === "builtin" ? "retry" : "credential",
    };
  if (failed > 0)
    return {
      text: "Needs a hand",
      tone: "bad",
      why: `${plural(failed, "ticket")} could not be made. ${c.reason ? sentence(c.reason) : ""}`.trim(),
      act: "problems",
    };
  if (c.reason) return { text: "Needs a look", tone: "warn", why: sentence(c.reason), act: "retry" };
  if (c.queue.ambiguous)
    return {
      text: "Working",
      tone: "warn",
      why: `${plural(c.queue.ambiguous, "ticket is", "tickets are")} being looked for: the tracker did not answer when they were sent. Each is decided by itself.`,
    };
  return { text: c.last_success ? "Works" : "Not used yet", tone: c.last_success ? "good" : "neutral" };
}

function sentence(text: string): string {
  const t = text.trim();
  return t.charAt(0).toUpperCase() + t.slice(1) + (/[.!?]$/.test(t) ? "" : ".");
}

/** kindName is what a connection is connected with. */
export function kindName(c: Pick<Connection, "kind" | "settings">): string {
  if (c.kind === "builtin") return "Built-in tracker";
  const cloud = c.settings.flavour === "cloud" || (c.settings.flavour !== "dc" && /\.atlassian\.net/.test(c.settings.base_url ?? ""));
  return c.settings.flavour === "dc" ? "Jira Data Center" : cloud ? "Jira Cloud" : "Jira";
}

/** queueParts are the tickets to be, by what they wait for. */
export const queueParts: { keys: string[]; name: string; about: string; tone?: "warn" | "bad" }[] = [
  { keys: ["held"], name: "Wait for a person", about: "Released in the tickets of their product", tone: "warn" },
  { keys: ["intent", "ready", "sent"], name: "Wait to be sent", about: "They go out by themselves" },
  { keys: ["ambiguous"], name: "Being looked for", about: "The tracker did not answer; nothing is sent twice", tone: "warn" },
  { keys: ["failed"], name: "Failed", about: "Refused by the tracker", tone: "bad" },
];

export const counted = (c: Connection, ks: string[]): number => ks.reduce((n, k) => n + (c.queue[k] ?? 0), 0);
export const waiting = (c: Connection): number => queueParts.reduce((n, p) => n + counted(c, p.keys), 0);
