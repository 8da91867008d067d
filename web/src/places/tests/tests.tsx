import { Place } from "../../ui/parts";

export function Tests() {
  return <Place title="Tests">…</Place>;
}
