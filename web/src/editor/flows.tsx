import { memo, useMemo } from "react";
import { cx } from "../ui/cx";
import { asBand, type Band, bandNames } from "../ui/rating";
import { along, labelOf, lineOf, type Mark, meetings, outline, pathOf, polyline } from "./geometry";
import { countBox } from "./names";
import { NameInput } from "./nodes";
import { boxAt, itemOf, useDrawing, useParts } from "./store";
import type { Box, Curve, Flow, Item, Point } from "./types";

const tone: Record<string, string> = {
  low: "var(--low)",
  medium: "var(--medium)",
  high: "var(--high)",
  critical: "var(--critical)",
  unrated: "var(--unrated)",
};

/** arrow is the head at the end of a way. */
function arrow(way: readonly Point[]): string {
  const z = way.at(-1)!;
  const y = way.at(-2) ?? z;
  const a = Math.atan2(z.y - y.y, z.x - y.x);
  const at = (turn: number, r: number) => `${(z.x - Math.cos(a + turn) * r).toFixed(1)} ${(z.y - Math.sin(a + turn) * r).toFixed(1)}`;
  return `M${z.x.toFixed(1)} ${z.y.toFixed(1)}L${at(0.42, 11)}L${at(-0.42, 11)}Z`;
}

/** short keeps a label from covering the drawing; the whole name is in the panel. */
const short = (s: string, most = 34): string => ([...s].length > most ? `${[...s].slice(0, most - 1).join("")}…` : s);

/** FlowView is a flow: its way, its arrow, its name at a part of the way, and the borders that it crosses. */
export const FlowView = memo(function FlowView({ id, lane, part }: { id: string; lane: number; part: number }) {
  const [flow, from, to, facts, selected, editing, who, onPath] = useParts((s) => {
    const v = itemOf(s, id)?.value as Flow | undefined;
    return [
      v,
      boxAt(s, v?.from),
      boxAt(s, v?.to),
      s.facts[id],
      s.selection.has(id),
      s.editing === id,
      s.flash.get(id),
      s.path.length > 0 ? s.path.includes(id) : undefined,
    ] as const;
  });
  const crosses = facts?.crosses;
  const line = useMemo(() => flow && lineOf(flow, from, to, lane), [flow, from, to, lane]);
  if (!flow || !line) return null;
  const d = pathOf(line);
  const way = polyline(line);
  const band = facts?.band && !flow.out_of_scope ? asBand(facts.band) : undefined;
  const colour = selected ? "var(--accent)" : onPath ? "var(--critical)" : band ? tone[band] : "var(--control)";
  const open = facts?.threats ?? 0;
  const label = flow.name;
  const crossing = !!crosses?.length;
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a group of lines is no control
    <g
      id={`el-${id}`}
      data-el={id}
      role="group"
      aria-roledescription="flow"
      aria-label={`${flow.name || "Flow"}${crossing ? ", crosses a trust boundary" : ""}${open ? `, ${open} open ${open === 1 ? "threat" : "threats"}, ${band ? bandNames[band].toLowerCase() : ""}` : ""}`}
      className={cx("cursor-default", onPath === false && "[&_path]:opacity-40 [&_text]:fill-soft")}
    >
      <path d={d} fill="none" stroke="transparent" strokeWidth={14} pointerEvents="stroke" />
      {(selected || who) && (
        <path d={d} fill="none" stroke={who ? "var(--medium)" : "var(--accent)"} strokeOpacity={0.25} strokeWidth={8} strokeLinecap="round" />
      )}
      <path
        d={d}
        fill="none"
        stroke={colour}
        strokeWidth={crossing ? 2.75 : 1.5}
        strokeDasharray={onPath ? "7 5" : flow.out_of_scope ? "4 4" : undefined}
        className={onPath ? "motion-safe:animate-[march_0.7s_linear_infinite]" : undefined}
      />
      <path d={arrow(way)} fill={colour} />
      {flow.bidirectional && <path d={arrow([...way].reverse())} fill={colour} />}
      {!flow.from && flow.from_point && (
        <circle cx={flow.from_point.x} cy={flow.from_point.y} r={3.5} fill="var(--bg)" stroke={colour} strokeWidth={1.5} strokeDasharray="2 1.5" />
      )}
      {!flow.to && flow.to_point && (
        <circle cx={flow.to_point.x} cy={flow.to_point.y} r={6} fill="none" stroke={colour} strokeWidth={1.5} strokeDasharray="2 2" />
      )}
      {crossing && <Crossings ids={crosses!.join(" ")} way={way} colour={colour} />}
      {!editing && (
        <>
          {label && <Label text={label} way={way} part={part} ends={[from, to]} selected={selected} />}
          {band && open > 0 && <Pill at={along(way, part)} ends={[from, to]} band={band} open={open} />}
        </>
      )}
    </g>
  );
});

/** Label is the name of a flow above a part of its way, or beside the boxes at its ends where there is no room between them. */
function Label({ text, way, part, ends, selected }: { text: string; way: Point[]; part: number; ends: (Box | undefined)[]; selected: boolean }) {
  const { lines, x, y } = labelOf(text, way, ends, part);
  return (
    <text
      x={x}
      y={y}
      textAnchor="middle"
      unicodeBidi="plaintext"
      className={cx("fill-text text-xs [paint-order:stroke]", selected && "font-semibold")}
      stroke="var(--bg)"
      strokeWidth={5}
      strokeLinejoin="round"
    >
      {lines.length === 1
        ? lines[0]
        : lines.map((l, i) => (
            <tspan key={i} x={x} dy={i * 14}>
              {l}
            </tspan>
          ))}
    </text>
  );
}

/** FlowName is the field in which a flow is named. It stands above everything: between two near components there is no room for it. */
export function FlowName() {
  const id = useDrawing((s) => (s.editing && s.doc.now.get(s.editing)?.kind === "flows" ? s.editing : undefined));
  const flow = useDrawing((s) => itemOf(s, id)?.value) as Flow | undefined;
  const from = useDrawing((s) => boxAt(s, flow?.from));
  const to = useDrawing((s) => boxAt(s, flow?.to));
  const line = flow && lineOf(flow, from, to);
  if (!id || !flow || !line) return null;
  const mid = along(polyline(line), 0.5);
  return (
    <div className="pointer-events-auto absolute z-9" style={{ left: mid.x - 80, top: mid.y - 20, width: 160, height: 42 }}>
      <NameInput id={id} value={flow.name} className="h-full text-center text-xs leading-4" />
    </div>
  );
}

const bars: Record<Band, number> = { unrated: 0, low: 1, medium: 2, high: 3, critical: 4 };

/** Pill tells on the line of a flow how many threats are open there, and how high. Nothing in it is transformed: that would be painted apart. */
function Pill({ at, ends, band, open }: { at: Point; ends: (Box | undefined)[]; band: Band; open: number }) {
  const b = countBox(at, open, ends);
  const w = b.w;
  const x = Math.round(b.x * 10) / 10;
  const y = Math.round(b.y * 10) / 10;
  const bar = (i: number) => `M${x + 4 + i * 3} ${y + 8 - i * 2}h2v${2 + i * 2}h-2z`;
  const d = (from: number, to: number) => [0, 1, 2, 3].slice(from, to).map(bar).join("");
  const full = bars[band];
  return (
    <g>
      <rect x={x} y={y} width={w} height={14} rx={4} fill="var(--surface)" stroke={tone[band]} strokeOpacity={0.5} />
      {full > 0 && <path d={d(0, full)} fill={tone[band]} />}
      {full < 4 && <path d={d(full, 4)} fill={tone[band]} fillOpacity={0.25} />}
      <text x={x + 18.5} y={y + 10.5} className="font-semibold text-2xs" fill={tone[band]}>
        {open}
      </text>
    </g>
  );
}

/** borderOf is the border of a zone or curve as a way. */
function borderOf(i: Item | undefined): Point[] | undefined {
  if (i?.kind === "zones") return i.value.box && outline(i.value.box);
  if (i?.kind === "curves") return i.value.points ?? undefined;
  return undefined;
}

/** Crossings marks where a flow crosses trust boundaries: a gate across it. */
function Crossings({ ids, way, colour }: { ids: string; way: Point[]; colour: string | undefined }) {
  return ids.split(" ").map((id) => <Crossing key={id} id={id} way={way} colour={colour} />);
}

function Crossing({ id, way, colour }: { id: string; way: Point[]; colour: string | undefined }) {
  const item = useDrawing((s) => itemOf(s, id));
  const border = useMemo(() => borderOf(item), [item]);
  if (!border) return null;
  return meetings(way, border).map((m, i) => (
    <g key={i} data-gate>
      <path d={gate(m, 4, 7, true)} fill="var(--bg)" stroke="var(--bg)" strokeWidth={2} strokeLinejoin="round" />
      <path d={gate(m, 2.5, 8, false)} stroke={colour} strokeWidth={2} strokeLinecap="round" />
    </g>
  ));
}

/** gate is two bars across a way, as far from its middle as dx and as long to each side as dy; or the box between them. */
function gate(m: Mark, dx: number, dy: number, box: boolean): string {
  const [c, s] = [Math.cos(m.angle), Math.sin(m.angle)];
  const at = (x: number, y: number) => `${(m.x + x * c - y * s).toFixed(2)} ${(m.y + x * s + y * c).toFixed(2)}`;
  return `M${at(-dx, -dy)}L${at(-dx, dy)}${box ? "L" : "M"}${at(dx, dy)}L${at(dx, -dy)}${box ? "Z" : ""}`;
}

/** smooth is a soft way through points. */
export function smooth(p: readonly Point[]): string {
  if (p.length < 2) return "";
  let d = `M${p[0]!.x} ${p[0]!.y}`;
  for (let i = 0; i < p.length - 1; i++) {
    const [a, b, c, e] = [p[i - 1] ?? p[i]!, p[i]!, p[i + 1]!, p[i + 2] ?? p[i + 1]!];
    d += `C${(b.x + (c.x - a.x) / 6).toFixed(1)} ${(b.y + (c.y - a.y) / 6).toFixed(1)} ${(c.x - (e.x - b.x) / 6).toFixed(1)} ${(c.y - (e.y - b.y) / 6).toFixed(1)} ${c.x} ${c.y}`;
  }
  return d;
}

/** CurveView is a boundary curve. */
export const CurveView = memo(function CurveView({ id }: { id: string }) {
  const [value, selected, editing, who] = useParts((s) => [itemOf(s, id)?.value, s.selection.has(id), s.editing === id, s.flash.get(id)] as const);
  const curve = value as Curve | undefined;
  const p = curve?.points;
  if (!curve || !p || p.length < 2) return null;
  const d = smooth(p);
  const top = p.reduce((a, b) => (b.y < a.y ? b : a));
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a group of lines is no control
    <g
      id={`el-${id}`}
      data-el={id}
      role="group"
      aria-roledescription="boundary"
      aria-label={`${curve.name || "Boundary"}, trust boundary`}
      className="cursor-move"
    >
      <path d={d} fill="none" stroke="transparent" strokeWidth={14} pointerEvents="stroke" />
      {(selected || who) && <path d={d} fill="none" stroke={who ? "var(--medium)" : "var(--accent)"} strokeOpacity={0.25} strokeWidth={8} />}
      <path d={d} fill="none" stroke={selected ? "var(--accent)" : "var(--control)"} strokeWidth={2} strokeDasharray="8 6" />
      {editing ? (
        <foreignObject x={top.x - 70} y={top.y - 44} width={160} height={40}>
          <NameInput id={id} value={curve.name ?? ""} className="h-full text-xs leading-4" />
        </foreignObject>
      ) : (
        curve.name && (
          <text
            x={top.x + 6}
            y={top.y - 6}
            unicodeBidi="plaintext"
            className="fill-accent font-semibold text-xs [paint-order:stroke]"
            stroke="var(--bg)"
            strokeWidth={5}
          >
            {short(curve.name)}
          </text>
        )
      )}
    </g>
  );
});
