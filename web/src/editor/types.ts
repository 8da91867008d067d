import type { S } from "../api/client";

export type Point = S["Point"];
export type Box = S["Box"];
export type Component = S["Component"];
export type Flow = S["Flow"];
export type Zone = S["Zone"];
export type Curve = S["Curve"];
export type TextBlock = S["TextBlock"];
/** Diagram as the page has it: place says where it stands among the others and is never sent. */
export type Diagram = S["Diagram"] & { place?: number };
export type Asset = S["Asset"];
export type CIA = S["CIA"];

/** Values are what a drawing consists of, by the name of their kind. */
export interface Values {
  zones: Zone;
  components: Component;
  flows: Flow;
  curves: Curve;
  texts: TextBlock;
  diagrams: Diagram;
  assets: Asset;
}

export type Kind = keyof Values;
export type Value = Values[Kind];

/** Item is one element with its kind. */
export type Item<K extends Kind = Kind> = { [P in K]: { kind: P; id: string; value: Values[P] } }[K];

export const kinds: Kind[] = ["diagrams", "assets", "zones", "components", "flows", "curves", "texts"];
export const drawnKinds = ["zones", "components", "flows", "curves", "texts"] as const;
export type DrawnKind = (typeof drawnKinds)[number];

/** keyOf names an element among all of a drawing: diagrams and assets have ids of their own. */
export function keyOf(kind: Kind, id: string): string {
  return kind === "diagrams" || kind === "assets" ? `${kind}/${id}` : id;
}

/** Facts are what follows for one element, as the server works it out. */
export interface Facts {
  zone?: string;
  trust: number;
  trust_guess?: boolean;
  exposure: number;
  exposure_path?: string[] | null;
  crosses?: string[] | null;
  value?: CIA;
  threats?: number;
  band?: string;
  current?: number;
  verified?: number;
  countermeasures?: Record<string, number>;
}

/** Drawing is what an editor opens a diagram with. */
export interface Drawing {
  version: number;
  diagrams: Diagram[];
  diagram: string | null;
  zones: Zone[];
  components: Component[];
  flows: Flow[];
  curves: Curve[];
  texts: TextBlock[];
  assets: Asset[];
  versions: Record<string, number>;
  facts: Record<string, Facts>;
}

/** Change is one element of a batch that is sent. */
export interface Change {
  kind: Kind;
  id: string;
  op: "put" | "delete";
  version?: number;
  element?: Value;
  /** Of a diagram that was moved: the one that it stands behind, "" for none. */
  after?: string;
}

/** Reply is the answer to a batch. */
export interface Reply {
  version: number;
  versions: Record<string, number>;
  removed: { kind: Kind; id: string }[];
  also: { kind: Kind; id: string; element: Value; version: number }[];
  facts: Record<string, Facts>;
}

/** Theirs is an element as somebody else left it; no value: it is gone. */
export interface Theirs {
  kind: Kind;
  id: string;
  version: number;
  value?: Value;
  by?: string;
  at?: string;
}

/** hasBox tells the elements that have a place as a box. */
export function boxOf(item: Item | undefined): Box | undefined {
  if (!item) return undefined;
  if (item.kind === "components" || item.kind === "zones" || item.kind === "texts") return item.value.box;
  return undefined;
}

/** nameOf is what an element is called on the page; never empty. */
export function nameOf(item: Item | undefined): string {
  if (!item) return "Something";
  switch (item.kind) {
    case "texts":
      return item.value.text.split("\n")[0]?.slice(0, 60) || "Text";
    case "diagrams":
      return item.value.title || "Diagram";
    case "curves":
      return item.value.name || "Boundary";
    case "flows":
      return item.value.name || "Flow";
    default:
      return item.value.name || "Unnamed";
  }
}

/** wordOf is the name of the kind of an element. */
export function wordOf(item: Item): string {
  switch (item.kind) {
    case "components":
      return item.value.kind === "actor" ? "Actor" : item.value.kind === "store" ? "Store" : "Process";
    case "flows":
      return "Flow";
    case "zones":
      return "Trust zone";
    case "curves":
      return "Boundary";
    case "texts":
      return "Text";
    case "diagrams":
      return "Diagram";
    case "assets":
      return "Asset";
  }
}
