import { useEffect, useRef } from "react";
import { around, aroundPoints, grown, lineOf, middleOf } from "./geometry";
import { type Editor, itemOf, type State, useEditor } from "./store";
import { type Box, boxOf, type Item, type Point } from "./types";

/** inks reads the colours of the theme, which a canvas cannot take as variables. */
function inks(): Record<string, string> {
  const probe = document.createElement("span");
  // Where motion is reduced, everything changes its colour within a moment: read at once, it would be the former one.
  probe.style.setProperty("transition", "none", "important");
  document.body.append(probe);
  const out: Record<string, string> = {};
  for (const name of ["bg", "surface", "line", "control", "text", "soft", "accent", "low", "medium", "high", "critical", "unrated"]) {
    probe.style.color = `var(--${name})`;
    out[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return out;
}

/** paint draws the whole drawing in few strokes: zones, flows, then components by their band. */
function paint(
  g: CanvasRenderingContext2D,
  s: State,
  ink: Record<string, string>,
  at: (p: Point) => Point,
  zoom: number,
  seen: Box | undefined,
  names: boolean,
  wanted: (i: Item) => boolean = () => true,
): void {
  const item = (i: Item) => itemOf(s, i.id) ?? i;
  const flows: Item[] = [];
  const comps: Item[] = [];
  for (const i of s.doc.now.values()) {
    if (!wanted(i)) continue;
    if (i.kind === "flows") flows.push(i);
    else if (i.kind === "components") comps.push(i);
    else if (i.kind === "zones") {
      const b = boxOf(item(i));
      if (!b) continue;
      const p = at(b);
      g.strokeStyle = s.selection.has(i.id) ? ink.accent! : ink.control!;
      g.lineWidth = 1;
      g.setLineDash([5, 3]);
      g.strokeRect(p.x, p.y, b.w * zoom, b.h * zoom);
      g.setLineDash([]);
      if (names && b.w * zoom > 40) {
        g.fillStyle = ink.accent!;
        g.font = "600 11px Geist Variable, sans-serif";
        g.fillText(i.value.name, p.x + 5, p.y + 14, b.w * zoom - 8);
      }
    } else if (i.kind === "curves") {
      const v = item(i);
      if (v.kind !== "curves" || !v.value.points?.length) continue;
      g.strokeStyle = s.selection.has(i.id) ? ink.accent! : ink.control!;
      g.setLineDash([5, 3]);
      g.beginPath();
      v.value.points.forEach((q, n) => {
        const p = at(q);
        if (n === 0) g.moveTo(p.x, p.y);
        else g.lineTo(p.x, p.y);
      });
      g.stroke();
      g.setLineDash([]);
    }
  }
  const onPath = new Set(s.path);
  const strokes = new Map<string, Point[][]>();
  for (const f of flows) {
    const v = item(f);
    if (v.kind !== "flows") continue;
    const a = boxOf(itemOf(s, v.value.from)) ?? undefined;
    const b = boxOf(itemOf(s, v.value.to)) ?? undefined;
    const first = a ? middleOf(a) : v.value.from_point;
    const last = b ? middleOf(b) : v.value.to_point;
    if (!first || !last) continue;
    const colour = s.selection.has(f.id) ? "accent" : onPath.has(f.id) ? "critical" : "control";
    const list = strokes.get(colour) ?? [];
    strokes.set(colour, list);
    list.push([first, ...(v.value.vertices ?? []), last]);
  }
  for (const [colour, lines] of strokes) {
    g.strokeStyle = ink[colour]!;
    g.globalAlpha = colour === "control" ? 0.55 : 1;
    g.lineWidth = colour === "control" ? 0.8 : 2;
    // One stroke a line: a single path of thousands that overlap is far slower without a graphics card.
    for (const line of lines) {
      g.beginPath();
      line.forEach((q, n) => {
        const p = at(q);
        if (n === 0) g.moveTo(p.x, p.y);
        else g.lineTo(p.x, p.y);
      });
      g.stroke();
    }
  }
  g.globalAlpha = 1;
  g.font = "500 10px Geist Variable, sans-serif";
  for (const c of comps) {
    const b = boxOf(item(c));
    if (!b || (seen && (b.x > seen.x + seen.w || b.y > seen.y + seen.h || b.x + b.w < seen.x || b.y + b.h < seen.y))) continue;
    const p = at(b);
    const w = Math.max(2, b.w * zoom);
    const h = Math.max(2, b.h * zoom);
    const band = s.facts[c.id]?.band;
    g.fillStyle = names ? ink.surface! : band ? ink[band]! : ink.control!;
    g.fillRect(p.x, p.y, w, h);
    if (names) {
      g.strokeStyle = s.selection.has(c.id) ? ink.accent! : onPath.has(c.id) ? ink.critical! : ink.control!;
      g.lineWidth = s.selection.has(c.id) || onPath.has(c.id) ? 2 : 1;
      g.strokeRect(p.x, p.y, w, h);
      if (band) {
        g.fillStyle = ink[band]!;
        g.fillRect(p.x, p.y, Math.max(2, w * 0.06), h);
      }
      if (w > 34 && h > 12 && c.kind === "components") {
        g.fillStyle = ink.text!;
        g.fillText(c.value.name, p.x + Math.max(4, w * 0.08), p.y + h / 2 + 3, w * 0.88);
      }
    } else if (s.selection.has(c.id)) {
      g.strokeStyle = ink.accent!;
      g.lineWidth = 1.5;
      g.strokeRect(p.x - 1, p.y - 1, w + 2, h + 2);
    }
  }
}

/** Look is where on a picture the drawing lies. */
interface Look {
  x: number;
  y: number;
  zoom: number;
}

/** margin is how much is painted around what is seen, in parts of its sides, so that moving the view shows what is there already. */
const margin = 0.5;
/** settled is how long the view must rest before what it moved past is painted, in milliseconds. */
const settled = 120;

/**
 * Picture keeps the painted drawing, without what is being dragged. It is painted
 * anew when something in it changed; while the view moves it is only put elsewhere.
 */
class Picture {
  private canvas = document.createElement("canvas");
  private of: { s: State; ink: Record<string, string>; moving: string; look: Look; area: Box } | undefined;

  /** put paints a picture of an area of the drawing, or takes the one there is. It tells whether that shows all of what is seen. */
  put(g: CanvasRenderingContext2D, s: State, ink: Record<string, string>, look: Look, w: number, h: number, names: boolean, rests: boolean): boolean {
    const moving = s.live ? [...s.live.keys()].join() : "";
    const seen = { x: -look.x / look.zoom, y: -look.y / look.zoom, w: w / look.zoom, h: h / look.zoom };
    const all = extent(s);
    if (!all) return true;
    const old = this.of;
    const same =
      old &&
      old.s.doc.now === s.doc.now &&
      old.s.facts === s.facts &&
      old.s.selection === s.selection &&
      old.s.path === s.path &&
      old.ink === ink &&
      old.moving === moving;
    const whole = !!old && old.look.zoom === look.zoom && holds(old.area, meet(grown(all, 40), seen));
    if (!same || (!whole && rests)) this.paint(s, ink, look, meet(grown(all, 40), widened(seen, margin)), moving, names);
    const p = this.of!;
    const scale = look.zoom / p.look.zoom;
    const { w: pw, h: ph } = p.area;
    if (pw > 0 && ph > 0)
      g.drawImage(this.canvas, p.area.x * look.zoom + look.x, p.area.y * look.zoom + look.y, pw * p.look.zoom * scale, ph * p.look.zoom * scale);
    if (s.live) {
      const { live } = s;
      const ends = (i: Item) => i.kind === "flows" && ((!!i.value.from && live.has(i.value.from)) || (!!i.value.to && live.has(i.value.to)));
      paint(
        g,
        s,
        ink,
        (q) => ({ x: q.x * look.zoom + look.x, y: q.y * look.zoom + look.y }),
        look.zoom,
        undefined,
        names,
        (i) => live.has(i.id) || ends(i),
      );
    }
    return same ? whole || rests : true;
  }

  private paint(s: State, ink: Record<string, string>, look: Look, area: Box, moving: string, names: boolean): void {
    const dpr = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.ceil(area.w * look.zoom * dpr));
    this.canvas.height = Math.max(1, Math.ceil(area.h * look.zoom * dpr));
    const g = this.canvas.getContext("2d")!;
    g.setTransform(dpr, 0, 0, dpr, 0, 0);
    const { live } = s;
    const still = (i: Item) =>
      !live?.has(i.id) && !(live && i.kind === "flows" && ((!!i.value.from && live.has(i.value.from)) || (!!i.value.to && live.has(i.value.to))));
    paint(g, s, ink, (q) => ({ x: (q.x - area.x) * look.zoom, y: (q.y - area.y) * look.zoom }), look.zoom, area, names, still);
    // The pixels are whole: the area is what they cover.
    const covered = { ...area, w: this.canvas.width / dpr / look.zoom, h: this.canvas.height / dpr / look.zoom };
    this.of = { s, ink, moving, look, area: covered };
  }
}

const widened = (b: Box, part: number): Box => ({ x: b.x - b.w * part, y: b.y - b.h * part, w: b.w * (1 + 2 * part), h: b.h * (1 + 2 * part) });

/** meet is what two boxes have in common; without a size when they have nothing. */
function meet(a: Box, b: Box): Box {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  return { x, y, w: Math.max(0, Math.min(a.x + a.w, b.x + b.w) - x), h: Math.max(0, Math.min(a.y + a.h, b.y + b.h) - y) };
}

const holds = (a: Box, b: Box): boolean =>
  b.w === 0 || b.h === 0 || (b.x >= a.x - 0.01 && b.y >= a.y - 0.01 && b.x + b.w <= a.x + a.w + 0.01 && b.y + b.h <= a.y + a.h + 0.01);

/** Drawn draws on a canvas; it tells whether what was drawn is all of it, or must be completed when the view rests. */
type Drawn = (g: CanvasRenderingContext2D, s: State, ink: Record<string, string>, picture: Picture, rests: boolean) => boolean;

/** usePainted draws on a canvas whenever something that it shows has changed, at most once a frame. */
function usePainted(editor: Editor, draw: Drawn, size: () => { w: number; h: number }, listen?: (redraw: () => void) => () => void, calm = false) {
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef({ draw, size, listen, calm });
  latest.current = { draw, size, listen, calm };
  useEffect(() => {
    let frame = 0;
    let rest: ReturnType<typeof setTimeout> | undefined;
    let painted = 0;
    let ink = inks();
    const picture = new Picture();
    const now = (rests: boolean) => {
      frame = 0;
      painted = performance.now();
      const c = ref.current;
      const g = c?.getContext("2d");
      if (!c || !g) return;
      const { w, h } = latest.current.size();
      const dpr = window.devicePixelRatio || 1;
      if (c.width !== Math.round(w * dpr) || c.height !== Math.round(h * dpr)) {
        c.width = Math.round(w * dpr);
        c.height = Math.round(h * dpr);
      }
      g.setTransform(dpr, 0, 0, dpr, 0, 0);
      g.clearRect(0, 0, w, h);
      clearTimeout(rest);
      if (!latest.current.draw(g, editor.store.getState(), ink, picture, rests)) rest = setTimeout(() => now(true), settled);
    };
    const soon = () => {
      frame ||= requestAnimationFrame(() => now(false));
    };
    const off = editor.store.subscribe((s, old) => {
      // While something is dragged the small map follows a few times a second.
      if (s.live !== old.live && s.live && latest.current.calm && performance.now() - painted < 120) return;
      if (s.doc !== old.doc || s.live !== old.live || s.facts !== old.facts || s.selection !== old.selection || s.path !== old.path) soon();
    });
    const also = latest.current.listen?.(soon);
    const theme = () => {
      ink = inks();
      soon();
    };
    const watch = new MutationObserver(theme);
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", theme);
    now(true);
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(rest);
      off();
      also?.();
      watch.disconnect();
      dark.removeEventListener("change", theme);
    };
  }, [editor]);
  return ref;
}

/** Far draws the whole drawing as a picture, when more of it is seen than can be read. */
export function Far({
  transform,
  listen,
}: {
  transform: () => { x: number; y: number; zoom: number; w: number; h: number };
  listen: (fn: () => void) => () => void;
}) {
  const editor = useEditor();
  const ref = usePainted(
    editor,
    (g, s, ink, picture, rests) => {
      const t = transform();
      return picture.put(g, s, ink, t, t.w, t.h, true, rests);
    },
    transform,
    listen,
  );
  return <canvas ref={ref} aria-hidden data-far className="pointer-events-none absolute inset-0 h-full w-full" />;
}

const mini = { w: 184, h: 124 };

/** extents are worked out once for each state of the drawing: the small map asks in every frame. */
const extents = new WeakMap<State["doc"]["now"], { box: Box | undefined }>();

/** extent is the box around everything that is drawn; what is being dragged counts where it was. */
export function extent(s: State): Box | undefined {
  let known = extents.get(s.doc.now);
  if (!known) {
    known = { box: measured(s.doc.now) };
    extents.set(s.doc.now, known);
  }
  return known.box;
}

function measured(now: State["doc"]["now"]): Box | undefined {
  const boxes: Box[] = [];
  for (const i of now.values()) {
    const b = boxOf(i);
    if (b) boxes.push(b);
    else if (i.kind === "curves") {
      const a = aroundPoints(i.value.points ?? []);
      if (a) boxes.push(a);
    } else if (i.kind === "flows") {
      const l =
        i.value.vertices?.length || i.value.from_point || i.value.to_point
          ? lineOf(i.value, boxOf(now.get(i.value.from ?? "")), boxOf(now.get(i.value.to ?? "")))
          : undefined;
      const a = l && aroundPoints(l.points);
      if (a) boxes.push(a);
    }
  }
  return around(boxes);
}

/** MiniMap shows the whole drawing and what of it is seen; pressing it goes there. */
export function MiniMap({ listen }: { listen: (fn: () => void) => () => void }) {
  const editor = useEditor();
  const frame = useRef({ x: 0, y: 0, zoom: 1 });
  const ref = usePainted(
    editor,
    (g, s, ink, picture) => {
      const view = editor.view;
      const all = extent(s);
      const seen = view?.seen();
      // Where everything is seen anyway it would only lie over the drawing.
      g.canvas.style.visibility = all && seen && !holds(seen, all) ? "visible" : "hidden";
      if (!all || !seen) return true;
      const a = grown(all, 20);
      const zoom = Math.min(mini.w / a.w, mini.h / a.h, 0.4);
      const t = { zoom, x: (mini.w - a.w * zoom) / 2 - a.x * zoom, y: (mini.h - a.h * zoom) / 2 - a.y * zoom };
      frame.current = t;
      picture.put(g, s, ink, t, mini.w, mini.h, false, true);
      g.strokeStyle = ink.accent!;
      g.lineWidth = 1.5;
      g.fillStyle = ink.accent!;
      g.globalAlpha = 0.08;
      g.fillRect(seen.x * zoom + t.x, seen.y * zoom + t.y, seen.w * zoom, seen.h * zoom);
      g.globalAlpha = 1;
      g.strokeRect(seen.x * zoom + t.x, seen.y * zoom + t.y, seen.w * zoom, seen.h * zoom);
      return true;
    },
    () => mini,
    listen,
    true,
  );
  const go = (e: React.PointerEvent<HTMLCanvasElement>) => {
    const r = e.currentTarget.getBoundingClientRect();
    const t = frame.current;
    editor.view?.center({ x: (e.clientX - r.left - t.x) / t.zoom, y: (e.clientY - r.top - t.y) / t.zoom });
  };
  return (
    <canvas
      ref={ref}
      aria-hidden
      style={miniSize}
      className="block cursor-pointer rounded-lg border border-line bg-bg shadow-card"
      onPointerDown={(e) => {
        e.currentTarget.setPointerCapture(e.pointerId);
        go(e);
      }}
      onPointerMove={(e) => e.buttons & 1 && go(e)}
    />
  );
}

const miniSize = { width: mini.w, height: mini.h };
