import { word } from "../../ui/words";
import { costText } from "../risks/cost";

/** Difference is one field of an object before and after. */
export interface Difference {
  field: string;
  from: string;
  to: string;
}

type Doc = Record<string, unknown>;

/** What the model keeps about its own keeping says nothing to a person. */
const silent = new Set(["id", "sets", "version", "why", "extra", "updated", "created", "ref", "number", "origin", "library"]);

const names: Record<string, string> = {
  cwe: "CWE",
  capec: "CAPEC",
  stride: "STRIDE",
  inherent: "Inherent rating, set by hand",
  state_reason: "Reason of the state",
  status_reason: "Reason of the status",
  out_of_scope: "Out of scope",
  out_of_scope_reason: "Reason for being out of scope",
  where: "Place",
  x: "Position, across",
  y: "Position, down",
  ask_above: "Ask above",
};

/** fieldName is the name of a field for people. */
export function fieldName(field: string): string {
  return names[field] ?? word(field);
}

const longest = 160;

/** What somebody loses is always said of all three. */
const impact = ["confidentiality", "integrity", "availability"];

/** say writes a stored value in words. */
export function say(value: unknown): string {
  if (value === undefined || value === null || value === "") return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return value.toLocaleString("en", { maximumFractionDigits: 2 });
  if (typeof value === "string") {
    const text = /^[a-z]+(_[a-z]+)+$/.test(value) ? word(value).toLowerCase() : value;
    return text.length > longest ? `${text.slice(0, longest).trimEnd()}…` : text;
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return "nothing";
    const all = value.map(say).join(", ");
    return all.length > longest ? `${value.length} entries: ${all.slice(0, longest).trimEnd()}…` : all;
  }
  const doc = value as Doc;
  if (typeof doc.amount === "number" && typeof doc.unit === "string") return costText({ amount: doc.amount, unit: doc.unit });
  if (impact.every((d) => typeof doc[d] === "number")) return impact.map((d, i) => `${say(doc[d])}${i === 0 ? " of 100" : ""} for ${d}`).join(", ");
  const entries = Object.entries(doc).filter(([, v]) => v !== null && v !== undefined && v !== "");
  if (entries.length === 0) return "nothing";
  const all = entries.map(([k, v]) => `${fieldName(k).toLowerCase()} ${say(v)}`).join(", ");
  return all.length > longest ? `${all.slice(0, longest).trimEnd()}…` : all;
}

/** Titles are the names of what a model keeps by reference: standards and component types, by how they are written there. */
export type Titles = ReadonlyMap<string, string>;

/** named puts titles in the place of references. */
function named(field: string, value: unknown, titles: Titles | undefined): unknown {
  if (!titles || (field !== "standards" && field !== "type")) return value;
  if (Array.isArray(value)) return value.map((v) => titles.get(v) ?? v);
  return typeof value === "string" ? (titles.get(value) ?? value) : value;
}

const isDoc = (v: unknown): v is Doc => typeof v === "object" && v !== null && !Array.isArray(v);

/**
 * differences are the fields in which two states of an object differ, in words.
 * Where a thing is drawn is one difference, however many numbers it takes.
 */
export function differences(old: unknown, now: unknown, titles?: Titles): Difference[] {
  const a = isDoc(old) ? old : {};
  const b = isDoc(now) ? now : {};
  const out: Difference[] = [];
  let moved = false;
  for (const field of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (silent.has(field) || same(a[field], b[field])) continue;
    if (field === "x" || field === "y" || field === "position" || field === "points" || field === "bends") {
      moved = true;
      continue;
    }
    if (isDoc(a[field]) && isDoc(b[field])) {
      for (const d of differences(a[field], b[field], titles))
        out.push({ ...d, field: `${fieldName(field)}: ${d.field.charAt(0).toLowerCase()}${d.field.slice(1)}` });
      continue;
    }
    out.push({ field: fieldName(field), from: say(named(field, a[field], titles)), to: say(named(field, b[field], titles)) });
  }
  if (moved) out.push({ field: "Place on the drawing", from: "elsewhere", to: "moved" });
  return out;
}

/** changed are the names of the fields in which two states differ, as stored. */
export function changed(old: unknown, now: unknown): string[] {
  const a = isDoc(old) ? old : {};
  const b = isDoc(now) ? now : {};
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((f) => !same(a[f], b[f]));
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}
