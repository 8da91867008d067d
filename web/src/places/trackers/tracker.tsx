import { Place } from "../../ui/parts";

export function Tracker() {
  return <Place title="Tracker">…</Place>;
}
