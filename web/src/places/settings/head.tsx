import { useQuery } from "@tanstack/react-query";
import { api, ok, type Problem } from "../../api/client";
import { keys } from "../../api/query";
import { Combobox, type Option } from "../../ui/combobox";
import { Field, Input, Select, Textarea } from "../../ui/field";
import { Section } from "../../ui/parts";
import { Bars, bandNames, bandOf, bandTone } from "../../ui/rating";
import { useProduct } from "../product/frame";
import type { Draft } from "./draft";
import type { Values } from "./product";
import { Tags } from "./tags";

type Part = { draft: Draft<Values>; problem?: Problem; may: boolean };

/** General is what a product is called and whose it is. */
export function General({ draft: d, problem, may }: Part) {
  const p = useProduct();
  const v = d.value;
  const people = useQuery({
    queryKey: keys.instance("people", p.id),
    queryFn: ({ signal }) => ok(api.GET("/people", { params: { query: { product: p.id, limit: 200 } }, signal })),
  });
  const portfolio = useQuery({ queryKey: keys.products("facets"), queryFn: ({ signal }) => ok(api.GET("/portfolio", { signal })) });
  const owners: Option[] = (people.data?.items ?? []).map((x) => ({ value: x.name, text: x.name, about: x.email }));
  const teams: Option[] = (portfolio.data?.facets.teams ?? []).filter((x) => x.name).map((x) => ({ value: x.name, text: x.name }));
  return (
    <Section title="General">
      <div className="grid gap-4">
        <Field label="Name" error={problem?.field("name")}>
          <Input value={v.name} required maxLength={200} disabled={!may} onChange={(e) => d.set({ name: e.target.value })} />
        </Field>
        <Field label="Description" optional error={problem?.field("description")}>
          <Textarea value={v.description} rows={3} maxLength={20_000} disabled={!may} onChange={(e) => d.set({ description: e.target.value })} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Team" optional hint="The portfolio can be read by team" error={problem?.field("team")}>
            <Combobox label="Team" value={v.team} onChange={(team) => d.set({ team })} options={teams} none="No team" create disabled={!may} />
          </Field>
          <Field label="Owner" optional hint="Who answers for this product" error={problem?.field("owner")}>
            <Combobox label="Owner" value={v.owner} onChange={(owner) => d.set({ owner })} options={owners} none="Nobody" create disabled={!may} />
          </Field>
        </div>
        <Field label="Tags" optional error={problem?.field("tags")} hint="Enter or a comma ends a tag">
          <Tags value={v.tags} onChange={(tags) => d.set({ tags })} disabled={!may} />
        </Field>
      </div>
    </Section>
  );
}

const worth = ["confidentiality", "integrity", "availability"] as const;
const losses = { confidentiality: "if its data becomes known", integrity: "if its data or work is falsified", availability: "if it stands still" };

/** Worth is what the product is worth and how exposed it is. */
export function Worth({ draft: d, problem, may }: Part) {
  const v = d.value;
  const cia = v.value ?? { confidentiality: 50, integrity: 50, availability: 50 };
  return (
    <Section
      title="Value and exposure"
      about="They say how high a threat can rate here. Where assets are modelled, their values count instead, and zones say how exposed a component is."
    >
      <div id="value" className="grid scroll-mt-24 gap-5 md:grid-cols-2">
        <fieldset className="grid content-start gap-4">
          <legend className="mb-4 text-soft text-xs">
            {v.value ? "What would be lost, 0 to 100" : "Nobody said what the product is worth: 50 is taken"}
          </legend>
          {worth.map((w) => (
            <Slide
              key={w}
              label={w.charAt(0).toUpperCase() + w.slice(1)}
              hint={`How bad it is ${losses[w]}`}
              value={cia[w]}
              onChange={(n) => d.set({ value: { ...cia, [w]: n } })}
              disabled={!may}
              error={problem?.field(`value.${w}`)}
            />
          ))}
        </fieldset>
        <div className="grid content-start gap-4">
          <p className="text-soft text-xs">
            {v.exposure === null ? "Nobody said how exposed the product is; the diagram's zones and the answers decide" : "Where nothing is drawn"}
          </p>
          <Slide
            label="Exposure"
            hint="100: everybody on the Internet reaches it. 5: hardly anybody does"
            value={v.exposure ?? 50}
            onChange={(exposure) => d.set({ exposure })}
            disabled={!may}
            error={problem?.field("exposure")}
          />
        </div>
      </div>
    </Section>
  );
}

function Slide({
  label,
  hint,
  value,
  onChange,
  disabled,
  error,
}: {
  label: string;
  hint: string;
  value: number;
  onChange: (n: number) => void;
  disabled: boolean;
  error?: string;
}) {
  const put = (n: number) => onChange(Math.max(0, Math.min(100, Math.round(n) || 0)));
  return (
    <div className="grid grid-cols-[minmax(0,1fr)_4.5rem] items-start gap-x-3">
      <Field label={label} hint={hint} error={error}>
        <input
          type="range"
          min={0}
          max={100}
          step={5}
          value={value}
          disabled={disabled}
          onChange={(e) => put(e.target.valueAsNumber)}
          className="h-6 w-full"
        />
      </Field>
      <input
        type="number"
        aria-label={`${label}, as a number`}
        min={0}
        max={100}
        value={value}
        disabled={disabled}
        onChange={(e) => put(e.target.valueAsNumber)}
        className="control num mt-4.75 text-end"
      />
    </div>
  );
}

/** Method is how ratings are made and how much risk is carried. */
export function Method({ draft: d, problem, may, approve }: Part & { approve: boolean }) {
  const v = d.value;
  const band = bandOf(v.tolerance ?? undefined);
  return (
    <Section title="Rating">
      <div id="tolerance" className="grid scroll-mt-24 gap-4 sm:grid-cols-2">
        <Field
          label="Method"
          error={problem?.field("method")}
          hint={
            v.method === "iriusrisk"
              ? "Gives the figures of IriusRisk with their quirks, for comparison while moving over. There a countermeasure can raise a figure, and verified may stand below current: the order of the four ratings does not hold."
              : "Impact and likelihood, lessened by what is done. Every figure can be explained, and doing more never raises one."
          }
        >
          <Select value={v.method} disabled={!may} onChange={(e) => d.set({ method: e.target.value })}>
            <option value="threatloop">Threatloop</option>
            <option value="iriusrisk">IriusRisk, for comparison</option>
          </Select>
        </Field>
        <Field
          label="Tolerance"
          error={problem?.field("tolerance")}
          hint={
            approve
              ? "The current rating up to which a threat may stand without a decision; 0 to 100. With 100 nothing exceeds it."
              : "Only an approver may set the tolerance."
          }
        >
          <Input
            type="number"
            min={0}
            max={100}
            step={1}
            placeholder="None"
            className="num"
            value={v.tolerance ?? ""}
            disabled={!approve}
            onChange={(e) => d.set({ tolerance: e.target.value === "" ? 100 : Math.max(0, Math.min(100, e.target.valueAsNumber)) })}
          />
        </Field>
        {v.tolerance !== null && v.tolerance < 100 && (
          <p className="flex items-center gap-2 text-soft text-xs sm:col-start-2">
            <Bars band={band} className={bandTone(band)} /> Up to {v.tolerance}: threats above it ({bandNames[band].toLowerCase()} and higher) ask for
            a decision on the overview, at the gate and in the report.
          </p>
        )}
      </div>
    </Section>
  );
}

/** Where is the branch and the environment whose test results count. */
export function Where({ draft: d, problem, may }: Part) {
  const v = d.value;
  return (
    <Section title="Test results that count" about="Results of other branches and environments are kept and shown, and move no rating.">
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Branch" optional hint="Empty: results that name no branch" error={problem?.field("branch")}>
          <Input value={v.branch} placeholder="main" maxLength={200} disabled={!may} onChange={(e) => d.set({ branch: e.target.value })} />
        </Field>
        <Field label="Environment" optional hint="Empty: results that name no environment" error={problem?.field("environment")}>
          <Input
            value={v.environment}
            placeholder="production"
            maxLength={200}
            disabled={!may}
            onChange={(e) => d.set({ environment: e.target.value })}
          />
        </Field>
      </div>
    </Section>
  );
}
