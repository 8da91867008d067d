import { cx } from "../ui/cx";
import { FlowName } from "./flows";
import { along, type Line, lineOf, middleOf, pathOf, polyline } from "./geometry";
import { Extent } from "./sheet";
import { boxAt, itemOf, useDrawing } from "./store";
import type { Box, Point } from "./types";

/*
 * What lies on top of the drawing while it is worked on: handles, guides, the rubber
 * band, the flow that is being drawn. All sizes are of the screen, whatever the zoom.
 */
export function Overlay({ zoom, readOnly, extent }: { zoom: number; readOnly: boolean; extent: Box | undefined }) {
  const selection = useDrawing((s) => s.selection);
  const dragging = useDrawing((s) => s.live !== null);
  const busy = useDrawing((s) => s.live !== null || s.band !== null || s.wire !== null);
  const only = selection.size === 1 ? [...selection][0] : undefined;
  const u = 1 / zoom;
  return (
    <>
      <svg
        aria-hidden
        className={cx("pointer-events-none absolute start-0 top-0 z-8 overflow-visible", busy && "will-change-transform")}
        width={1}
        height={1}
      >
        {extent && <Extent box={extent} />}
        <Guides u={u} />
        <Band u={u} />
        <Wire u={u} />
        {!readOnly && !dragging && <Dots u={u} />}
        {!readOnly && only && <Handles id={only} u={u} />}
      </svg>
      {!readOnly && <FlowName />}
    </>
  );
}

function Guides({ u }: { u: number }) {
  const guides = useDrawing((s) => s.guides);
  return guides.map((g) =>
    g.axis === "x" ? (
      <path key={`x${g.at}`} d={`M${g.at} ${g.from - 12 * u}V${g.to + 12 * u}`} stroke="var(--critical)" strokeWidth={u} />
    ) : (
      <path key={`y${g.at}`} d={`M${g.from - 12 * u} ${g.at}H${g.to + 12 * u}`} stroke="var(--critical)" strokeWidth={u} />
    ),
  );
}

function Band({ u }: { u: number }) {
  const b = useDrawing((s) => s.band);
  return b && <rect x={b.x} y={b.y} width={b.w} height={b.h} fill="var(--accent)" fillOpacity={0.08} stroke="var(--accent)" strokeWidth={u} />;
}

function Wire({ u }: { u: number }) {
  const wire = useDrawing((s) => s.wire);
  const from = useDrawing((s) => (typeof s.wire?.from === "string" ? boxAt(s, s.wire.from) : undefined));
  const onto = useDrawing((s) => boxAt(s, s.wire?.onto));
  if (!wire) return null;
  const line: Line | undefined = lineOf(
    {
      id: "",
      name: "",
      from: typeof wire.from === "string" ? wire.from : undefined,
      to: wire.onto,
      from_point: typeof wire.from === "string" ? undefined : wire.from,
      to_point: wire.to,
    },
    from,
    onto,
  );
  if (!line) return null;
  const z = line.points.at(-1)!;
  return (
    <>
      <path d={pathOf(line)} fill="none" stroke="var(--accent)" strokeWidth={2 * u} />
      <circle cx={z.x} cy={z.y} r={4 * u} fill="var(--accent)" />
    </>
  );
}

/** Dots are where a flow can be drawn from: at the sides of what the pointer is over. */
function Dots({ u }: { u: number }) {
  const id = useDrawing((s) => {
    const one = s.hover ?? (s.selection.size === 1 ? [...s.selection][0] : undefined);
    return one && s.tool === "select" && s.doc.now.get(one)?.kind === "components" && s.editing !== one && !s.band && !s.wire ? one : undefined;
  });
  const b = useDrawing((s) => boxAt(s, id));
  if (!id || !b) return null;
  const gap = 13 * u;
  const m = middleOf(b);
  const at: Point[] = [
    { x: m.x, y: b.y - gap },
    { x: b.x + b.w + gap, y: m.y },
    { x: m.x, y: b.y + b.h + gap },
    { x: b.x - gap, y: m.y },
  ];
  return at.map((p, i) => (
    <g key={i} data-dot={id} className="pointer-events-auto cursor-crosshair">
      <circle cx={p.x} cy={p.y} r={12 * u} fill="transparent" />
      <circle cx={p.x} cy={p.y} r={4.5 * u} fill="var(--surface)" stroke="var(--accent)" strokeWidth={1.5 * u} />
    </g>
  ));
}

/** Handles change the size of a box, bend a flow or a curve, and take hold of the ends of a flow. */
function Handles({ id, u }: { id: string; u: number }) {
  const item = useDrawing((s) => itemOf(s, id));
  const from = useDrawing((s) => (item?.kind === "flows" ? boxAt(s, item.value.from) : undefined));
  const to = useDrawing((s) => (item?.kind === "flows" ? boxAt(s, item.value.to) : undefined));
  if (!item) return null;
  if (item.kind === "flows") {
    const line = lineOf(item.value, from, to);
    if (!line) return null;
    const bends = item.value.vertices ?? [];
    const stops = bends.length > 0 ? line.points : polyline(line);
    const loop = !!item.value.from && item.value.from === item.value.to && bends.length === 0;
    const ends: ["from" | "to", Point][] = [
      ["from", line.points[0]!],
      ["to", line.points.at(-1)!],
    ];
    return (
      <>
        {!loop &&
          (bends.length > 0 ? bends.length + 1 : 1) > 0 &&
          (bends.length > 0 ? stops.slice(1).map((p, i) => along([stops[i]!, p], 0.5)) : [along(stops, 0.5)]).map((p, i) => (
            <Knob key={`m${i}`} p={{ x: p.x, y: p.y }} u={u} data={{ "data-between": String(i) }} faint />
          ))}
        {bends.map((p, i) => (
          <Knob key={`v${i}`} p={p} u={u} data={{ "data-point": String(i) }} />
        ))}
        {ends.map(([end, p]) => (
          <Knob key={end} p={p} u={u} data={{ "data-end": end }} round />
        ))}
      </>
    );
  }
  if (item.kind === "curves") {
    const p = item.value.points ?? [];
    return (
      <>
        {p.slice(1).map((q, i) => (
          <Knob key={`m${i}`} p={along([p[i]!, q], 0.5)} u={u} data={{ "data-between": String(i + 1) }} faint />
        ))}
        {p.map((q, i) => (
          <Knob key={`p${i}`} p={q} u={u} data={{ "data-point": String(i) }} />
        ))}
      </>
    );
  }
  const b = item.kind === "components" || item.kind === "zones" || item.kind === "texts" ? item.value.box : undefined;
  return b ? <Corners b={b} u={u} /> : null;
}

const cursors = {
  nw: "nwse-resize",
  se: "nwse-resize",
  ne: "nesw-resize",
  sw: "nesw-resize",
  n: "ns-resize",
  s: "ns-resize",
  e: "ew-resize",
  w: "ew-resize",
} as const;

function Corners({ b, u }: { b: Box; u: number }) {
  const x = { w: b.x, e: b.x + b.w };
  const y = { n: b.y, s: b.y + b.h };
  const r = 4 * u;
  return (
    <>
      {(["n", "s"] as const).map((s) => (
        <rect
          key={s}
          data-size={s}
          className="pointer-events-auto"
          style={{ cursor: cursors[s] }}
          x={b.x}
          y={y[s] - r}
          width={b.w}
          height={2 * r}
          fill="transparent"
        />
      ))}
      {(["w", "e"] as const).map((s) => (
        <rect
          key={s}
          data-size={s}
          className="pointer-events-auto"
          style={{ cursor: cursors[s] }}
          x={x[s] - r}
          y={b.y}
          width={2 * r}
          height={b.h}
          fill="transparent"
        />
      ))}
      {(["nw", "ne", "sw", "se"] as const).map((s) => (
        <rect
          key={s}
          data-size={s}
          className="pointer-events-auto"
          style={{ cursor: cursors[s] }}
          x={x[s[1] as "w" | "e"] - r}
          y={y[s[0] as "n" | "s"] - r}
          width={2 * r}
          height={2 * r}
          rx={u}
          fill="var(--surface)"
          stroke="var(--accent)"
          strokeWidth={1.5 * u}
        />
      ))}
    </>
  );
}

function Knob({ p, u, data, faint, round }: { p: Point; u: number; data: Record<string, string>; faint?: boolean; round?: boolean }) {
  const r = (faint ? 3.5 : 5) * u;
  return (
    <g {...data} className="pointer-events-auto cursor-move">
      <circle cx={p.x} cy={p.y} r={11 * u} fill="transparent" />
      {round || faint ? (
        <circle
          cx={p.x}
          cy={p.y}
          r={r}
          fill={faint ? "var(--accent)" : "var(--surface)"}
          fillOpacity={faint ? 0.55 : 1}
          stroke="var(--accent)"
          strokeWidth={1.5 * u}
        />
      ) : (
        <rect x={p.x - r} y={p.y - r} width={2 * r} height={2 * r} rx={1.5 * u} fill="var(--surface)" stroke="var(--accent)" strokeWidth={1.5 * u} />
      )}
    </g>
  );
}
