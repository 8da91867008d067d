import { Cog, Database, type LucideIcon, UserRound } from "lucide-react";
import { type CSSProperties, memo, useEffect, useRef } from "react";
import { cx } from "../ui/cx";
import { asBand, Bars, bandNames, bandTone } from "../ui/rating";
import { rename } from "./actions";
import { typeName } from "./library";
import { itemOf, type State, useEditor, useParts } from "./store";
import { type Box, boxOf, type Component, type TextBlock, type Zone } from "./types";

const icons: Record<string, LucideIcon> = { process: Cog, store: Database, actor: UserRound };

/**
 * few tells whether so little is dragged that it is lifted: it lies above everything else in
 * layers of its own, so that nothing is painted anew while it moves. For more, layers cost more.
 */
export const few = (held: { size: number }): boolean => held.size <= 24;

type Held = "moved" | "lifted" | undefined;

/** look is what an element on the sheet depends on: what it is, where it was before it was dragged, and how it stands out. */
const look = (s: State, id: string) =>
  [
    itemOf(s, id)?.value,
    boxOf(s.doc.now.get(id)),
    (s.live?.has(id) ? (few(s.live) ? "lifted" : "moved") : undefined) as Held,
    s.facts[id],
    s.editing === id,
    s.selection.has(id),
    s.flash.get(id),
    s.wire?.onto === id,
    // Whether it is on the way that is shown; undefined while none is.
    s.path.length > 0 ? s.path.includes(id) : undefined,
  ] as const;

/** layers are the heights at which things lie on each other: zones, lines, titles of zones, other boxes, then the same once more for what is lifted. */
export const layers = { zones: 0, lines: 1, titles: 2, boxes: 3, lifted: 4 };

/** placed puts a box on the sheet. While it is dragged it is moved from its place, so that nothing is laid out anew. */
function placed(b: Box, at: Box | undefined, held: Held, layer: number): CSSProperties {
  const base = at ?? b;
  const lifted = held === "lifted";
  return {
    left: base.x,
    top: base.y,
    width: b.w,
    height: b.h,
    // A zone that rests is no layer of its own, or its title could not lie above the lines.
    zIndex: lifted ? layer + layers.lifted : layer || "auto",
    ...(held && { transform: `translate(${b.x - base.x}px, ${b.y - base.y}px)` }),
    ...(lifted && { willChange: "transform" }),
  };
}

/** NameInput is a name while it is typed on the canvas. Enter takes it, Escape leaves it as it was. */
export function NameInput({ id, value, multiline, className }: { id: string; value: string; multiline?: boolean; className?: string }) {
  const editor = useEditor();
  const ref = useRef<HTMLTextAreaElement>(null);
  const left = useRef(false);
  useEffect(() => {
    left.current = false;
    ref.current?.focus({ preventScroll: true });
    ref.current?.select();
  }, []);
  const leave = (take: boolean) => {
    if (left.current) return;
    left.current = true;
    if (take && ref.current) rename(editor, id, ref.current.value);
    if (editor.store.getState().editing === id) editor.store.setState({ editing: null });
    editor.view?.focus();
  };
  return (
    <textarea
      ref={ref}
      defaultValue={value}
      aria-label="Name"
      rows={multiline ? 3 : 2}
      onBlur={() => leave(true)}
      onPointerDown={(e) => e.stopPropagation()}
      onKeyDown={(e) => {
        e.stopPropagation();
        if (e.key === "Escape") leave(false);
        if (e.key === "Enter" && !(multiline && e.shiftKey)) {
          e.preventDefault();
          leave(true);
        }
      }}
      className={cx("nodrag nopan nowheel w-full resize-none rounded-sm bg-surface px-1 text-text outline-2 outline-accent", className)}
    />
  );
}

export const ComponentNode = memo(function ComponentNode({ id }: { id: string }) {
  const [value, at, held, facts, editing, selected, who, target, onPath] = useParts((s) => look(s, id));
  const c = value as Component | undefined;
  if (!c?.box) return null;
  const Icon = icons[c.kind] ?? Cog;
  const band = facts?.band && !c.out_of_scope ? asBand(facts.band) : undefined;
  const open = facts?.threats ?? 0;
  const store = c.kind === "store";
  const narrow = c.box.w < 125;
  // As much of a name as the box holds, beside what stands below it.
  const below = narrow ? (open > 0 ? 20 : 0) : c.out_of_scope || c.type ? 14 : 0;
  const rows = Math.max(2, Math.floor((c.box.h - 8 - below) / 17));
  return (
    <div
      id={`el-${id}`}
      data-el={id}
      role="group"
      aria-roledescription={c.kind}
      aria-label={`${c.name}, ${c.kind}${c.out_of_scope ? ", out of scope" : ""}${open ? `, ${open} open ${open === 1 ? "threat" : "threats"}, ${band ? bandNames[band].toLowerCase() : ""}` : ""}`}
      style={placed(c.box, at, held, layers.boxes)}
      className={cx(
        "el pointer-events-auto absolute flex cursor-default select-none items-center overflow-hidden bg-surface pe-2 text-start",
        narrow ? "flex-col justify-center gap-1 ps-2.5 text-center" : "gap-2 ps-3.5",
        c.kind === "process" && "rounded-[18px] border",
        c.kind === "actor" && "rounded-[3px] border-[1.5px]",
        store && "rounded-[2px] border-y-[3px] border-x-0 [border-style:double]",
        store && !c.out_of_scope && "shadow-[inset_0_0_0_9999px_var(--surface)]",
        c.out_of_scope ? (store ? "border-y-[1.5px] border-dashed! bg-bg" : "border-dashed bg-bg") : "",
        selected
          ? "border-accent ring-2 ring-accent"
          : target
            ? "border-accent ring-2 ring-accent"
            : onPath
              ? "border-critical ring-2 ring-critical"
              : onPath !== false && "border-control",
        onPath === false && "border-line grayscale [&_*]:text-soft",
        who && "ring-3 ring-medium",
      )}
    >
      {band && <span aria-hidden className={cx("absolute inset-y-0 start-0 w-1.5 bg-current", bandTone(band))} />}
      {!narrow && <Icon aria-hidden size={16} className="shrink-0 text-soft" />}
      <span className={cx("min-w-0", narrow ? "max-w-full" : "flex-1")}>
        {editing ? (
          <NameInput id={id} value={c.name} className="text-sm leading-4" />
        ) : (
          <bdi
            dir="auto"
            style={{ WebkitLineClamp: rows }}
            className={cx("line-clamp-2 font-medium text-sm leading-[17px]", c.out_of_scope && "text-soft")}
          >
            {c.name || "Unnamed"}
          </bdi>
        )}
        {!editing && !narrow && (c.out_of_scope || c.type) && (
          <span className="block truncate text-2xs text-soft leading-[14px]">{c.out_of_scope ? "Out of scope" : typeName(c.type)}</span>
        )}
      </span>
      {band && open > 0 && (
        <span className={cx("num flex shrink-0 items-center gap-0.5 text-2xs leading-3", !narrow && "flex-col", bandTone(band))}>
          <Bars band={band} />
          <span className="font-semibold">{open}</span>
        </span>
      )}
      {facts?.trust_guess && !band && !c.out_of_scope && <Guess />}
      {who && <Who name={who} />}
    </div>
  );
});

/** Guess marks what nobody said and was assumed. */
function Guess() {
  return (
    <span
      title="How trusted this is was assumed; set it to be sure"
      className="grid size-4 shrink-0 place-items-center rounded-full border border-control border-dashed text-2xs text-soft"
    >
      ?<span className="sr-only">Trust was assumed</span>
    </span>
  );
}

function Who({ name }: { name: string }) {
  return <span className="absolute end-1 top-0.5 max-w-full truncate rounded-sm bg-medium px-1 text-2xs text-bg leading-4">{name}</span>;
}

export const ZoneNode = memo(function ZoneNode({ id }: { id: string }) {
  const [value, at, held, , editing, selected, who, target] = useParts((s) => look(s, id));
  const z = value as Zone | undefined;
  if (!z?.box) return null;
  return (
    <div
      id={`el-${id}`}
      data-el={id}
      data-zone
      role="group"
      aria-roledescription="trust zone"
      aria-label={`${z.name}, trust zone, trust ${z.trust}${z.guess ? ", assumed" : ""}`}
      style={placed(z.box, at, held, layers.zones)}
      className={cx(
        "pointer-events-none absolute select-none rounded-lg border-2 border-dashed bg-accent/[0.035]",
        selected ? "border-accent" : target ? "border-accent" : "border-control/70",
        who && "ring-3 ring-medium",
      )}
    >
      {/* Only the border and the title take hold of a zone: what is inside stays free for the rubber band. */}
      {(["inset-x-0 -top-1.5 h-3", "inset-x-0 -bottom-1.5 h-3", "inset-y-0 -start-1.5 w-3", "inset-y-0 -end-1.5 w-3"] as const).map((at) => (
        <span key={at} aria-hidden className={cx("pointer-events-auto absolute cursor-move", at)} />
      ))}
      <div
        data-title
        style={{ zIndex: layers.titles }}
        className="pointer-events-auto absolute start-0 top-0 flex max-w-full cursor-move items-center gap-1.5 rounded-tl-md rounded-br-lg bg-[color-mix(in_srgb,var(--accent)_3.5%,var(--bg))] ps-2.5 pe-2 pt-1.5 pb-1"
      >
        {editing ? (
          <NameInput id={id} value={z.name} className="w-52 text-sm leading-5" />
        ) : (
          <bdi dir="auto" className="truncate font-semibold text-accent text-xs">
            {z.name || "Trust zone"}
          </bdi>
        )}
        <span className="num shrink-0 rounded-sm bg-surface px-1 text-2xs text-soft">
          trust {z.trust}
          {z.guess ? "?" : ""}
        </span>
      </div>
      {who && <Who name={who} />}
    </div>
  );
});

export const TextNode = memo(function TextNode({ id }: { id: string }) {
  const [value, at, held, , editing, selected, who] = useParts((s) => look(s, id));
  const t = value as TextBlock | undefined;
  if (!t?.box) return null;
  return (
    <div
      id={`el-${id}`}
      data-el={id}
      role="group"
      aria-roledescription="text"
      aria-label={t.text}
      style={placed(t.box, at, held, layers.boxes)}
      className={cx(
        "pointer-events-auto absolute select-none overflow-hidden rounded-sm px-1.5 py-1",
        selected ? "ring-2 ring-accent" : "hover:ring-1 hover:ring-control",
        who && "ring-3 ring-medium",
      )}
    >
      {editing ? (
        <NameInput id={id} value={t.text} multiline className="h-full text-sm" />
      ) : (
        <bdi dir="auto" className="block whitespace-pre-wrap text-sm text-soft leading-[18px]">
          {t.text}
        </bdi>
      )}
    </div>
  );
});
