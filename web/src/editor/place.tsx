import { Place } from "../ui/parts";

export function Diagram() {
  return <Place title="Diagram">…</Place>;
}
