import { Place } from "../../ui/parts";

export function Questionnaire() {
  return <Place title="Questionnaire">…</Place>;
}
