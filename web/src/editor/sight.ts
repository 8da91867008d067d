import { useStoreApi } from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { encloses, grown, touches } from "./geometry";
import { type State, useDrawing } from "./store";
import type { Box } from "./types";

/** Names can be read at this zoom. */
export const readable = 0.45;
/** Above so many components in view the drawing is a picture: names could not be read anyway. */
const most = 420;
/** A drawing that is larger than that is a picture sooner where it is small: above so many in view, at less than this zoom. */
const small = { zoom: 0.3, most: 160 };

/** Room around what is seen, in pixels of the screen: what is mounted at once, and what must be there at least. */
const room = 256;
const least = 96;
/** The view rests when it has not moved for so long, in milliseconds. */
const rest = 250;

/** Sight is what of the drawing is mounted. */
export interface Sight {
  view: Box;
  /** What touches this is mounted: the view with some room around. */
  seen: Box;
  /** What is mounted already stays so while it touches this: taking away costs as much as mounting. */
  kept: Box;
}

/**
 * useSight follows the view: what is mounted, at which zoom, and whether more is in
 * view than can be read. moved is called whenever the view has changed; it is stable.
 * Nothing is in sight until begin is called: what is mounted before the view has its
 * place would be mounted for nothing.
 */
export function useSight(moved: () => void): { sight: Sight | undefined; zoom: number; far: boolean; begin: () => void } {
  const api = useStoreApi();
  const [sight, setSight] = useState<Sight>();
  const [zoom, setZoom] = useState(1);
  const begun = useRef(false);
  const first = useRef(() => {});
  const begin = useCallback(() => {
    begun.current = true;
    first.current();
  }, []);
  useEffect(() => {
    let current: Sight | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const view = () => {
      const { transform, width, height } = api.getState();
      const [x, y, z] = transform;
      return { box: { x: -x / z, y: -y / z, w: width / z, h: height / z }, z };
    };
    const show = (next: Sight) => {
      current = next;
      setSight(next);
    };
    const look = () => {
      if (!begun.current || !api.getState().width) return;
      const { box, z } = view();
      if (!current || !encloses(current.seen, grown(box, least / z)) || box.w < current.view.w * 0.8)
        show({ view: box, seen: grown(box, room / z), kept: grown(box, Math.max(box.w, box.h)) });
      setZoom(z);
      moved();
      clearTimeout(timer);
      timer = setTimeout(calm, rest);
    };
    // What was passed by is taken away when the view rests.
    const calm = () => {
      const { box, z } = view();
      const seen = grown(box, room / z);
      if (current && (current.kept.w !== seen.w || current.kept.x !== seen.x || current.kept.y !== seen.y)) show({ view: box, seen, kept: seen });
    };
    first.current = look;
    look();
    const off = api.subscribe((s, old) => {
      if (s.transform !== old.transform || s.width !== old.width || s.height !== old.height) look();
    });
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [api, moved]);
  return { sight, zoom, far: useFar(sight, zoom), begin };
}

/**
 * useFar tells whether more is in view than can be read. What became a picture stays
 * one until one goes nearer, or rests where it can be read: moving it mounts nothing.
 */
function useFar(sight: Sight | undefined, zoom: number): boolean {
  const now = useDrawing((s) => s.doc.now);
  const boxes = useMemo(() => componentsOf(now), [now]);
  const since = useRef<number>(undefined);
  const far = useMemo(() => {
    if (!sight || boxes.length <= most) return false;
    const rests = sight.kept === sight.seen && zoom >= small.zoom;
    if (since.current !== undefined && zoom <= since.current && !rests) return true;
    const n = boxes.reduce((n, b) => n + (touches(b, sight.view) ? 1 : 0), 0);
    return n > (zoom < small.zoom ? small.most : most);
  }, [boxes, sight, zoom]);
  useEffect(() => {
    since.current = far ? Math.max(since.current ?? 0, zoom) : undefined;
  }, [far, zoom]);
  return far;
}

function componentsOf(now: State["doc"]["now"]): Box[] {
  const out: Box[] = [];
  for (const i of now.values()) if (i.kind === "components" && i.value.box) out.push(i.value.box);
  return out;
}
