import { Place } from "../../ui/parts";

export function Board() {
  return <Place title="Board">…</Place>;
}
