import { memo, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { CurveView, FlowView } from "./flows";
import { around, aroundPoints, grown, lanes, touches } from "./geometry";
import { namePlaces } from "./names";
import { ComponentNode, few, layers, TextNode, ZoneNode } from "./nodes";
import type { Sight } from "./sight";
import { listOf, type State, useDrawing } from "./store";
import { type Box, boxOf, type Flow, type Item } from "./types";

/** Entry is an element with the room that it takes. */
interface Entry {
  id: string;
  kind: Item["kind"];
  box: Box;
  lane?: number;
  from?: string;
  to?: string;
}

/** entries lists what is drawn in the order in which it is drawn: zones, the largest first, so that an inner one lies on the outer one. */
function entries(now: State["doc"]["now"]): { boxes: Entry[]; lines: Entry[] } {
  const zones: Entry[] = [];
  const others: Entry[] = [];
  const curves: Entry[] = [];
  const flows: Entry[] = [];
  const lane = lanes(listOf({ now }, "flows"));
  for (const i of now.values()) {
    const box = i.kind === "flows" ? boundsOf(i.value, now) : i.kind === "curves" ? aroundPoints(i.value.points ?? []) : boxOf(i);
    if (!box) continue;
    if (i.kind === "zones") zones.push({ id: i.id, kind: i.kind, box });
    else if (i.kind === "curves") curves.push({ id: i.id, kind: i.kind, box });
    else if (i.kind === "flows") flows.push({ id: i.id, kind: i.kind, box, lane: lane.get(i.id) ?? 0, from: i.value.from, to: i.value.to });
    else others.push({ id: i.id, kind: i.kind, box });
  }
  zones.sort((a, b) => b.box.w * b.box.h - a.box.w * a.box.h);
  return { boxes: [...zones, ...others], lines: [...curves, ...flows] };
}

/** boundsOf is the box around a flow with its name. */
function boundsOf(f: Flow, now: State["doc"]["now"]): Box | undefined {
  const b = around(
    [
      boxOf(now.get(f.from ?? "")),
      boxOf(now.get(f.to ?? "")),
      f.from_point && { ...f.from_point, w: 0, h: 0 },
      f.to_point && { ...f.to_point, w: 0, h: 0 },
      f.vertices?.length ? aroundPoints(f.vertices) : undefined,
    ].filter((x): x is Box => !!x),
  );
  return b && grown(b, 40);
}

/** batch is how many elements that nobody sees yet are mounted in one frame. */
const batch = 40;

/** afterPaint does something when what was just mounted is on the screen. */
function afterPaint(work: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => {
    timer = setTimeout(work);
  });
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

const nothing: ReadonlySet<string> = new Set();

/** heldBy gives the ids of what is being dragged: the same set for as long as it is the same elements. */
function heldBy(): (s: State) => ReadonlySet<string> {
  let held = nothing;
  return ({ live }) => {
    if (!live) held = nothing;
    else if (held.size !== live.size || ![...live.keys()].every((id) => held.has(id))) held = new Set(live.keys());
    return held;
  };
}

/** moves tells whether an element looks different while others are held. */
const moves = (e: Entry, held: ReadonlySet<string>): boolean => held.has(e.id) || (!!e.from && held.has(e.from)) || (!!e.to && held.has(e.to));

/** Sheet mounts what is in sight: boxes and lines, and apart from the others the lines that move in a drag. */
export const Sheet = memo(function Sheet({ sight }: { sight: Sight }) {
  const now = useDrawing((s) => s.doc.now);
  const [select] = useState(heldBy);
  const held = useDrawing(select);
  const all = useMemo(() => entries(now), [now]);
  const partOf = useMemo(() => namePlaces(now), [now]);
  const mounted = useRef(nothing);
  const [round, next] = useReducer((n: number) => n + 1, 0);
  const { boxes, lines, more } = useMemo(() => {
    const stays = (e: Entry) => mounted.current.has(e.id) && (touches(e.box, sight.kept) || moves(e, held));
    // What comes into view is there at once; what lies around it comes a few a frame, and when a drawing is opened after the first look.
    let left = round > 0 ? batch : 0;
    let more = false;
    const wanted = (e: Entry) => {
      if (stays(e)) return true;
      if (!touches(e.box, sight.seen)) return false;
      if (left > 0 || touches(e.box, sight.view)) {
        left--;
        return true;
      }
      more = true;
      return false;
    };
    return { boxes: all.boxes.filter(wanted), lines: all.lines.filter(wanted), more };
  }, [all, sight, held, round]);
  useEffect(() => {
    mounted.current = new Set([...boxes, ...lines].map((e) => e.id));
    if (more) return afterPaint(next);
  }, [boxes, lines, more]);
  const still = held.size > 0 ? lines.filter((e) => !moves(e, held)) : lines;
  const moving = held.size > 0 ? lines.filter((e) => moves(e, held)) : [];
  return (
    <>
      <Paper box={around([sight.kept, ...lines.map((e) => e.box)])!} />
      {boxes.map((e) =>
        e.kind === "zones" ? (
          <ZoneNode key={e.id} id={e.id} />
        ) : e.kind === "texts" ? (
          <TextNode key={e.id} id={e.id} />
        ) : (
          <ComponentNode key={e.id} id={e.id} />
        ),
      )}
      <Lines of={still} partOf={partOf} />
      {moving.length > 0 && <Lines of={moving} partOf={partOf} over={few(held) ? sight.kept : undefined} />}
    </>
  );
});

/**
 * Paper lies under everything. Without something that covers all of it the browser would
 * take what is drawn for many small pictures and make a layer of each.
 */
function Paper({ box }: { box: Box }) {
  return <div className="pointer-events-none absolute bg-bg" style={{ left: box.x, top: box.y, width: box.w, height: box.h }} />;
}

/** Lines are flows and curves. Over everything else within a box they are a layer of their own. */
function Lines({ of, partOf, over }: { of: Entry[]; partOf: (id: string) => number; over?: Box }) {
  return (
    <svg
      className="pointer-events-none absolute start-0 top-0 overflow-visible [&>g]:pointer-events-auto"
      width={1}
      height={1}
      role="presentation"
      style={over ? above : below}
    >
      {over && <Extent box={over} />}
      {of.map((e) =>
        e.kind === "curves" ? <CurveView key={e.id} id={e.id} /> : <FlowView key={e.id} id={e.id} lane={e.lane ?? 0} part={partOf(e.id)} />,
      )}
    </svg>
  );
}

/**
 * Extent keeps the size of a layer the same whatever moves in it: when a layer
 * takes other room, the browser works out anew which layers there are at all.
 */
export function Extent({ box }: { box: Box }) {
  return <rect {...dims(box)} fill="transparent" pointerEvents="none" />;
}

const dims = ({ x, y, w, h }: Box) => ({ x, y, width: w, height: h });
const below = { zIndex: layers.lines };
const above = { zIndex: layers.lines + layers.lifted, willChange: "transform" };
