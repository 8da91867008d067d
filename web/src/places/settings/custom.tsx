import type { Problem } from "../../api/client";
import { Section } from "../../ui/parts";
import { CustomFields, CustomValues, useFields } from "../fields";
import { atLeast } from "../fields/data";
import { useProduct } from "../product/frame";
import type { Draft } from "./draft";
import type { Values } from "./product";

/** CustomSection is what administrators of the installation want to know of every product. */
export function CustomSection({ draft: d, problem, may }: { draft: Draft<Values>; problem?: Problem; may: boolean }) {
  const p = useProduct();
  const { fields, removed, ready } = useFields();
  const seen = fields.filter((f) => atLeast(p.role, f.visible_to));
  const known = new Set([...fields, ...removed].map((f) => f.key));
  const gone = [
    ...removed,
    ...Object.keys(d.value.custom)
      .filter((key) => !known.has(key))
      .map((key) => ({ key, name: key, type: "text" as const, version: 0, removed: "" })),
  ].filter((f) => d.value.custom[f.key]);
  if (!ready || (seen.length === 0 && gone.length === 0)) return null;
  const notes = Object.fromEntries(
    (p.custom_problems ?? [])
      .filter((x) => x.kind !== "undefined" && (p.custom?.[x.key] ?? "") === (d.value.custom[x.key] ?? ""))
      .map((x) => [x.key, x.text]),
  );
  return (
    <Section title="Custom fields" about="What your organisation keeps of every product.">
      <div className="grid gap-4">
        <CustomFields
          fields={seen}
          values={d.value.custom}
          onChange={(key, v) => {
            const { [key]: _, ...rest } = d.value.custom;
            d.set({ custom: v === "" && p.custom?.[key] === undefined ? rest : { ...rest, [key]: v } });
          }}
          problem={problem}
          notes={notes}
          names={p.custom_names}
          may={(f) => may && atLeast(p.role, f.editable_by)}
          product={p.id}
        />
        {gone.length > 0 && (
          <div className="border-line border-t pt-3">
            <p className="mb-2 text-soft text-xs">No longer defined. What was stored is kept.</p>
            <CustomValues fields={gone} values={d.value.custom} names={p.custom_names} />
          </div>
        )}
      </div>
    </Section>
  );
}
