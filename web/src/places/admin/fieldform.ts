import type { S } from "../../api/client";
import type { Defined } from "../fields/data";

export type Definition = S["FieldInput"];

/** definitionOf is a field without its key and version, as it is sent. */
export function definitionOf(f: Defined): Definition {
  const { key: _k, version: _v, removed: _r, products: _p, ...rest } = f;
  return rest;
}

/** keyOf makes a key of a name, one that is not taken. */
export function keyOf(name: string, taken: string[]): string {
  const plain =
    name
      .normalize("NFKD")
      .replace(/\p{M}/gu, "")
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^[^a-z]+|_+$/g, "")
      .slice(0, 50) || "field";
  let key = plain;
  for (let n = 2; key === "order" || taken.includes(key); n++) key = `${plain}_${n}`;
  return key;
}

/** refOf makes what is stored of an option's text. */
export const refOf = (text: string, taken: string[]): string => {
  const plain = keyOf(text, []).replaceAll("_", "-");
  let ref = plain;
  for (let n = 2; taken.includes(ref); n++) ref = `${plain}-${n}`;
  return ref;
};

/** fitting leaves out of a definition what does not belong to its type. */
export function fitting(d: Definition): Definition {
  const { pattern, options, multiple, min, max, ...rest } = d;
  if (d.type === "text") return { ...rest, pattern: pattern || undefined };
  if (d.type === "number") return { ...rest, min, max };
  if (d.type !== "choice") return rest;
  const out: NonNullable<Definition["options"]> = [];
  const set = (options ?? []).filter((o) => o.text.trim());
  const stored = set.map((o) => o.ref).filter(Boolean);
  for (const o of set) out.push({ text: o.text, ref: o.ref || refOf(o.text, [...stored, ...out.map((x) => x.ref)]) });
  return { ...rest, options: out, multiple: multiple || undefined };
}
