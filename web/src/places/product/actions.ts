import { api, match, ok } from "../../api/client";
import { useChange } from "../../app/change";
import type { Product } from "./frame";

/** What of a product has to be known to do something with it as a whole. */
export type Whole = Pick<Product, "id" | "name" | "version">;

/** useArchive puts a product away or brings it back. */
export function useArchive(p: Whole) {
  const put = (archived: boolean, version?: number) =>
    ok(api.PUT("/products/{product}/archived", { params: { path: { product: p.id }, header: match(version) }, body: { archived } }));
  return useChange(
    p.id,
    (archived: boolean) => put(archived, p.version),
    (now, archived) => ({
      text: archived ? `“${p.name}” is archived. It stays readable.` : `“${p.name}” is back.`,
      undo: () => put(!archived, now.version),
    }),
  );
}

/** useTemplate makes a product a template, or an ordinary product again. */
export function useTemplate(p: Whole) {
  const patch = (template: boolean, version?: number) =>
    ok(api.PATCH("/products/{product}", { params: { path: { product: p.id }, header: match(version) }, body: { template } }));
  return useChange(
    p.id,
    (template: boolean) => patch(template, p.version),
    (now, template) => ({
      text: template ? `“${p.name}” is a template now: new products can be made from it.` : `“${p.name}” is an ordinary product again.`,
      undo: () => patch(!template, now.version),
    }),
  );
}
