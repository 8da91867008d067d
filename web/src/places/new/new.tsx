import { Place } from "../../ui/parts";

export function NewProduct() {
  return <Place title="New product">…</Place>;
}
