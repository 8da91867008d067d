import { Place } from "../../ui/parts";

export function Review() {
  return <Place title="Review">…</Place>;
}
