import { Place } from "../../ui/parts";

export function History() {
  return <Place title="History">…</Place>;
}
