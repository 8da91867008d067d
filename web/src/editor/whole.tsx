import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button, IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { FormDialog } from "../ui/dialog";
import { Field, Input, Select, Textarea } from "../ui/field";
import { Disclosure } from "../ui/parts";
import { Bars, bandNames, bands, bandTone } from "../ui/rating";
import type { Put } from "./document";
import { useChanges } from "./element";
import { TextField } from "./fields";
import { newId } from "./ids";
import { listOf, useDrawing, useEditor } from "./store";
import { type Asset, type CIA, type Item, keyOf } from "./types";

/** Whole is what is shown when nothing is selected: the diagram itself, the assets, what the signs mean. */
export function Whole() {
  const diagram = useDrawing((s) => (s.diagram ? s.doc.now.get(keyOf("diagrams", s.diagram)) : undefined));
  return (
    <>
      {diagram?.kind === "diagrams" && <Properties item={diagram} />}
      <Assets />
      <Legend />
    </>
  );
}

function Properties({ item }: { item: Item<"diagrams"> }) {
  const change = useChanges([item]);
  const readOnly = useDrawing((s) => s.readOnly);
  return (
    <fieldset disabled={readOnly} className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4">
      <legend className="sr-only">The diagram</legend>
      <TextField label="Title" value={item.value.title} required onCommit={(v) => change("Title", { title: v.trim() })} />
      <TextField label="Description" multiline value={item.value.description ?? ""} onCommit={(v) => change("Description", { description: v })} />
      <Field label="Method">
        <Select value={item.value.methodology ?? ""} onChange={(e) => change("Method", { methodology: e.target.value })}>
          <option value="">None named</option>
          {[...new Set(["STRIDE", "LINDDUN", "CIA", "CIADIE", "PLOT4ai", item.value.methodology ?? ""])].filter(Boolean).map((m) => (
            <option key={m}>{m}</option>
          ))}
        </Select>
      </Field>
    </fieldset>
  );
}

/** Assets are what is of value; they are the product's, not of one diagram. */
function Assets() {
  const editor = useEditor();
  const readOnly = useDrawing((s) => s.readOnly);
  const now = useDrawing((s) => s.doc.now);
  const [open, setOpen] = useState<Asset | "new">();
  const assets = listOf({ now }, "assets");
  return (
    <section aria-label="Assets">
      <div className="mb-1 flex items-center justify-between">
        <h3 className="font-semibold text-sm">Assets</h3>
        {!readOnly && (
          <Button size="sm" look="ghost" icon={<Plus size={13} />} onClick={() => setOpen("new")}>
            Add
          </Button>
        )}
      </div>
      {assets.length === 0 ? (
        <p className="text-soft text-xs">
          What could be lost: customer data, money, keys. What is stored, processed or carried decides how much a threat matters.
        </p>
      ) : (
        <ul className="-mx-2 grid grid-cols-[minmax(0,1fr)]">
          {assets.map((a) => (
            <li key={a.id} className="group flex items-center rounded-md hover:bg-raised">
              <button type="button" disabled={readOnly} onClick={() => setOpen(a)} className="min-w-0 flex-1 px-2 py-1.5 text-start">
                <bdi className="block truncate text-sm">{a.name}</bdi>
                <span className="num text-2xs text-soft">
                  C {a.value.confidentiality} · I {a.value.integrity} · A {a.value.availability}
                </span>
              </button>
              {!readOnly && (
                <IconButton
                  size="sm"
                  label={`Delete ${a.name}`}
                  className="opacity-0 focus-visible:opacity-100 group-hover:opacity-100"
                  onClick={() => editor.edit(`Delete asset ${a.name}`, withoutAsset([...now.values()], a.id))}
                >
                  <Trash2 size={14} />
                </IconButton>
              )}
            </li>
          ))}
        </ul>
      )}
      {open && <AssetDialog asset={open === "new" ? undefined : open} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

/** withoutAsset takes an asset away, also out of what names it. */
function withoutAsset(all: Item[], id: string): Put[] {
  return all.flatMap((i): Put[] => {
    if (i.kind === "assets" && i.id === id) return [{ kind: i.kind, id: i.id, value: undefined }];
    const less = (list: string[] | null | undefined) => list?.filter((a) => a !== id);
    if (i.kind === "components" && (i.value.stores?.includes(id) || i.value.processes?.includes(id))) {
      return [{ kind: i.kind, id: i.id, value: { ...i.value, stores: less(i.value.stores), processes: less(i.value.processes) } }];
    }
    if (i.kind === "flows" && i.value.carries?.includes(id))
      return [{ kind: i.kind, id: i.id, value: { ...i.value, carries: less(i.value.carries) } }];
    return [];
  });
}

const dimensions: [keyof CIA, string, string][] = [
  ["confidentiality", "Confidentiality", "What it costs when others read it"],
  ["integrity", "Integrity", "What it costs when it is changed"],
  ["availability", "Availability", "What it costs when it is gone"],
];

function AssetDialog({ asset, onClose }: { asset?: Asset; onClose: () => void }) {
  const editor = useEditor();
  const [name, setName] = useState(asset?.name ?? "");
  const [description, setDescription] = useState(asset?.description ?? "");
  const [value, setValue] = useState<CIA>(asset?.value ?? { confidentiality: 50, integrity: 50, availability: 50 });
  return (
    <FormDialog
      open
      onClose={onClose}
      title={asset ? "Asset" : "New asset"}
      verb={asset ? "Save" : "Add"}
      disabled={!name.trim()}
      submit={async () => {
        const id = asset?.id ?? newId("assets");
        editor.edit(`${asset ? "Change" : "Add"} asset ${name.trim()}`, [
          { kind: "assets", id, value: { ...asset, id, name: name.trim(), description: description.trim() || undefined, value } },
        ]);
      }}
    >
      <Field label="Name">
        <Input value={name} onChange={(e) => setName(e.target.value)} required autoFocus />
      </Field>
      <Field label="Description" optional>
        <Textarea rows={2} value={description} onChange={(e) => setDescription(e.target.value)} />
      </Field>
      {dimensions.map(([d, label, hint]) => (
        <Field key={d} label={`${label}: ${value[d]}`} hint={hint}>
          <input type="range" min={0} max={100} step={5} value={value[d]} onChange={(e) => setValue({ ...value, [d]: Number(e.target.value) })} />
        </Field>
      ))}
    </FormDialog>
  );
}

function Legend() {
  const sign = "h-4 w-8 shrink-0";
  return (
    <Disclosure summary="What the signs mean">
      <dl className="-ms-5 grid grid-cols-[3rem_1fr] items-center gap-x-3 gap-y-2 pt-1 text-sm">
        {bands.map((b) => (
          <div key={b} className="contents">
            <dt className={cx("flex items-center gap-1.5", bandTone(b))}>
              <span className="h-4 w-1.5 bg-current" />
              <Bars band={b} />
            </dt>
            <dd>{bandNames[b]} risk now, with the number of open threats</dd>
          </div>
        ))}
        <dt>
          <svg aria-hidden viewBox="0 0 32 16" className={sign}>
            <path d="M0 8H32" stroke="var(--control)" strokeWidth="2.75" />
            <path d="M14 1V15M18 1V15" stroke="var(--control)" strokeWidth="2" />
          </svg>
        </dt>
        <dd>A flow that crosses a trust boundary</dd>
        <dt>
          <svg aria-hidden viewBox="0 0 32 16" className={sign}>
            <path d="M0 8H32" stroke="var(--critical)" strokeWidth="2" strokeDasharray="7 5" />
          </svg>
        </dt>
        <dd>The way by which it is reached</dd>
        <dt>
          <span className="block h-4 w-8 rounded-sm border border-control border-dashed" />
        </dt>
        <dd>Out of scope; a zone has dashes too, and a name with its trust</dd>
        <dt>
          <span className="grid size-4 place-items-center rounded-full border border-control border-dashed text-2xs text-soft">?</span>
        </dt>
        <dd>Trust was assumed</dd>
      </dl>
    </Disclosure>
  );
}
