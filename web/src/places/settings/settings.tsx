import { Place } from "../../ui/parts";

export function Settings() {
  return <Place title="Settings">…</Place>;
}
