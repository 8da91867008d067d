import { Cog, Database, Hand, MousePointer2, MoveUpRight, Spline, SquareDashed, Type, UserRound } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "../ui/cx";
import { Tooltip } from "../ui/tooltip";
import { add, type Shape, shapeNames, sizes } from "./actions";
import { type Tool, useDrawing, useEditor } from "./store";

const shapes: { shape: Shape; keys: string; icon: ReactNode }[] = [
  { shape: "process", keys: "p", icon: <Cog size={17} /> },
  { shape: "store", keys: "s", icon: <Database size={17} /> },
  { shape: "actor", keys: "a", icon: <UserRound size={17} /> },
  { shape: "zone", keys: "z", icon: <SquareDashed size={17} /> },
  { shape: "curve", keys: "b", icon: <Spline size={17} /> },
  { shape: "text", keys: "t", icon: <Type size={17} /> },
];

const tools: { tool: Tool; name: string; keys: string; icon: ReactNode }[] = [
  { tool: "select", name: "Select and move", keys: "v", icon: <MousePointer2 size={17} /> },
  { tool: "hand", name: "Move the view", keys: "h", icon: <Hand size={17} /> },
  { tool: "flow", name: "Draw flows", keys: "f", icon: <MoveUpRight size={17} /> },
];

/** place is where something new goes that was not put anywhere: the middle of what is seen. */
export function middleOfView(editor: ReturnType<typeof useEditor>) {
  const v = editor.view!;
  const b = v.seen();
  return v.pointer ?? { x: b.x + b.w / 2, y: b.y + b.h / 2 };
}

/** Palette holds what can be drawn: pressed it appears in the middle, dragged where it is let go. */
export function Palette() {
  const editor = useEditor();
  const tool = useDrawing((s) => s.tool);
  const centre = () => {
    const b = editor.view!.seen();
    return { x: b.x + b.w / 2, y: b.y + b.h / 2 };
  };
  const pull = (shape: Shape, down: React.PointerEvent<HTMLButtonElement>) => {
    if (down.button !== 0) return;
    const size = shape === "curve" ? { w: 30, h: 120 } : sizes[shape];
    let ghost: HTMLDivElement | undefined;
    const onMove = (e: PointerEvent) => {
      if (!ghost) {
        if (Math.hypot(e.clientX - down.clientX, e.clientY - down.clientY) < 5) return;
        ghost = document.createElement("div");
        ghost.className = "pointer-events-none fixed z-50 rounded-lg border-2 border-accent bg-accent/10";
        document.body.append(ghost);
      }
      const z = editor.view!.zoom();
      ghost.style.width = `${size.w * z}px`;
      ghost.style.height = `${size.h * z}px`;
      ghost.style.left = `${e.clientX - (size.w * z) / 2}px`;
      ghost.style.top = `${e.clientY - (size.h * z) / 2}px`;
    };
    const stop = () => {
      ghost?.remove();
      window.removeEventListener("pointermove", onMove);
      window.removeEventListener("pointerup", onUp);
      window.removeEventListener("pointercancel", stop);
    };
    const onUp = (e: PointerEvent) => {
      const dragged = !!ghost;
      stop();
      if (!dragged) return;
      const over = document.elementFromPoint(e.clientX, e.clientY);
      if (!over?.closest("[data-canvas]") || over.closest("[data-chrome]")) return;
      editor.select([]);
      add(editor, shape, editor.view!.toDrawing({ x: e.clientX, y: e.clientY }), undefined, true);
    };
    window.addEventListener("pointermove", onMove);
    window.addEventListener("pointerup", onUp);
    window.addEventListener("pointercancel", stop);
  };
  return (
    <div
      data-chrome
      role="toolbar"
      aria-label="Draw"
      aria-orientation="vertical"
      className="absolute start-3 top-3 z-10 grid gap-0.5 rounded-xl border border-line bg-surface p-1 shadow-card"
    >
      {tools.map((t) => (
        <Tooltip key={t.tool} text={t.name} keys={t.keys} side="right">
          <button
            type="button"
            aria-label={t.name}
            aria-pressed={tool === t.tool}
            onClick={() => editor.store.setState({ tool: t.tool })}
            className={cx(
              "grid size-9 place-items-center rounded-lg",
              tool === t.tool ? "bg-accent text-on-accent" : "text-soft hover:bg-raised hover:text-text",
            )}
          >
            {t.icon}
          </button>
        </Tooltip>
      ))}
      <span className="mx-1.5 my-1 h-px bg-line" />
      {shapes.map((s) => (
        <Tooltip key={s.shape} text={`${shapeNames[s.shape]}: press or drag`} keys={s.keys} side="right">
          <button
            type="button"
            aria-label={`Add ${shapeNames[s.shape].toLowerCase()}`}
            onPointerDown={(e) => pull(s.shape, e)}
            onClick={() => add(editor, s.shape, centre())}
            className="grid size-9 touch-none place-items-center rounded-lg text-soft hover:bg-raised hover:text-text"
          >
            {s.icon}
          </button>
        </Tooltip>
      ))}
    </div>
  );
}
