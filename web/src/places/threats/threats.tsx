import { Place } from "../../ui/parts";

export function Threats() {
  return <Place title="Threats">…</Place>;
}
