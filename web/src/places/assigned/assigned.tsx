import { Place } from "../../ui/parts";

export function Assigned() {
  return <Place title="Assigned to me">…</Place>;
}
