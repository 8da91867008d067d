import type { NodeProps } from "@xyflow/react";
import { Cog, Database, type LucideIcon, UserRound } from "lucide-react";
import { memo, useEffect, useRef } from "react";
import { cx } from "../ui/cx";
import { asBand, Bars, bandNames, bandTone } from "../ui/rating";
import { rename } from "./actions";
import { typeName } from "./library";
import { itemOf, useDrawing, useEditor } from "./store";
import type { Component, Zone } from "./types";

const icons: Record<string, LucideIcon> = { process: Cog, store: Database, actor: UserRound };

/** useLook is how an element stands out: selected, changed by others, on the way that is shown. */
function useLook(id: string) {
  const selected = useDrawing((s) => s.selection.has(id));
  const who = useDrawing((s) => s.flash.get(id));
  const onPath = useDrawing((s) => (s.path.length > 0 ? s.path.includes(id) : undefined));
  const target = useDrawing((s) => s.wire?.onto === id);
  return { selected, who, onPath, target };
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

export const ComponentNode = memo(function ComponentNode({ id }: NodeProps) {
  const c = useDrawing((s) => itemOf(s, id)?.value) as Component | undefined;
  const facts = useDrawing((s) => s.facts[id]);
  const editing = useDrawing((s) => s.editing === id);
  const { selected, who, onPath, target } = useLook(id);
  if (!c) return null;
  const Icon = icons[c.kind] ?? Cog;
  const band = facts?.band && !c.out_of_scope ? asBand(facts.band) : undefined;
  const open = facts?.threats ?? 0;
  const store = c.kind === "store";
  const narrow = (c.box?.w ?? 160) < 125;
  return (
    <div
      id={`el-${id}`}
      data-el={id}
      role="group"
      aria-roledescription={c.kind}
      aria-label={`${c.name}, ${c.kind}${c.out_of_scope ? ", out of scope" : ""}${open ? `, ${open} open ${open === 1 ? "threat" : "threats"}, ${band ? bandNames[band].toLowerCase() : ""}` : ""}`}
      className={cx(
        "el pointer-events-auto relative flex h-full w-full cursor-default items-center overflow-hidden bg-surface pe-2 text-start",
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
          <bdi dir="auto" className={cx("line-clamp-2 font-medium text-sm leading-[17px]", c.out_of_scope && "text-soft")}>
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

export const ZoneNode = memo(function ZoneNode({ id }: NodeProps) {
  const z = useDrawing((s) => itemOf(s, id)?.value) as Zone | undefined;
  const editing = useDrawing((s) => s.editing === id);
  const { selected, who, target } = useLook(id);
  if (!z) return null;
  return (
    <div
      id={`el-${id}`}
      data-el={id}
      data-zone
      role="group"
      aria-roledescription="trust zone"
      aria-label={`${z.name}, trust zone, trust ${z.trust}${z.guess ? ", assumed" : ""}`}
      className={cx(
        "pointer-events-none! relative h-full w-full rounded-lg border-2 border-dashed bg-accent/[0.035]",
        selected ? "border-accent" : target ? "border-accent" : "border-control/70",
        who && "ring-3 ring-medium",
      )}
    >
      {/* Only the border and the title take hold of a zone: what is inside stays free for the rubber band. */}
      {(["inset-x-0 -top-1.5 h-3", "inset-x-0 -bottom-1.5 h-3", "inset-y-0 -start-1.5 w-3", "inset-y-0 -end-1.5 w-3"] as const).map((at) => (
        <span key={at} aria-hidden className={cx("pointer-events-auto absolute cursor-move", at)} />
      ))}
      <div className="pointer-events-auto absolute start-0 top-0 flex max-w-full cursor-move items-center gap-1.5 rounded-br-lg ps-2.5 pe-2 pt-1.5 pb-1">
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

export const TextNode = memo(function TextNode({ id }: NodeProps) {
  const text = useDrawing((s) => {
    const i = itemOf(s, id);
    return i?.kind === "texts" ? i.value.text : undefined;
  });
  const editing = useDrawing((s) => s.editing === id);
  const { selected, who } = useLook(id);
  if (text === undefined) return null;
  return (
    <div
      id={`el-${id}`}
      data-el={id}
      role="group"
      aria-roledescription="text"
      aria-label={text}
      className={cx(
        "pointer-events-auto relative h-full w-full overflow-hidden rounded-sm px-1.5 py-1",
        selected ? "ring-2 ring-accent" : "hover:ring-1 hover:ring-control",
        who && "ring-3 ring-medium",
      )}
    >
      {editing ? (
        <NameInput id={id} value={text} multiline className="h-full text-sm" />
      ) : (
        <bdi dir="auto" className="block whitespace-pre-wrap text-sm text-soft leading-[18px]">
          {text}
        </bdi>
      )}
    </div>
  );
});
