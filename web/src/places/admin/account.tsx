import { Place } from "../../ui/parts";

export function Account() {
  return <Place title="Your account">…</Place>;
}
