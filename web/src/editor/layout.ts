import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import { toast } from "../ui/toast";
import { shifted } from "./actions";
import type { Put } from "./document";
import { contains, encloses, middleOf } from "./geometry";
import { crossing, recross, wayOf } from "./recross";
import { type Editor, listOf } from "./store";
import { type Box, boxOf, type Component, type Curve, type Flow, type Point, type Zone } from "./types";

/*
 * Automatic layout by the Eclipse Layout Kernel (EPL-2.0), which is shipped as it is
 * published, in a file of its own, and runs in a worker.
 */
interface ElkNode {
  id: string;
  x?: number;
  y?: number;
  width?: number;
  height?: number;
  layoutOptions?: Record<string, string>;
  children?: ElkNode[];
  edges?: {
    id: string;
    sources: string[];
    targets: string[];
    container?: string;
    sections?: { bendPoints?: Point[] }[];
    labels?: { text: string; width: number; height: number }[];
  }[];
}

const options = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.hierarchyHandling": "INCLUDE_CHILDREN",
  "elk.edgeRouting": "POLYLINE",
  "elk.spacing.nodeNode": "50",
  "elk.spacing.edgeNode": "30",
  // A label takes a layer of its own: this is the room on either side of it.
  "elk.layered.spacing.nodeNodeBetweenLayers": "36",
  "elk.layered.spacing.edgeNodeBetweenLayers": "24",
  "elk.spacing.componentComponent": "70",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
};

/** ask has the kernel lay out a graph; the worker ends with the answer. */
function ask(graph: ElkNode): Promise<ElkNode> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl);
    const end = (fn: () => void) => {
      clearTimeout(patience);
      worker.terminate();
      fn();
    };
    const patience = setTimeout(() => end(() => reject(new Error("Arranging took too long and was stopped. Nothing was changed."))), 60_000);
    worker.onerror = (e) => end(() => reject(new Error(`Arranging failed: ${e.message}. Nothing was changed.`)));
    worker.onmessage = (e: MessageEvent<{ id: number; error?: { message?: string }; data?: ElkNode }>) => {
      if (e.data.error)
        return end(() => reject(new Error(`Arranging failed${e.data.error?.message ? `: ${e.data.error.message}` : ""}. Nothing was changed.`)));
      if (e.data.id === 1) end(() => resolve(e.data.data!));
    };
    worker.postMessage({ id: 0, cmd: "register", algorithms: ["layered"] });
    worker.postMessage({ id: 1, cmd: "layout", graph, layoutOptions: options, options: {} });
  });
}

/** arrange lays the whole drawing out, zones around what is in them, as one step of undo. */
export async function arrange(editor: Editor): Promise<void> {
  const before = editor.store.getState().doc;
  const zones = listOf(before, "zones");
  const boxed = zones.filter((z) => z.box);
  const components = listOf(before, "components");
  const size = (z: Zone) => z.box!.w * z.box!.h;
  const inner = (p: Point) => boxed.filter((z) => contains(z.box!, p)).sort((a, b) => size(a) - size(b))[0]?.id;
  const parent = (z: Zone) =>
    !z.box
      ? z.parent
      : boxed.filter((o) => o.id !== z.id && encloses(o.box!, z.box!) && !encloses(z.box!, o.box!)).sort((a, b) => size(a) - size(b))[0]?.id;
  const nodes = new Map<string, ElkNode>();
  for (const z of zones) nodes.set(z.id, { id: z.id, children: [], layoutOptions: { "elk.padding": "[top=50,left=35,bottom=35,right=35]" } });
  for (const c of components) nodes.set(c.id, { id: c.id, width: c.box?.w ?? 160, height: c.box?.h ?? 70 });
  const root: ElkNode = { id: "root", layoutOptions: options, children: [], edges: [] };
  const known = new Set(zones.map((z) => z.id));
  const into = (id: string | undefined) => (id && known.has(id) ? nodes.get(id)! : root).children!;
  for (const z of zones) into(parent(z)).push(nodes.get(z.id)!);
  for (const c of components) into(c.box ? inner(middleOf(c.box)) : c.zone).push(nodes.get(c.id)!);
  // An empty zone keeps its size.
  for (const z of zones) {
    const n = nodes.get(z.id)!;
    if (n.children!.length === 0) Object.assign(n, { children: undefined, width: z.box?.w ?? 240, height: z.box?.h ?? 140 });
  }
  const flows = listOf(before, "flows").filter((f) => f.from && f.to && f.from !== f.to && nodes.has(f.from) && nodes.has(f.to));
  for (const f of flows) {
    root.edges!.push({
      id: f.id,
      sources: [f.from!],
      targets: [f.to!],
      // Without a name too there is room for the arrow, what it crosses and how many threats it has.
      labels: [{ text: f.name, width: Math.max(50, Math.min(220, f.name.length * 6.5)), height: 18 }],
    });
  }
  const done = await ask(root);
  const at = new Map<string, Box>();
  const walk = (n: ElkNode, x: number, y: number) => {
    for (const c of n.children ?? []) {
      const b = { x: Math.round(x + (c.x ?? 0)), y: Math.round(y + (c.y ?? 0)), w: Math.round(c.width ?? 0), h: Math.round(c.height ?? 0) };
      at.set(c.id, b);
      walk(c, b.x, b.y);
    }
  };
  walk(done, 60, 60);
  const bends = new Map<string, Point[]>();
  const gather = (n: ElkNode) => {
    for (const e of n.edges ?? []) {
      const base = (e.container && at.get(e.container)) || { x: 60, y: 60 };
      bends.set(
        e.id,
        (e.sections ?? []).flatMap((s) => s.bendPoints ?? []).map((p) => ({ x: Math.round(p.x + base.x), y: Math.round(p.y + base.y) })),
      );
    }
    for (const c of n.children ?? []) gather(c);
  };
  gather(done);
  const now = editor.store.getState().doc;
  const puts: Put[] = [];
  const ways = new Map<string, Point[]>();
  for (const [id, b] of at) {
    const i = now.now.get(id);
    if (i?.kind === "components" || i?.kind === "zones")
      puts.push({ kind: i.kind, id, value: { ...i.value, box: { ...i.value.box, ...b } } as Component | Zone });
  }
  for (const f of listOf(now, "flows")) {
    const way = bends.get(f.id);
    const straight = !way || way.length === 0;
    const value = { ...f };
    if (straight) delete value.vertices;
    else value.vertices = way;
    keep(ways, value, (id) => at.get(id));
    if (straight && !f.vertices?.length) continue;
    puts.push({ kind: "flows", id: f.id, value });
  }
  // A curve goes where the same flows cross it: it says what is trusted, and arranging changes nothing of that.
  const were = new Map<string, Point[]>();
  for (const f of listOf(before, "flows")) keep(were, f, (id) => boxOf(before.now.get(id)));
  for (const i of listOf(now, "curves")) {
    const old = before.now.get(i.id);
    if (old?.kind !== "curves" || !old.value.points) continue;
    const points = recross(old.value.points, were, ways);
    if (points) puts.push({ kind: "curves", id: i.id, value: { ...i, points } });
  }
  // Texts, and curves that nothing crosses, stay beside what they were beside.
  for (const i of now.now.values()) {
    if ((i.kind !== "curves" && i.kind !== "texts") || puts.some((p) => p.id === i.id)) continue;
    const p = i.kind === "texts" ? boxOf(i) && middleOf(boxOf(i)!) : i.value.points?.[Math.floor((i.value.points.length ?? 0) / 2)];
    const near = p && nearest(components, p);
    const to = near && at.get(near.id);
    if (!near?.box || !to) continue;
    const s = shifted(i, to.x - near.box.x, to.y - near.box.y);
    puts.push({ kind: s.kind, id: s.id, value: s.value });
  }
  const changed = listOf(now, "curves").filter((c) => {
    const [old, put] = [before.now.get(c.id), puts.find((p) => p.id === c.id)];
    if (old?.kind !== "curves" || put?.kind !== "curves") return false;
    return crossing((put.value as Curve).points ?? [], ways).join() !== crossing(old.value.points ?? [], were).join();
  });
  editor.edit("Arrange automatically", puts);
  if (changed.length > 0) toast(`Other flows than before cross ${changed.map((c) => c.name || "a boundary").join(", ")} now. Look at it, or undo.`);
}

function keep(ways: Map<string, Point[]>, f: Flow, box: (id: string) => Box | undefined): void {
  const way = wayOf(f, box);
  if (way) ways.set(f.id, way);
}

function nearest(components: readonly Component[], p: Point): Component | undefined {
  let best: { c: Component; d: number } | undefined;
  for (const c of components) {
    if (!c.box) continue;
    const m = middleOf(c.box);
    const d = Math.hypot(m.x - p.x, m.y - p.y);
    if (!best || d < best.d) best = { c, d };
  }
  return best?.c;
}
