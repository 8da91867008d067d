import { useState } from "react";
import type { Problem, S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Field, Input } from "../../ui/field";
import type { Connection, Settings } from "./data";

export type Kind = "builtin" | "cloud" | "dc";

/** Entered is what a person entered about a connection; empty secrets leave the stored ones. */
export interface Entered {
  kind: Kind;
  name: string;
  url: string;
  email: string;
  token: string;
  storyPoints: string;
  linkType: string;
  projects: string;
}

export function entered(c?: Connection): Entered {
  const s = c?.settings;
  return {
    kind: !c ? "cloud" : c.kind === "builtin" ? "builtin" : s?.flavour === "dc" || (!s?.email && s?.flavour !== "cloud") ? "dc" : "cloud",
    name: c?.name ?? "",
    url: s?.base_url ?? "",
    email: s?.email ?? "",
    token: "",
    storyPoints: s?.story_points ?? "",
    linkType: s?.link_type ?? "",
    projects: (s?.projects ?? []).join(", "),
  };
}

export const names: Record<Kind, string> = { builtin: "Built-in tracker", cloud: "Jira Cloud", dc: "Jira Data Center" };

/** settingsOf are the settings that were entered, over those that are not in the form. */
export function settingsOf(e: Entered, old?: Settings): Settings {
  if (e.kind === "builtin") return { ...old, status: old?.status ?? {}, projects: e.projects.split(/[\s,]+/).filter(Boolean) };
  return {
    ...old,
    status: old?.status ?? {},
    base_url: e.url.trim(),
    flavour: e.kind,
    email: e.kind === "cloud" ? e.email.trim() : undefined,
    story_points: e.storyPoints.trim() || undefined,
    link_type: e.linkType.trim() || undefined,
  };
}

export function credentialOf(e: Entered): S["Credential"] | undefined {
  if (!e.token) return undefined;
  return e.kind === "cloud" ? { token: e.token } : e.kind === "dc" ? { pat: e.token } : undefined;
}

const about: Record<Kind, string> = {
  builtin: "A board inside Threatloop. Nothing to set up.",
  cloud: "An address at atlassian.net, an account and its API token.",
  dc: "Your own server, with a personal access token.",
};

/** KindChoice chooses what to connect with. */
export function KindChoice({ value, onChange }: { value: Kind; onChange: (k: Kind) => void }) {
  return (
    <fieldset>
      <legend className="mb-1 font-medium text-sm">Tracker</legend>
      <div className="grid gap-2 sm:grid-cols-3">
        {(Object.keys(names) as Kind[]).map((k) => (
          <label
            key={k}
            className={cx(
              "flex items-start gap-2 rounded-md border px-3 py-2 text-sm",
              k === value ? "border-accent bg-accent-soft" : "border-line hover:bg-raised",
            )}
          >
            <input type="radio" name="kind" className="mt-1" checked={k === value} onChange={() => onChange(k)} />
            <span>
              <span className="font-medium">{names[k]}</span>
              <span className="block text-soft text-xs">{about[k]}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** ConnectionFields are the fields of one kind of connection. */
export function ConnectionFields({
  value: e,
  onChange,
  problem,
  stored,
}: {
  value: Entered;
  onChange: (e: Entered) => void;
  problem?: Problem;
  stored?: boolean;
}) {
  const set = (patch: Partial<Entered>) => onChange({ ...e, ...patch });
  const [more, setMore] = useState(!!(e.storyPoints || e.linkType));
  return (
    <>
      <Field label="Name" hint="As your people call it." error={problem?.field("name")}>
        <Input
          required
          maxLength={200}
          value={e.name}
          onChange={(ev) => set({ name: ev.target.value })}
          placeholder={e.kind === "builtin" ? "Board" : "Jira of the company"}
        />
      </Field>
      {e.kind === "builtin" ? (
        <Field
          label="Projects"
          optional
          hint="Keys like SHOP, separated by commas. Without any, each product may use its own."
          error={problem?.field("settings.projects")}
        >
          <Input value={e.projects} onChange={(ev) => set({ projects: ev.target.value })} placeholder="SHOP, API" />
        </Field>
      ) : (
        <>
          <Field label="Address" error={problem?.field("settings.base_url")}>
            <Input
              required
              type="url"
              value={e.url}
              onChange={(ev) => set({ url: ev.target.value })}
              placeholder={e.kind === "cloud" ? "https://yours.atlassian.net" : "https://jira.example.org"}
            />
          </Field>
          {e.kind === "cloud" && (
            <Field
              label="Account"
              hint="E-mail of the account that the token belongs to. An account of its own is best: tickets show who made them."
              error={problem?.field("settings.email")}
            >
              <Input required type="email" value={e.email} onChange={(ev) => set({ email: ev.target.value })} autoComplete="off" />
            </Field>
          )}
          <Field
            label={e.kind === "cloud" ? "API token" : "Personal access token"}
            optional={stored}
            hint={
              stored
                ? "One is stored. Leave this empty to keep it."
                : e.kind === "cloud"
                  ? "Made at id.atlassian.com, Security, API tokens. It is stored sealed and never shown."
                  : "Made in Jira under your profile, Personal Access Tokens. It is stored sealed and never shown."
            }
            error={problem?.field("credential.token") ?? problem?.field("credential.pat")}
          >
            <Input
              type="password"
              required={!stored}
              value={e.token}
              onChange={(ev) => set({ token: ev.target.value })}
              autoComplete="new-password"
            />
          </Field>
          {more ? (
            <div className="grid items-start gap-4 sm:grid-cols-2">
              <Field label="Story points field" optional hint="Its id, like customfield_10016; shown with the ticket as its estimate.">
                <Input value={e.storyPoints} onChange={(ev) => set({ storyPoints: ev.target.value })} />
              </Field>
              <Field label="Link type" optional hint="Between a vulnerability's ticket and its countermeasure's; Relates without one.">
                <Input value={e.linkType} onChange={(ev) => set({ linkType: ev.target.value })} />
              </Field>
            </div>
          ) : (
            <button type="button" className="link justify-self-start text-sm" onClick={() => setMore(true)}>
              Estimates and links
            </button>
          )}
        </>
      )}
    </>
  );
}
