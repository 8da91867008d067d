import { Place } from "../../ui/parts";

export function Tickets() {
  return <Place title="Tickets">…</Place>;
}
