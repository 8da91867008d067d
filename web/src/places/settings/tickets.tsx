import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, X } from "lucide-react";
import { api, match, ok, Problem, type S } from "../../api/client";
import { cache, connectionsQuery } from "../../api/query";
import { useChange } from "../../app/change";
import { Button, IconButton } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { Checkbox, Field, Input, Select } from "../../ui/field";
import { Section } from "../../ui/parts";
import { ErrorText, Skeleton } from "../../ui/state";
import { useCan, useProduct } from "../product/frame";
import { policyQuery, ticketsQuery } from "../review/held";
import { useDraft } from "./draft";
import { SaveBar } from "./savebar";
import { Tags } from "./tags";

/** Policy is what of a ticket policy is set here; routes and priorities stay as they are. */
interface Policy {
  target: S["TicketingTarget"];
  push: string;
  auto: boolean;
  ask_above: number;
  grouping: string;
  labels: string[];
  fields: [string, string][];
  vulnerabilities: S["TicketingVulnerabilityPolicy"];
}

const names: Record<keyof Policy, string> = {
  target: "Tracker",
  push: "What goes out",
  auto: "By itself",
  ask_above: "Ask above",
  grouping: "Grouping",
  labels: "Labels",
  fields: "Fields",
  vulnerabilities: "Vulnerability tickets",
};

function read(p: S["TicketPolicyView"]): Policy {
  return {
    target: p.default,
    push: p.push || "required",
    auto: p.auto ?? false,
    ask_above: p.ask_above || 20,
    grouping: p.grouping || "component",
    labels: p.labels ?? [],
    fields: Object.entries(p.fields ?? {}).map(([k, v]) => [k, typeof v === "string" ? v : JSON.stringify(v)]),
    vulnerabilities: {
      open: p.vulnerabilities.open || "contradicted",
      close_on_pass: p.vulnerabilities.close_on_pass ?? false,
      close_after: p.vulnerabilities.close_after ?? 0,
      reopen: p.vulnerabilities.reopen ?? false,
    },
  };
}

/** fieldValue reads what was typed: JSON where it is some, else text. */
function fieldValue(text: string): unknown {
  if (!/^[[{"\d-]|^(true|false|null)$/.test(text.trim())) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function write(stored: S["TicketPolicyView"], v: Policy): S["TicketingPolicy"] {
  const { version: _, ...rest } = stored;
  return {
    ...rest,
    default: v.target,
    push: v.push,
    auto: v.auto,
    ask_above: v.ask_above,
    grouping: v.grouping,
    labels: v.labels,
    fields: Object.fromEntries(v.fields.filter(([k]) => k.trim()).map(([k, x]) => [k.trim(), fieldValue(x)])),
    vulnerabilities: v.vulnerabilities,
  };
}

/** TicketSettings is the product's standing decision about its tickets. */
export function TicketSettings() {
  const p = useProduct();
  const q = useQuery(policyQuery(p.id));
  return (
    <div id="tickets" className="grid scroll-mt-24 grid-cols-[minmax(0,1fr)]">
      {q.data ? (
        <PolicyForm stored={q.data} />
      ) : (
        <Section title="Tickets">{q.error ? <ErrorText error={q.error} /> : <Skeleton className="h-48" />}</Section>
      )}
    </div>
  );
}

function PolicyForm({ stored }: { stored: S["TicketPolicyView"] }) {
  const p = useProduct();
  const may = useCan()("tickets.publish");
  const before = read(stored);
  const d = useDraft<Policy>(`tickets/${p.id}`, before);
  const v = d.value;
  const save = useChange(
    p.id,
    () =>
      ok(
        api.PUT("/products/{product}/tickets/policy", { params: { path: { product: p.id }, header: match(stored.version) }, body: write(stored, v) }),
      ),
    (now) => {
      cache.setQueryData(policyQuery(p.id).queryKey, now);
      d.clear();
      return { text: "The ticket policy is saved." };
    },
  );
  const problem = save.error instanceof Problem ? save.error : undefined;
  const vulnerable = (patch: Partial<S["TicketingVulnerabilityPolicy"]>) => d.set({ vulnerabilities: { ...v.vulnerabilities, ...patch } });
  return (
    <form
      className="grid grid-cols-[minmax(0,1fr)]"
      onSubmit={(e) => {
        e.preventDefault();
        if (d.dirty.length && !d.conflicts.length) save.mutate(undefined);
      }}
    >
      <Section title="Tickets" about="What becomes a ticket, where, and when. Status, assignee and estimate stay the tracker's.">
        <fieldset disabled={!may} className="grid grid-cols-[minmax(0,1fr)] gap-4">
          <Target value={v.target} onChange={(target) => d.set({ target })} problem={problem} may={may} />
          <div className="grid gap-4 border-line border-t pt-4 sm:grid-cols-2">
            <Field label="What goes out" error={problem?.field("push")}>
              <Select value={v.push} onChange={(e) => d.set({ push: e.target.value })}>
                <option value="required">Required countermeasures</option>
                <option value="threats">Open threats without a countermeasure</option>
                <option value="both">Both</option>
                <option value="manual">Only what is published by hand</option>
              </Select>
            </Field>
            <Field label="One ticket for" error={problem?.field("grouping")}>
              <Select value={v.grouping} onChange={(e) => d.set({ grouping: e.target.value })}>
                <option value="component">each countermeasure at each place</option>
                <option value="requirement">each requirement, with its places</option>
              </Select>
            </Field>
            <div className="grid content-start gap-2">
              <Checkbox label="Send new ones without asking" checked={v.auto} onChange={(e) => d.set({ auto: e.target.checked })} />
              <p className="ps-5.5 text-soft text-xs">Otherwise they wait in the review until a person publishes them.</p>
            </div>
            {v.auto && (
              <Field label="Ask when more come at once than" hint="0 or less: never ask" error={problem?.field("ask_above")}>
                <Input
                  type="number"
                  className="num"
                  value={Math.max(0, v.ask_above)}
                  min={0}
                  max={5000}
                  onChange={(e) => d.set({ ask_above: e.target.valueAsNumber > 0 ? e.target.valueAsNumber : -1 })}
                />
              </Field>
            )}
          </div>
          <div className="grid gap-4 border-line border-t pt-4 sm:grid-cols-2">
            <Field label="A ticket for a vulnerability opens" error={problem?.field("vulnerabilities.open")}>
              <Select value={v.vulnerabilities.open} onChange={(e) => vulnerable({ open: e.target.value })}>
                <option value="contradicted">when a test contradicts a claim</option>
                <option value="any_fail">at any failing test</option>
                <option value="never">never</option>
              </Select>
            </Field>
            <div className="grid content-start gap-2 sm:pt-6">
              <Checkbox
                label="Close it once the test passes again"
                checked={v.vulnerabilities.close_on_pass ?? false}
                onChange={(e) => vulnerable({ close_on_pass: e.target.checked })}
              />
              <Checkbox
                label="Open it again when the test fails again"
                checked={v.vulnerabilities.reopen ?? false}
                onChange={(e) => vulnerable({ reopen: e.target.checked })}
              />
            </div>
            {v.vulnerabilities.close_on_pass && (
              <Field label="The pass must have stood for" hint="Hours; 0 closes at once" error={problem?.field("vulnerabilities.close_after")}>
                <Input
                  type="number"
                  className="num"
                  min={0}
                  max={8760}
                  value={Math.round((v.vulnerabilities.close_after ?? 0) / 3600)}
                  onChange={(e) => vulnerable({ close_after: Math.max(0, e.target.valueAsNumber || 0) * 3600 })}
                />
              </Field>
            )}
          </div>
          <div className="grid gap-4 border-line border-t pt-4">
            <Field label="Labels" optional hint="On every ticket, beside our own; no spaces" error={problem?.field("labels")}>
              <Tags
                value={v.labels}
                onChange={(labels) => d.set({ labels: labels.map((l) => l.replace(/\s+/g, "-")) })}
                disabled={!may}
                placeholder="Add a label"
              />
            </Field>
            <Fields value={v.fields} onChange={(fields) => d.set({ fields })} />
          </div>
          {(stored.routes ?? []).length > 0 && (
            <p className="text-soft text-xs">{stored.routes?.length} routes send some tickets elsewhere. They stay as they are.</p>
          )}
        </fieldset>
      </Section>
      <SaveBar draft={d} stored={before} names={names} save={() => save.mutate(undefined)} busy={save.isPending} error={save.error} />
    </form>
  );
}

/** Target is the tracker with the project and the type of new tickets. */
function Target({
  value: t,
  onChange,
  problem,
  may,
}: {
  value: S["TicketingTarget"];
  onChange: (t: S["TicketingTarget"]) => void;
  problem?: Problem;
  may: boolean;
}) {
  const p = useProduct();
  const reads = (p.can ?? []).includes("connection.read" as never);
  const q = useQuery({ ...connectionsQuery, enabled: reads });
  const tickets = useQuery(ticketsQuery(p.id));
  const connections = q.data?.items ?? [];
  const chosen = connections.find((c) => c.id === t.connection);
  const seen = (tickets.data ?? []).filter((x) => x.connection === t.connection && /^[^-]+-\d+$/.test(x.key)).map((x) => x.key.replace(/-\d+$/, ""));
  const projects = [...new Set([...(chosen?.settings.projects ?? []), ...seen])].filter(Boolean).map((x) => ({ value: x, text: x }));
  const types = (chosen?.kind === "jira" ? ["Task", "Story", "Bug"] : []).map((x) => ({ value: x, text: x }));
  return (
    <div className="grid gap-4 sm:grid-cols-3">
      <Field label="Tracker" error={problem?.field("default.connection")}>
        <Select value={t.connection ?? ""} onChange={(e) => onChange({ connection: e.target.value || undefined })}>
          <option value="">None yet</option>
          {connections.map((c) => (
            <option key={c.id} value={c.id}>
              {c.name}
            </option>
          ))}
          {t.connection && !chosen && <option value={t.connection}>{reads ? "A connection that is gone" : "A connection you may not see"}</option>}
        </Select>
      </Field>
      <Field label="Project" error={problem?.field("default.project")}>
        <Combobox
          label="Key of the project"
          value={t.project ?? ""}
          onChange={(project) => onChange({ ...t, project: project || undefined })}
          options={projects}
          none={chosen?.kind === "builtin" ? "The board's own" : undefined}
          create
          disabled={!t.connection || !may}
        />
      </Field>
      <Field label="Type" optional={chosen?.kind !== "jira"} error={problem?.field("default.type")}>
        <Combobox
          label="Issue type"
          value={t.type ?? ""}
          onChange={(type) => onChange({ ...t, type: type || undefined })}
          options={types}
          none={chosen?.kind === "jira" ? undefined : "As the tracker has it"}
          create
          disabled={!t.connection || !may}
        />
      </Field>
      <Field label="Parent" optional hint="Key of an epic" error={problem?.field("default.parent")}>
        <Input value={t.parent ?? ""} disabled={!t.connection} onChange={(e) => onChange({ ...t, parent: e.target.value || undefined })} />
      </Field>
      <Field label="Assignee" optional hint="As the tracker names people" error={problem?.field("default.assignee")}>
        <Input value={t.assignee ?? ""} disabled={!t.connection} onChange={(e) => onChange({ ...t, assignee: e.target.value || undefined })} />
      </Field>
      {q.data && connections.length === 0 && (
        <p className="self-center text-soft text-xs">
          No tracker is connected.{" "}
          <Link to="/trackers" className="link underline">
            Connect one
          </Link>
        </p>
      )}
    </div>
  );
}

/** Fields are values for fields that the tracker demands. */
function Fields({ value, onChange }: { value: [string, string][]; onChange: (v: [string, string][]) => void }) {
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 font-medium text-sm">
        Fields <span className="font-normal text-soft">(optional)</span>
      </legend>
      <p className="text-soft text-xs">
        What the tracker demands of new tickets, by the field's id. The value is text, or JSON where the field wants it.
      </p>
      {value.map(([k, x], i) => (
        <div key={i} className="grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto] items-center gap-2">
          <Input
            aria-label={`Id of field ${i + 1}`}
            placeholder="customfield_10020"
            value={k}
            onChange={(e) => onChange(value.map((r, n) => (n === i ? [e.target.value, x] : r)))}
          />
          <Input
            aria-label={`Value of field ${i + 1}`}
            placeholder='{"value": "Security"}'
            value={x}
            onChange={(e) => onChange(value.map((r, n) => (n === i ? [k, e.target.value] : r)))}
          />
          <IconButton label={`Remove field ${i + 1}`} size="sm" onClick={() => onChange(value.filter((_, n) => n !== i))}>
            <X size={14} />
          </IconButton>
        </div>
      ))}
      <div>
        <Button size="sm" icon={<Plus aria-hidden size={13} />} onClick={() => onChange([...value, ["", ""]])}>
          Add a field
        </Button>
      </div>
    </fieldset>
  );
}
