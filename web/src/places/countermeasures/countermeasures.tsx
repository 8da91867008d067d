import { Place } from "../../ui/parts";

export function Countermeasures() {
  return <Place title="Countermeasures">…</Place>;
}
