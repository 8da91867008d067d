import { useQuery } from "@tanstack/react-query";
import { ArrowLeftRight } from "lucide-react";
import { Button } from "../ui/button";
import { Combobox } from "../ui/combobox";
import { Checkbox, Field, Select } from "../ui/field";
import { word } from "../ui/words";
import { rename } from "./actions";
import { useAsked } from "./asked";
import { carried } from "./common";
import { ListField, PickField, TextField } from "./fields";
import { newId } from "./ids";
import { libraryQuery, typesQuery } from "./library";
import { listOf, put, useDrawing, useEditor } from "./store";
import { type Component, type Flow, type Item, nameOf, type Zone } from "./types";

type Change = Record<string, unknown>;

/** useChanges edits fields of elements, all of them as one step. What is empty is left out. */
export function useChanges(items: readonly Item[]): (label: string, change: Change | ((i: Item) => Change)) => void {
  const editor = useEditor();
  return (label, change) => {
    const clean = (c: Change) =>
      Object.fromEntries(
        Object.entries(c).map(([k, v]) => [k, (v === "" && k !== "zone") || (Array.isArray(v) && v.length === 0) || v === false ? undefined : v]),
      );
    editor.edit(
      `${label} of ${items.length === 1 ? nameOf(items[0]) : `${items.length} elements`}`,
      items.map((i) => put(editor.store.getState().doc.now.get(i.id) ?? i, clean(typeof change === "function" ? change(i) : change))),
      `${label} ${items.map((i) => i.id).join()}`,
    );
  };
}

/** Properties are the fields of one element. */
export function Properties({ item }: { item: Item }) {
  const editor = useEditor();
  const readOnly = useDrawing((s) => s.readOnly);
  return (
    <fieldset disabled={readOnly} className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4">
      <legend className="sr-only">Properties</legend>
      {item.kind === "texts" ? (
        <TextField key={item.id} label="Text" multiline value={item.value.text} required onCommit={(v) => rename(editor, item.id, v)} />
      ) : (
        <TextField
          key={item.id}
          label="Name"
          value={item.kind === "diagrams" ? item.value.title : (item.value.name ?? "")}
          required={item.kind !== "flows" && item.kind !== "curves"}
          onCommit={(v) => rename(editor, item.id, v)}
        />
      )}
      {item.kind === "components" && <ComponentFields item={item} value={item.value} />}
      {item.kind === "flows" && <FlowFields item={item} value={item.value} />}
      {item.kind === "zones" && <ZoneFields item={item} value={item.value} />}
      {item.kind !== "texts" && <Description items={[item]} value={("description" in item.value && item.value.description) || ""} />}
    </fieldset>
  );
}

function Description({ items, value }: { items: Item[]; value: string }) {
  const change = useChanges(items);
  return <TextField label="Description" multiline value={value} onCommit={(v) => change("Description", { description: v })} />;
}

/** useTypes lists the component types of the library, by what they are for. */
function useTypes(kind?: string) {
  const types = useQuery(typesQuery).data ?? [];
  return types
    .filter((t) => !kind || t.kind === kind)
    .map((t) => ({ value: t.type, text: t.name, about: t.description, group: kind ? undefined : word(t.kind) }));
}

export function TypeField({ items, value, kind }: { items: Item[]; value: string; kind?: string }) {
  const change = useChanges(items);
  const types = useTypes(kind);
  return (
    <Field label="Type" hint={value ? undefined : "The type brings the threats that its kind of component has."}>
      <Combobox label="Search the library" value={value} options={types} none="No type" onChange={(v) => change("Type", { type: v })} />
    </Field>
  );
}

function ComponentFields({ item, value }: { item: Item; value: Component }) {
  const change = useChanges([item]);
  const zones = useDrawing((s) => s.doc.now);
  const options = listOf({ now: zones }, "zones");
  const facts = useDrawing((s) => s.facts[item.id]);
  const asked = useAsked(item);
  return (
    <>
      <div className="grid grid-cols-[2fr_3fr] gap-3 [&>*]:min-w-0">
        <Field label="Kind">
          <Select value={value.kind} onChange={(e) => change("Kind", { kind: e.target.value })}>
            {["process", "store", "actor"].map((k) => (
              <option key={k} value={k}>
                {word(k)}
              </option>
            ))}
          </Select>
        </Field>
        <Field label="Trust zone">
          <Select value={value.zone ?? ""} onChange={(e) => change("Zone", () => ({ zone: e.target.value }))}>
            <option value="">None</option>
            {options.map((z) => (
              <option key={z.id} value={z.id}>
                {z.name}
              </option>
            ))}
          </Select>
        </Field>
      </div>
      <TypeField items={[item]} value={value.type ?? ""} kind={value.kind} />
      {!value.zone && (
        <TextField
          label="Trust"
          type="number"
          min={0}
          max={100}
          value={value.trust === undefined ? "" : String(value.trust)}
          placeholder={facts ? `${facts.trust}, assumed` : undefined}
          hint="0 is anyone, 100 fully trusted. In a zone it is the zone's."
          onCommit={(v) => change("Trust", { trust: percent(v) })}
        />
      )}
      <Assets
        item={item}
        fields={[
          ["stores", "Assets stored", value.stores ?? []],
          ["processes", "Assets processed", value.processes ?? []],
        ]}
      />
      <Tags items={[item]} values={value.tags ?? []} />
      {asked && <Attributes items={[item]} values={value.attributes ?? {}} kind={value.kind} asked={asked.attributes} />}
      <ListField
        label="Locations"
        values={value.locations ?? []}
        onChange={(locations) => change("Locations", { locations })}
        hint="Addresses and path patterns by which test results find this component."
      />
      <Scope items={[item]} out={!!value.out_of_scope} reason={value.out_of_scope_reason ?? ""} />
    </>
  );
}

const percent = (v: string): number | undefined =>
  v.trim() === "" || Number.isNaN(Number(v)) ? undefined : Math.max(0, Math.min(100, Math.round(Number(v))));

function FlowFields({ item, value }: { item: Item; value: Flow }) {
  const change = useChanges([item]);
  const now = useDrawing((s) => s.doc.now);
  const components = listOf({ now }, "components");
  const end = (field: "from" | "to") => (
    <Field label={field === "from" ? "From" : "To"}>
      <Select
        value={value[field] ?? ""}
        onChange={(e) =>
          change("Ends", {
            [field]: e.target.value,
            ...(e.target.value ? { [`${field}_point`]: undefined } : { [`${field}_point`]: { x: 0, y: 0 } }),
          })
        }
      >
        {!value[field] && <option value="">Loose end</option>}
        {components.map((c) => (
          <option key={c.id} value={c.id}>
            {c.name}
          </option>
        ))}
      </Select>
    </Field>
  );
  return (
    <>
      <div className="grid grid-cols-2 gap-3 [&>*]:min-w-0">
        {end("from")}
        {end("to")}
      </div>
      <div className="flex items-center justify-between gap-2">
        <Checkbox label="Both ways" checked={!!value.bidirectional} onChange={(e) => change("Direction", { bidirectional: e.target.checked })} />
        <Button
          size="sm"
          look="ghost"
          icon={<ArrowLeftRight size={13} />}
          onClick={() =>
            change("Direction", {
              from: value.to,
              to: value.from,
              from_point: value.to_point,
              to_point: value.from_point,
              vertices: value.vertices?.length ? [...value.vertices].reverse() : undefined,
            })
          }
        >
          Reverse
        </Button>
      </div>
      <TextField
        label="Protocol"
        value={value.protocol ?? ""}
        placeholder="HTTPS, gRPC, AMQP…"
        onCommit={(v) => change("Protocol", { protocol: v.trim() })}
      />
      <Assets item={item} fields={[["carries", "Assets carried", value.carries ?? []]]} />
      <Attributes items={[item]} values={value.attributes ?? {}} kind="flow" />
      <Tags items={[item]} values={value.tags ?? []} />
      <Scope items={[item]} out={!!value.out_of_scope} reason={value.out_of_scope_reason ?? ""} />
    </>
  );
}

function ZoneFields({ item, value }: { item: Item; value: Zone }) {
  return <TrustSlider items={[item]} value={value.trust} guess={!!value.guess} />;
}

/** TrustSlider says how trusted zones are, which settles a guess; no value is that they have different ones. */
export function TrustSlider({ items, value, guess }: { items: Item[]; value: number | undefined; guess: boolean }) {
  const change = useChanges(items);
  const word =
    value === undefined
      ? "Different values"
      : value < 15
        ? "Anyone"
        : value < 40
          ? "Barely trusted"
          : value < 65
            ? "Somewhat trusted"
            : value < 90
              ? "Trusted"
              : "Fully trusted";
  return (
    <div className="grid gap-1">
      <TextField
        label="Trust"
        type="number"
        min={0}
        max={100}
        value={value === undefined ? "" : String(value)}
        mixed={value === undefined}
        onCommit={(v) => percent(v) !== undefined && change("Trust", { trust: percent(v), guess: undefined })}
      />
      <input
        type="range"
        min={0}
        max={100}
        step={5}
        value={value ?? 50}
        aria-label="Trust"
        aria-valuetext={value === undefined ? word : `${value}, ${word}`}
        onChange={(e) => change("Trust", { trust: Number(e.target.value), guess: undefined })}
        className="h-6 w-full"
      />
      <p className="flex items-center justify-between gap-2 text-soft text-xs">
        {word}
        {guess && (
          <button type="button" className="link" onClick={() => change("Trust", { guess: undefined })}>
            Assumed: settle it
          </button>
        )}
      </p>
    </div>
  );
}

/** Tags edits the tags that elements have in common; what else one has stays. */
export function Tags({ items, values }: { items: Item[]; values: string[] }) {
  const change = useChanges(items);
  const library = useQuery(libraryQuery).data;
  return (
    <ListField
      label="Tags"
      values={values}
      suggestions={Object.keys(library?.tags ?? {})}
      onChange={(tags) => change("Tags", (i) => ({ tags: carried(("tags" in i.value && i.value.tags) || [], values, tags) }))}
    />
  );
}

interface AttributesProps {
  items: Item[];
  values: Record<string, string>;
  kind: string;
  /** What questions that are shown ask: it is answered there. */
  asked?: ReadonlySet<string>;
}

/** Attributes are what the library's vocabulary asks about this kind of element, and what else is said of it. */
export function Attributes({ items, values, kind, asked }: AttributesProps) {
  const change = useChanges(items);
  const library = useQuery(libraryQuery).data;
  const all = (library?.attributes ?? []).filter((a) => (a.for ?? []).includes(kind));
  const known = all.filter((a) => !asked?.has(a.name));
  const others = Object.keys(values).filter((k) => !asked?.has(k) && !all.some((a) => a.name === k));
  const set = (name: string, v: string) =>
    change(word(name), (i) => {
      const next: Record<string, string> = { ...("attributes" in i.value ? i.value.attributes : undefined) };
      if (v) next[name] = v;
      else delete next[name];
      return { attributes: Object.keys(next).length > 0 ? next : undefined };
    });
  if (known.length === 0 && others.length === 0) return null;
  return (
    <div className="grid gap-2.5">
      <h3 className="overline">Attributes</h3>
      {known.map((a) =>
        a.values?.length ? (
          <div key={a.name} className="flex items-center gap-3 text-sm">
            <label htmlFor={`at-${a.name}`} className="min-w-0 flex-1 leading-snug" title={a.name}>
              {a.text}
            </label>
            <select
              id={`at-${a.name}`}
              value={values[a.name] ?? ""}
              onChange={(e) => set(a.name, e.target.value)}
              className="control w-24! shrink-0 pe-6"
            >
              <option value="">–</option>
              {a.values.map((v) => (
                <option key={v} value={v}>
                  {word(v)}
                </option>
              ))}
            </select>
          </div>
        ) : (
          <TextField key={a.name} label={a.text} value={values[a.name] ?? ""} onCommit={(v) => set(a.name, v)} />
        ),
      )}
      {others.map((name) => (
        <TextField key={name} label={word(name)} value={values[name] ?? ""} onCommit={(v) => set(name, v)} />
      ))}
    </div>
  );
}

/** Scope takes elements out of the model's scope, which needs a reason. */
export function Scope({ items, out, reason }: { items: Item[]; out: boolean; reason: string }) {
  const change = useChanges(items);
  return (
    <div className="grid gap-2">
      <Checkbox
        label="Out of scope"
        checked={out}
        onChange={(e) => change("Scope", e.target.checked ? { out_of_scope: true } : { out_of_scope: undefined, out_of_scope_reason: undefined })}
      />
      {out && (
        <TextField
          label="Why"
          value={reason}
          placeholder="Owned and tested by the payment team"
          onCommit={(v) => change("Scope", { out_of_scope: true, out_of_scope_reason: v })}
        />
      )}
      {out && !reason && <p className="text-medium text-xs">A reason tells the next reader why nothing is asked of it.</p>}
    </div>
  );
}

function Assets({ item, fields }: { item: Item; fields: [field: string, label: string, values: string[]][] }) {
  const editor = useEditor();
  const change = useChanges([item]);
  const now = useDrawing((s) => s.doc.now);
  const assets = listOf({ now }, "assets");
  const options = assets.map((a) => ({
    value: a.id,
    text: a.name,
    about: `C ${a.value.confidentiality} · I ${a.value.integrity} · A ${a.value.availability}`,
  }));
  const create = (name: string) => {
    const id = newId("assets");
    editor.edit(`Add asset ${name}`, [{ kind: "assets", id, value: { id, name, value: { confidentiality: 50, integrity: 50, availability: 50 } } }]);
    return id;
  };
  return fields.map(([field, label, values]) => (
    <PickField key={field} label={label} values={values} options={options} create={create} onChange={(v) => change(label, { [field]: v })} />
  ));
}
