import { Place } from "../ui/parts";

export function EditorBench() {
  return <Place title="Benchmark">…</Place>;
}
