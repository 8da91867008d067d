import { Place } from "../../ui/parts";

export function Trackers() {
  return <Place title="Trackers">…</Place>;
}
