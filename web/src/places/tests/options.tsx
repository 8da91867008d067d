import { Checkbox, Field, Input, Select } from "../../ui/field";
import { Disclosure } from "../../ui/parts";
import { formats } from "./data";
import { noOptions, type Options, setOptions, useUploads } from "./uploads";

export const useOptions = (product: string): Options => useUploads((s) => s.options[product]) ?? noOptions;

/** summary names what was set, so that it is seen while the options are closed. */
function summary(o: Options): string {
  const parts = [
    o.source && `source ${o.source}`,
    o.branch && `branch ${o.branch}`,
    o.environment && `environment ${o.environment}`,
    o.run && `run ${o.run}`,
    o.build && `build ${o.build}`,
    o.format && formats[o.format],
    o.complete && "whole run",
    o.dry && "dry run",
  ].filter(Boolean);
  return parts.length ? `Options: ${parts.join(", ")}` : "Options: source, branch, environment, dry run";
}

/** UploadOptions say what the next reports are about. */
export function UploadOptions({ product, sources }: { product: string; sources: string[] }) {
  const o = useOptions(product);
  const set = (patch: Partial<Options>) => setOptions(product, { ...o, ...patch });
  return (
    <Disclosure summary={<span className="truncate font-normal text-soft">{summary(o)}</span>}>
      <div className="grid items-start gap-3 pt-1 sm:grid-cols-2 lg:grid-cols-3">
        <Field label="Source" optional hint="Tool, suite and configuration. A report replaces only what the same source said before.">
          <Input
            value={o.source}
            onChange={(e) => set({ source: e.target.value })}
            maxLength={200}
            list="sources"
            className="[&::-webkit-calendar-picker-indicator]:hidden!"
            placeholder="the format of the report"
          />
        </Field>
        <datalist id="sources">
          {sources.map((s) => (
            <option key={s} value={s} />
          ))}
        </datalist>
        <Field label="Branch" optional>
          <Input value={o.branch} onChange={(e) => set({ branch: e.target.value })} maxLength={200} />
        </Field>
        <Field label="Environment" optional>
          <Input value={o.environment} onChange={(e) => set({ environment: e.target.value })} maxLength={200} />
        </Field>
        <Field label="Run" optional hint="A name that all reports of one run share, when it is split over several machines.">
          <Input value={o.run} onChange={(e) => set({ run: e.target.value })} maxLength={200} />
        </Field>
        <Field label="Build" optional>
          <Input value={o.build} onChange={(e) => set({ build: e.target.value })} maxLength={200} />
        </Field>
        <Field label="Format" hint="Told by the content unless you know better.">
          <Select value={o.format} onChange={(e) => set({ format: e.target.value })}>
            <option value="">Recognise it</option>
            {Object.entries(formats).map(([k, name]) => (
              <option key={k} value={k}>
                {name}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <div className="mt-3 flex flex-wrap gap-x-6 gap-y-2">
        <Checkbox checked={o.dry} onChange={(e) => set({ dry: e.target.checked })} label="Dry run: say what would change, store nothing" />
        <Checkbox
          checked={o.complete}
          onChange={(e) => set({ complete: e.target.checked })}
          label="This is the whole run: findings that it lacks are gone"
        />
      </div>
    </Disclosure>
  );
}
