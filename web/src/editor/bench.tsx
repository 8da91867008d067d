import { useCallback, useEffect, useMemo, useState } from "react";
import { useAddress } from "../ui/address";
import { Canvas, firstLook } from "./canvas";
import { touches } from "./geometry";
import { placeOf } from "./gestures";
import { extent } from "./overview";
import { drawnOf, type Editor, EditorProvider, itemOf, makeEditor } from "./store";
import { synthetic } from "./synthetic";
import { boxOf } from "./types";

/** Measured is what the benchmark of the editor offers to who drives the browser. */
interface Measured {
  /** From the data being there to the first full paint, in milliseconds. */
  open: Promise<number>;
  mounted: () => { nodes: number; flows: number; far: boolean };
  /** Moves one component along a way and returns the time of each frame. */
  drag: (ms?: number) => Promise<number[]>;
  pan: (ms?: number) => Promise<number[]>;
  fit: () => Promise<void>;
  /** How much of the picture from far away has something on it, from 0 to 1; 0 while there is none. */
  inked: () => number;
}

declare global {
  interface Window {
    editorBench?: Measured;
  }
}

const boxes = "[data-canvas] div[data-el]";
const lines = "[data-canvas] g[data-el]";

/** changed fails a measurement in which nothing happened: standing still is fast. */
function changed<T>(what: string, before: T, after: T): void {
  if (JSON.stringify(before) === JSON.stringify(after)) throw new Error(`${what} did not move: ${JSON.stringify(after)}`);
}

/** complete tells whether each component and flow that lies in view is on the page, or the picture that stands for them. */
function complete(editor: Editor): boolean {
  if (document.querySelector("[data-far]")) return true;
  const s = editor.store.getState();
  const seen = editor.view!.seen();
  return drawnOf(s.doc).every((i) => {
    const b = placeOf(s, i.id);
    return !b || !touches(b, seen) || !!document.getElementById(`el-${i.id}`);
  });
}

const frame = () => new Promise<number>((done) => requestAnimationFrame(done));

/** frames times frames while something is done in each. */
async function frames(ms: number, work: (t: number) => void): Promise<number[]> {
  const out: number[] = [];
  const start = await frame();
  let last = start;
  for (let now = start; now - start < ms; ) {
    work((now - start) / ms);
    now = await frame();
    out.push(now - last);
    last = now;
  }
  // On a slow machine there may have been one frame, at the beginning of the way.
  work(1);
  return out;
}

const pointer = (type: string, target: Element, x: number, y: number) =>
  target.dispatchEvent(
    new PointerEvent(type, {
      bubbles: true,
      cancelable: true,
      pointerId: 1,
      pointerType: "mouse",
      isPrimary: true,
      button: type === "pointermove" ? -1 : 0,
      buttons: type === "pointerup" ? 0 : 1,
      clientX: x,
      clientY: y,
    }),
  );

function measure(editor: Editor, open: Promise<number>): Measured {
  const canvas = () => document.querySelector("[data-canvas]")!;
  return {
    open,
    mounted: () => ({
      nodes: document.querySelectorAll(boxes).length,
      flows: document.querySelectorAll(lines).length,
      far: !!document.querySelector("[data-far]"),
    }),
    drag: async (ms = 2000) => {
      const r = canvas().getBoundingClientRect();
      const mid = { x: r.left + r.width / 2, y: r.top + r.height / 2 };
      const near = [...editor.store.getState().doc.now.values()]
        .filter((i) => i.kind === "components")
        .map((i) => ({ i, p: editor.view!.toScreen({ x: i.value.box!.x + 80, y: i.value.box!.y + 35 }) }))
        .sort((a, b) => Math.hypot(a.p.x - mid.x, a.p.y - mid.y) - Math.hypot(b.p.x - mid.x, b.p.y - mid.y))[0]!;
      const target = document.getElementById(`el-${near.i.id}`) ?? canvas();
      const box = () => boxOf(itemOf(editor.store.getState(), near.i.id));
      const start = box();
      pointer("pointerdown", target, near.p.x, near.p.y);
      const out = await frames(ms, (t) => pointer("pointermove", target, near.p.x + Math.sin(t * 12) * 160, near.p.y + Math.sin(t * 9) * 110));
      changed(`${near.i.id} in the drag`, start, box());
      pointer("pointerup", target, near.p.x, near.p.y);
      await frame();
      return out.slice(1);
    },
    pan: async (ms = 2000) => {
      let last = 0;
      const start = editor.view!.seen();
      const out = await frames(ms, (t) => {
        const d = Math.sin(t * 6) * 900;
        editor.view!.panBy(d - last, (d - last) * 0.6);
        last = d;
      });
      changed("the view", start, editor.view!.seen());
      return out.slice(1);
    },
    fit: async () => {
      const all = extent(editor.store.getState());
      if (all) editor.view!.fit(all);
      await new Promise((done) => setTimeout(done, 600));
    },
    inked: () => {
      const c = document.querySelector<HTMLCanvasElement>("canvas[data-far]");
      if (!c) return 0;
      // Read from a copy: the browser keeps a canvas elsewhere once it was read.
      const g = new OffscreenCanvas(c.width, c.height).getContext("2d", { willReadFrequently: true })!;
      g.drawImage(c, 0, 0);
      const { data } = g.getImageData(0, 0, c.width, c.height);
      let n = 0;
      for (let i = 3; i < data.length; i += 4) if (data[i]! > 0) n++;
      return (4 * n) / data.length;
    },
  };
}

/** EditorBench shows a made-up drawing of ?n= components in memory, on the editor's own canvas. */
export function EditorBench() {
  const [search] = useAddress();
  const n = Math.max(1, Math.min(20_000, Number(search.n ?? 1000)));
  const zones = Math.max(1, Number(search.zones ?? 9));
  const drawing = useMemo(() => synthetic(n, zones), [n, zones]);
  const [shown, setShown] = useState<{ editor: Editor; started: number; painted: (t: number) => void }>();
  useEffect(() => {
    // The data is there; opening begins now. Code and fonts have been read by then.
    void document.fonts.ready.then(async () => {
      await frame();
      await frame();
      const started = performance.now();
      let painted = (_: number) => {};
      const open = new Promise<number>((done) => {
        painted = done;
      });
      const editor = makeEditor("bench", drawing);
      window.editorBench = measure(editor, open);
      setShown({ editor, started, painted });
    });
    return () => {
      window.editorBench = undefined;
    };
  }, [drawing]);
  const onReady = useCallback(() => {
    if (!shown?.editor.view) return;
    firstLook(shown.editor.view, extent(shown.editor.store.getState()));
    void (async () => {
      // Full paint: all that is in view is mounted, and a frame with it has gone by.
      do await frame();
      while (!complete(shown.editor));
      await frame();
      await new Promise((done) => setTimeout(done));
      shown.painted(performance.now() - shown.started);
    })();
  }, [shown]);
  return (
    <div className="h-[calc(100dvh-var(--top))]">
      <h1 className="sr-only">Benchmark of the diagram editor</h1>
      {shown && (
        <EditorProvider value={shown.editor}>
          <Canvas readOnly={false} onReady={onReady} minimap />
        </EditorProvider>
      )}
    </div>
  );
}
