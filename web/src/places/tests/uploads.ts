import { create } from "zustand";
import { api, ok, Problem, type S, upload } from "../../api/client";
import { cache, keys } from "../../api/query";

export type Run = S["RunView"];

/** Options say what the reports that are sent are about. */
export interface Options {
  source: string;
  branch: string;
  environment: string;
  run: string;
  build: string;
  format: string;
  complete: boolean;
  dry: boolean;
}

export const noOptions: Options = { source: "", branch: "", environment: "", run: "", build: "", format: "", complete: false, dry: false };

/** Sent is a report on its way, or what became of it. It outlives the place: going elsewhere ends no upload. */
export interface Sent {
  id: number;
  product: string;
  name: string;
  size: number;
  dry: boolean;
  state: "waits" | "sending" | "reading" | "done" | "failed" | "cancelled";
  /** How much is sent, from 0 to 1. */
  part: number;
  run?: Run;
  error?: unknown;
}

interface State {
  sent: Sent[];
  options: Record<string, Options>;
}

export const useUploads = create<State>(() => ({ sent: [], options: {} }));

const cancels = new Map<number, () => void>();
let last = 0;
let queue = Promise.resolve();

const set = (id: number, patch: Partial<Sent>) => useUploads.setState((s) => ({ sent: s.sent.map((u) => (u.id === id ? { ...u, ...patch } : u)) }));
const find = (id: number) => useUploads.getState().sent.find((u) => u.id === id);

export const setOptions = (product: string, o: Options) => useUploads.setState((s) => ({ options: { ...s.options, [product]: o } }));

/** send sends reports one after the other, in the order in which they were given. */
export function send(product: string, files: File[], limit: number | undefined): void {
  const o = useUploads.getState().options[product] ?? noOptions;
  for (const file of files) {
    const id = ++last;
    const one: Sent = { id, product, name: file.name, size: file.size, dry: o.dry, state: "waits", part: 0 };
    useUploads.setState((s) => ({ sent: [one, ...s.sent] }));
    if (limit && file.size > limit) {
      set(id, {
        state: "failed",
        error: new Error(`The file is larger than the ${bytes(limit)} that this server takes. Split the report, or send it compressed.`),
      });
      continue;
    }
    queue = queue.then(() => (find(id)?.state === "waits" ? sendOne(id, product, file, o) : undefined));
  }
}

async function sendOne(id: number, product: string, file: File, o: Options): Promise<void> {
  const q = new URLSearchParams({ name: file.name.slice(0, 200), wait: "5" });
  for (const k of ["source", "branch", "environment", "run", "build", "format"] as const) if (o[k].trim()) q.set(k, o[k].trim());
  if (o.complete) q.set("complete", "true");
  if (o.dry) q.set("dry_run", "true");
  set(id, { state: "sending" });
  const up = upload<Run>(`/products/${product}/results?${q}`, file, (part) => set(id, part < 1 ? { part } : { part: 1, state: "reading" }));
  cancels.set(id, up.cancel);
  try {
    let run = await up.done;
    cancels.delete(id);
    while (run.state === "queued" || run.state === "parsing") {
      set(id, { state: "reading", part: 1, run });
      await new Promise((r) => setTimeout(r, 700));
      run = await follow(product, run);
    }
    if (run.state === "rejected" || run.state === "failed")
      set(id, { state: "failed", run, error: new Error(run.error || "The report could not be read.") });
    else set(id, { state: "done", run });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") set(id, { state: "cancelled" });
    else set(id, { state: "failed", error });
  } finally {
    cancels.delete(id);
    if (!o.dry) {
      void cache.invalidateQueries({ queryKey: keys.product(product) });
      void cache.invalidateQueries({ queryKey: keys.products() });
    }
  }
}

/** follow reads a run again; a server that is away for a moment does not lose it. */
async function follow(product: string, run: Run): Promise<Run> {
  try {
    return await ok(api.GET("/products/{product}/runs/{run}", { params: { path: { product, run: run.id } } }));
  } catch (err) {
    if (err instanceof Problem && (err.status === 0 || err.status >= 500)) return run;
    throw err;
  }
}

/** cancel ends an upload before the server has all of it; then nothing is stored. */
export function cancel(id: number): void {
  if (find(id)?.state === "waits") set(id, { state: "cancelled" });
  cancels.get(id)?.();
}

export const forget = (id: number) => useUploads.setState((s) => ({ sent: s.sent.filter((u) => u.id !== id) }));

/** bytes is a size as people say it. */
export function bytes(n: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let i = 0;
  let v = n;
  while (v >= 1000 && i < units.length - 1) {
    v /= 1000;
    i++;
  }
  return `${v < 10 && i > 0 ? v.toFixed(1) : Math.round(v)} ${units[i]}`;
}
