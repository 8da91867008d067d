import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, ok, type S } from "../../api/client";
import { keys } from "../../api/query";

/** Defined is a custom field as administrators define it. */
export type Defined = S["FieldView"];
export type FieldType = Defined["type"];

/** Custom is what a product stores in custom fields: text by key. */
export type Custom = Record<string, string>;

export const fieldsQuery = queryOptions({
  queryKey: keys.instance("fields"),
  queryFn: ({ signal }) => ok(api.GET("/fields", { signal })),
});

/** useFields are the custom fields of products in their order; empty while they are read. */
export function useFields(): { fields: Defined[]; removed: Defined[]; ready: boolean } {
  const { data } = useQuery(fieldsQuery);
  return { fields: data?.items ?? [], removed: data?.removed ?? [], ready: !!data };
}

export const typeNames: Record<FieldType, string> = {
  text: "Text",
  number: "Number",
  choice: "Choice",
  user: "Person",
  date: "Date",
  link: "Link",
};

export type Role = "viewer" | "developer" | "modeller" | "approver" | "administrator";
export const roles: Role[] = ["viewer", "developer", "modeller", "approver", "administrator"];
export const roleNames: Record<Role, string> = {
  viewer: "Viewer",
  developer: "Developer",
  modeller: "Modeller",
  approver: "Approver",
  administrator: "Administrator",
};

/** atLeast tells whether a role may do what the other may. */
export const atLeast = (role: string | undefined, least: string | undefined): boolean =>
  roles.indexOf((role ?? "") as Role) >= roles.indexOf((least ?? "viewer") as Role);

/** valuesOf splits what is stored: several options of a choice are a JSON array. */
export function valuesOf(stored: string | undefined): string[] {
  if (!stored) return [];
  if (stored.startsWith("[")) {
    try {
      const list: unknown = JSON.parse(stored);
      if (Array.isArray(list)) return list.filter((v): v is string => typeof v === "string");
    } catch {
      return [stored];
    }
  }
  return [stored];
}

/** join is how several options are stored. */
export const join = (values: string[]): string => (values.length ? JSON.stringify(values) : "");

/** said is a value as people read it; names are those of people by the id of their account. */
export function said(field: Defined, stored: string | undefined, names?: Custom): string {
  if (!stored) return "";
  if (field.type === "choice")
    return valuesOf(stored)
      .map((v) => field.options?.find((o) => o.ref === v)?.text ?? v)
      .join(", ");
  if (field.type === "user") return names?.[stored] ?? stored;
  return stored;
}

/** given leaves out what is empty, for a product that is made. */
export const given = (custom: Custom): Custom => Object.fromEntries(Object.entries(custom).filter(([, v]) => v !== ""));

/** lacking are the required fields without a value. */
export const lacking = (fields: Defined[], custom: Custom): Defined[] => fields.filter((f) => f.required && !custom[f.key]?.trim());
