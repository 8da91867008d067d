import { Place } from "../../ui/parts";

export function Overview() {
  return <Place title="Overview">…</Place>;
}
