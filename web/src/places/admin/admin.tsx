import { Place } from "../../ui/parts";

export function Admin() {
  return <Place title="Administration">…</Place>;
}
