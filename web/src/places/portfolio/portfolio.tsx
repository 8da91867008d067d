import { Place } from "../../ui/parts";

export function Portfolio() {
  return <Place title="Portfolio">…</Place>;
}
