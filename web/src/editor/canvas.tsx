import { ReactFlow, type ReactFlowInstance, ReactFlowProvider, useStoreApi, ViewportPortal } from "@xyflow/react";
import "./editor.css";
import { type ReactNode, useCallback, useEffect, useRef } from "react";
import { cx } from "../ui/cx";
import { dragBand, dragElements, dragEnd, dragFlow, dragPoint, dragSize, dropPoint, elementAt, type Side } from "./gestures";
import { Overlay } from "./overlay";
import { Far, MiniMap } from "./overview";
import { Sheet } from "./sheet";
import { readable, useSight } from "./sight";
import { useDrawing, useEditor } from "./store";
import { type Box, boxOf, type Point } from "./types";
import type { View } from "./view";

const minZoom = 0.03;
const maxZoom = 3;
const middle = [1];
const bare = { hideAttribution: true };

/** Menu is where a menu is asked for, and for what. */
export interface Asked {
  at: Point;
  place: Point;
  /** A flow that was let go over nothing. */
  from?: string | Point;
}

export interface CanvasProps {
  readOnly: boolean;
  onMenu?: (a: Asked) => void;
  onKeyDown?: (e: React.KeyboardEvent) => void;
  /** Gives the view its first place, before anything is mounted, and again when its room changes. */
  onReady?: () => void;
  minimap?: boolean;
  children?: ReactNode;
}

/** Canvas shows the drawing and takes what is done on it with a pointer. */
export function Canvas(props: CanvasProps) {
  return (
    <ReactFlowProvider>
      <Board {...props} />
    </ReactFlowProvider>
  );
}

function Board({ readOnly, onMenu, onKeyDown, onReady, minimap, children }: CanvasProps) {
  const editor = useEditor();
  const api = useStoreApi();
  const pane = useRef<HTMLDivElement>(null);
  const tool = useDrawing((s) => s.tool);
  const active = useDrawing((s) => (s.selection.size === 1 ? [...s.selection][0] : undefined));
  const space = useRef(false);
  /** Where the pointer is on the screen; where that is in the drawing is asked seldom, and costs a layout. */
  const pointer = useRef<Point>(undefined);
  const moved = useRef(new Set<() => void>());
  const listen = useCallback((fn: () => void) => {
    moved.current.add(fn);
    return () => {
      moved.current.delete(fn);
    };
  }, []);

  const { sight, zoom, far, begin } = useSight(
    useCallback(() => {
      for (const fn of moved.current) fn();
    }, []),
  );
  const opened = useRef(false);
  /** Until somebody works in it, the drawing is shown anew whenever its room changes: the side panel comes after it. */
  const touched = useRef(false);
  const onInit = useCallback(
    (rf: ReactFlowInstance) => {
      const size = () => {
        const { width, height } = api.getState();
        return { w: width || pane.current?.clientWidth || 800, h: height || pane.current?.clientHeight || 600 };
      };
      const set = (x: number, y: number, z: number, duration = 0) =>
        void rf.setViewport({ x, y, zoom: z }, { duration: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : duration });
      const view: View = {
        toDrawing: (p) => rf.screenToFlowPosition(p, { snapToGrid: false }),
        toScreen: (p) => rf.flowToScreenPosition(p),
        zoom: () => api.getState().transform[2],
        seen: () => {
          const [x, y, z] = api.getState().transform;
          const { w, h } = size();
          return { x: -x / z, y: -y / z, w: w / z, h: h / z };
        },
        fit: (b, largest = 1.25, ms = 220) => {
          const { w, h } = size();
          const m = margins();
          const [rw, rh] = [w - m.start - m.end, h - m.top - m.bottom];
          const z = Math.max(minZoom, Math.min(largest, rw / Math.max(1, b.w), rh / Math.max(1, b.h)));
          set(m.start + rw / 2 - (b.x + b.w / 2) * z, m.top + rh / 2 - (b.y + b.h / 2) * z, z, ms);
        },
        reveal: (b) => {
          const v = view.seen();
          const z = view.zoom();
          // Room for what floats at the borders of the canvas.
          const g = { x: b.x - 76 / z, y: b.y - 30 / z, w: b.w + 116 / z, h: b.h + 90 / z };
          if (g.x >= v.x && g.y >= v.y && g.x + g.w <= v.x + v.w && g.y + g.h <= v.y + v.h) return;
          if (z < readable || g.w > v.w || g.h > v.h) return view.fit(b, 1);
          const dx = g.x < v.x ? v.x - g.x : g.x + g.w > v.x + v.w ? v.x + v.w - g.x - g.w : 0;
          const dy = g.y < v.y ? v.y - g.y : g.y + g.h > v.y + v.h ? v.y + v.h - g.y - g.h : 0;
          const [x, y] = api.getState().transform;
          set(x + dx * z, y + dy * z, z, 160);
        },
        zoomTo: (z) => {
          const v = view.seen();
          const { w, h } = size();
          const to = Math.max(minZoom, Math.min(maxZoom, z));
          set(w / 2 - (v.x + v.w / 2) * to, h / 2 - (v.y + v.h / 2) * to, to, 120);
        },
        panBy: (dx, dy) => {
          const [x, y, z] = api.getState().transform;
          set(x + dx, y + dy, z);
        },
        center: (p) => {
          const { w, h } = size();
          const z = view.zoom();
          set(w / 2 - p.x * z, h / 2 - p.y * z, z);
        },
        focus: () => pane.current?.focus({ preventScroll: true }),
        get pointer() {
          return pointer.current && view.toDrawing(pointer.current);
        },
      };
      editor.view = view;
      if (!opened.current) {
        opened.current = true;
        onReady?.();
      }
      begin();
      for (const fn of moved.current) fn();
    },
    [api, editor, onReady, begin],
  );

  useEffect(
    () =>
      api.subscribe((s, old) => {
        if (s.width !== old.width && old.width && opened.current && !touched.current) requestAnimationFrame(() => onReady?.());
      }),
    [api, onReady],
  );

  const onPointerDown = (e: React.PointerEvent) => {
    const box = pane.current!;
    const target = e.target as Element;
    if (target.closest("[data-chrome], textarea")) return;
    const editing = editor.store.getState().editing;
    if (editing) (document.activeElement as HTMLElement | null)?.blur();
    box.focus({ preventScroll: true });
    if (e.button !== 0 || space.current || tool === "hand") return;
    const native = e.nativeEvent;
    const place = editor.view!.toDrawing({ x: e.clientX, y: e.clientY });
    const id = target.closest("[data-el]")?.getAttribute("data-el") ?? elementAt(editor, place, 5 / editor.view!.zoom());
    const pick = (ev: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }) => {
      const { selection } = editor.store.getState();
      if (!id) return ev.shiftKey ? undefined : editor.select([]);
      if (ev.shiftKey || ev.ctrlKey || ev.metaKey) editor.select(selection.has(id) ? [...selection].filter((x) => x !== id) : [...selection, id]);
      else editor.select([id]);
    };
    if (readOnly) {
      if (id) pick(e);
      return;
    }
    const only = active;
    const open = (from: string | Point, to: Point, ev: PointerEvent) => onMenu?.({ at: { x: ev.clientX, y: ev.clientY }, place: to, from });
    const attr = (name: string) => target.closest(`[${name}]`)?.getAttribute(name);
    const dot = attr("data-dot");
    if (dot) return dragFlow(editor, native, dot, box, open);
    if (only) {
      const size = attr("data-size");
      if (size) return dragSize(editor, native, only, size as Side, box);
      const point = attr("data-point");
      if (point) return dragPoint(editor, native, only, Number(point), false, box);
      const between = attr("data-between");
      if (between) return dragPoint(editor, native, only, Number(between), true, box);
      const end = attr("data-end");
      if (end) return dragEnd(editor, native, only, end as "from" | "to", box);
    }
    if (tool === "flow") {
      const onto = id && editor.store.getState().doc.now.get(id)?.kind === "components" ? id : undefined;
      return dragFlow(editor, native, onto ?? place, box, open);
    }
    if (!id) return dragBand(editor, native, box, pick);
    const { selection } = editor.store.getState();
    const additive = e.shiftKey || e.ctrlKey || e.metaKey;
    if (!selection.has(id) && !additive) editor.select([id]);
    const ids = selection.has(id) ? [...selection] : additive ? [...selection, id] : [id];
    dragElements(editor, native, ids, box, pick);
  };

  const onDoubleClick = (e: React.MouseEvent) => {
    const target = e.target as Element;
    if (readOnly || target.closest("[data-chrome], textarea")) return;
    const point = target.closest("[data-point]")?.getAttribute("data-point");
    if (point && active) return dropPoint(editor, active, Number(point));
    const place = editor.view!.toDrawing({ x: e.clientX, y: e.clientY });
    const id = target.closest("[data-el]")?.getAttribute("data-el") ?? elementAt(editor, place, 5 / editor.view!.zoom());
    if (!id) return;
    if (far) {
      const b = boxOf(editor.store.getState().doc.now.get(id));
      if (b) editor.view!.fit(b, 1);
      return;
    }
    editor.store.setState({ editing: id, selection: new Set([id]) });
  };

  return (
    <div
      ref={pane}
      role="application"
      aria-label="Diagram"
      aria-describedby="editor-help"
      aria-activedescendant={active && !far ? `el-${active}` : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the drawing is worked on with the keyboard as a whole
      tabIndex={0}
      data-canvas
      className={cx(
        "relative h-full w-full overflow-hidden bg-bg outline-none focus-visible:outline-2 focus-visible:outline-accent focus-visible:-outline-offset-2",
        tool === "flow" && "editor-flow",
        tool === "hand" && "editor-hand",
      )}
      onPointerDownCapture={() => {
        touched.current = true;
      }}
      onWheelCapture={() => {
        touched.current = true;
      }}
      onKeyDownCapture={() => {
        touched.current = true;
      }}
      onPointerDown={onPointerDown}
      onPointerMove={(e) => {
        pointer.current = { x: e.clientX, y: e.clientY };
      }}
      onPointerLeave={() => {
        pointer.current = undefined;
        if (editor.store.getState().hover) editor.store.setState({ hover: null });
      }}
      onPointerOver={(e) => {
        if (e.buttons) return;
        const t = (e.target as Element).closest("[data-el], [data-dot]");
        const hover = t?.getAttribute("data-el") ?? t?.getAttribute("data-dot") ?? null;
        if (editor.store.getState().hover !== hover) editor.store.setState({ hover });
      }}
      onDoubleClick={onDoubleClick}
      onContextMenu={(e) => {
        if ((e.target as Element).closest("[data-chrome], textarea")) return;
        e.preventDefault();
        const place = editor.view!.toDrawing({ x: e.clientX, y: e.clientY });
        const id = (e.target as Element).closest("[data-el]")?.getAttribute("data-el") ?? elementAt(editor, place, 5 / editor.view!.zoom());
        if (id && !editor.store.getState().selection.has(id)) editor.select([id]);
        if (!id) editor.select([]);
        onMenu?.({ at: { x: e.clientX, y: e.clientY }, place });
      }}
      onKeyDown={(e) => {
        if (e.key === " " && e.target === pane.current) {
          space.current = true;
          e.preventDefault();
        }
        onKeyDown?.(e);
      }}
      onKeyUp={(e) => {
        if (e.key === " ") space.current = false;
      }}
      onBlur={() => {
        space.current = false;
      }}
    >
      {far && (
        <Far
          transform={() => ({
            x: api.getState().transform[0],
            y: api.getState().transform[1],
            zoom: api.getState().transform[2],
            w: api.getState().width,
            h: api.getState().height,
          })}
          listen={listen}
        />
      )}
      <ReactFlow
        onInit={onInit}
        minZoom={minZoom}
        maxZoom={maxZoom}
        panOnScroll
        panOnDrag={tool === "hand" || readOnly || middle}
        zoomOnDoubleClick={false}
        panActivationKeyCode="Space"
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        deleteKeyCode={null}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        proOptions={bare}
      >
        <ViewportPortal>
          {!far && sight && <Sheet sight={sight} />}
          <Overlay zoom={zoom} readOnly={readOnly} extent={sight?.kept} />
        </ViewportPortal>
      </ReactFlow>
      {minimap && (
        <div data-chrome className="absolute end-3 bottom-14 z-10 hidden lg:block">
          <MiniMap listen={listen} />
        </div>
      )}
      {children}
    </div>
  );
}

/** margins is the room at the sides of the canvas that is left to what floats there, in pixels of the screen: beside open panels a narrow canvas too has its tools. */
const margins = () => (window.innerWidth < 1024 ? { start: 16, end: 16, top: 16, bottom: 16 } : { start: 76, end: 28, top: 28, bottom: 64 });

/** firstLook shows a drawing when it is opened: all of it, if it can be read then; else its beginning at a size that can be read. */
export function firstLook(view: View, all: Box | undefined): void {
  if (!all) {
    view.center({ x: 0, y: 0 });
    return;
  }
  const seen = view.seen();
  const z = view.zoom();
  const w = seen.w * z;
  const h = seen.h * z;
  const m = margins();
  const [rw, rh] = [w - m.start - m.end, h - m.top - m.bottom];
  const whole = Math.min(rw / all.w, rh / all.h);
  // On a telephone there is no room for more than a look at all of it.
  if (whole >= (w < 700 ? 0.2 : readable)) {
    view.fit(all, 1.1, 0);
    return;
  }
  const fit = Math.max(readable, whole);
  const box = { x: all.x, y: all.y, w: Math.min(all.w, rw / fit), h: Math.min(all.h, rh / fit) };
  view.fit(box, fit, 0);
}
