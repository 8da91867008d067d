import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Checkbox, Field, Select } from "../../ui/field";
import { Badge, Section } from "../../ui/parts";
import { ErrorText, Failed, Loading } from "../../ui/state";
import { type Connection, type Settings, save, vocabularyQuery } from "./data";

const meanings: Record<string, string> = {
  required: "Required",
  in_progress: "Being worked on",
  implemented: "Implemented",
  rejected: "Rejected",
  duplicate: "A duplicate",
};
const categories: Record<string, string> = { new: "not begun: required", indeterminate: "being worked on", done: "done: by its resolution" };
const resolutionMeanings = ["implemented", "rejected", "duplicate"];

type Table = NonNullable<Settings["status"]>;

/** Mapping says what the tracker's statuses mean here, and which ones we move tickets to. */
export function Mapping({ connection: c, project, type }: { connection: Connection; project: string; type: string }) {
  const q = useQuery(vocabularyQuery(c.id, project, type));
  const [draft, setDraft] = useState<{ table: Table; recreate: boolean; version: number }>();
  const stored = c.settings.status ?? {};
  const table = draft?.table ?? stored;
  const recreate = draft?.recreate ?? !!c.settings.recreate;
  const change = useChange(
    undefined,
    () => save(c, { settings: { ...c.settings, status: clean(table), recreate } }),
    () => ({ text: "The meanings are saved" }),
  );
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading rows={4} />;
  const set = (patch: Partial<Table>) => setDraft({ table: { ...table, ...patch }, recreate, version: draft?.version ?? c.version });
  const known = q.data.statuses ?? [];
  const statuses = [
    ...known,
    ...Object.keys(table.statuses ?? {})
      .filter((n) => !known.some((k) => same(k.name, n)))
      .map((name) => ({ name, category: "" })),
  ];
  const resolutions = [...new Set([...(q.data.resolutions ?? []), ...Object.keys(table.resolutions ?? {})])];
  const stale = draft !== undefined && draft.version !== c.version;
  return (
    <form
      className="grid gap-5"
      onSubmit={(e) => {
        e.preventDefault();
        change.mutate(undefined, { onSuccess: () => setDraft(undefined) });
      }}
    >
      <p className="flex flex-wrap items-center gap-2 text-sm">
        <Badge tone={q.data.source === "tracker" ? "good" : "warn"}>{q.data.source === "tracker" ? "From the tracker" : "From our tickets"}</Badge>
        <span className="text-soft">
          {q.data.source === "tracker"
            ? "These are the names that the tracker itself gives."
            : `These are the names that were seen in our tickets${q.data.note ? `, because the tracker did not say: ${q.data.note}` : ""}. Walk the check list with a project to ask the tracker.`}
        </span>
      </p>
      <Section title="What a status means" about="Left alone, the tracker's own category decides.">
        {statuses.length === 0 ? (
          <p className="text-soft text-sm">No status is known yet. Walk the check list with a project first.</p>
        ) : (
          <Rows>
            {statuses.map((s) => (
              <Row key={s.name} name={s.name} about={s.category ? categories[s.category] : "not in the tracker now"}>
                <Select
                  aria-label={`What ${s.name} means`}
                  value={get(table.statuses, s.name)}
                  onChange={(e) => set({ statuses: put(table.statuses, s.name, e.target.value) })}
                >
                  <option value="">By its category</option>
                  {Object.entries(meanings).map(([v, text]) => (
                    <option key={v} value={v}>
                      {text}
                    </option>
                  ))}
                </Select>
              </Row>
            ))}
          </Rows>
        )}
      </Section>
      <Section title="What a resolution means" about="For tickets that are done. The usual names, like Won't Do and Duplicate, are known.">
        {resolutions.length === 0 ? (
          <p className="text-soft text-sm">The tracker names no resolutions; what is done counts as implemented.</p>
        ) : (
          <Rows>
            {resolutions.map((r) => (
              <Row key={r} name={r}>
                <Select
                  aria-label={`What ${r} means`}
                  value={get(table.resolutions, r)}
                  onChange={(e) => set({ resolutions: put(table.resolutions, r, e.target.value) })}
                >
                  <option value="">By its name</option>
                  {resolutionMeanings.map((v) => (
                    <option key={v} value={v}>
                      {meanings[v]}
                    </option>
                  ))}
                </Select>
              </Row>
            ))}
          </Rows>
        )}
      </Section>
      {c.kind === "jira" && (
        <Section title="What we move tickets to" about="When a test passes or fails again. Left alone, the first status that fits is taken.">
          <div className="grid items-start gap-4 sm:grid-cols-2">
            <Pick
              label="When we close one"
              none="The first that is done"
              value={table.done?.[0] ?? ""}
              names={statuses.filter((s) => s.category === "done" || s.category === "").map((s) => s.name)}
              onChange={(v) => set({ done: v ? [v] : undefined })}
            />
            <Pick
              label="When we open one again"
              none="The first that is open"
              value={table.reopen?.[0] ?? ""}
              names={statuses.filter((s) => s.category !== "done").map((s) => s.name)}
              onChange={(v) => set({ reopen: v ? [v] : undefined })}
            />
            <Pick
              label="Resolution of what is done"
              none="What the tracker takes"
              value={table.resolution ?? ""}
              names={resolutions}
              onChange={(v) => set({ resolution: v || undefined })}
            />
            <Pick
              label="Resolution of what will not be done"
              none="Won't Do"
              value={table.reject_resolution ?? ""}
              names={resolutions}
              onChange={(v) => set({ reject_resolution: v || undefined })}
            />
            <Field label="Steps at most" hint="How many transitions may follow one another to get there.">
              <Select value={String(table.max_hops ?? 1)} onChange={(e) => set({ max_hops: Number(e.target.value) })}>
                <option>1</option>
                <option>2</option>
                <option>3</option>
              </Select>
            </Field>
          </div>
        </Section>
      )}
      <Checkbox
        checked={recreate}
        onChange={(e) => setDraft({ table, recreate: e.target.checked, version: draft?.version ?? c.version })}
        label="Make a ticket again by itself when somebody deletes it. Otherwise a person is asked."
      />
      {stale && (
        <p className="rounded-md bg-medium-soft px-3 py-2 text-medium text-sm">
          Somebody changed this connection meanwhile. Saving puts your meanings over theirs; discard to see theirs.
        </p>
      )}
      {change.error && <ErrorText error={change.error} />}
      <div className="flex gap-2">
        <Button type="submit" look="primary" busy={change.isPending} disabled={!draft}>
          Save
        </Button>
        {draft && <Button onClick={() => setDraft(undefined)}>Discard</Button>}
      </div>
    </form>
  );
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

const get = (map: Record<string, string> | undefined, name: string): string => Object.entries(map ?? {}).find(([k]) => same(k, name))?.[1] ?? "";

function put(map: Record<string, string> | undefined, name: string, value: string): Record<string, string> {
  const rest = Object.fromEntries(Object.entries(map ?? {}).filter(([k]) => !same(k, name)));
  return value ? { ...rest, [name]: value } : rest;
}

/** clean takes what is empty out of a table. */
function clean(t: Table): Table {
  return {
    ...t,
    statuses: Object.keys(t.statuses ?? {}).length ? t.statuses : undefined,
    resolutions: Object.keys(t.resolutions ?? {}).length ? t.resolutions : undefined,
  };
}

function Rows({ children }: { children: ReactNode }) {
  return <ul className="divide-y divide-line">{children}</ul>;
}

function Row({ name, about, children }: { name: string; about?: string; children: ReactNode }) {
  return (
    <li className="grid items-center gap-x-4 gap-y-1 py-2 sm:grid-cols-[1fr_14rem]">
      <span className="min-w-0 text-sm">
        <bdi className="font-medium">{name}</bdi>
        {about && <span className="text-soft"> · {about}</span>}
      </span>
      {children}
    </li>
  );
}

function Pick({
  label,
  value,
  names,
  none,
  onChange,
}: {
  label: string;
  value: string;
  names: string[];
  none: string;
  onChange: (v: string) => void;
}) {
  return (
    <Field label={label}>
      <Select value={value} onChange={(e) => onChange(e.target.value)}>
        <option value="">{none}</option>
        {[...new Set(value && !names.includes(value) ? [...names, value] : names)].map((n) => (
          <option key={n}>{n}</option>
        ))}
      </Select>
    </Field>
  );
}
