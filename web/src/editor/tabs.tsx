import { useNavigate } from "@tanstack/react-router";
import { ArrowLeft, ArrowRight, EllipsisVertical, Pencil, Plus, Trash2 } from "lucide-react";
import { type KeyboardEvent, useRef, useState } from "react";
import { IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { FormDialog } from "../ui/dialog";
import { Field, Input } from "../ui/field";
import { Menu, MenuItem, MenuLine } from "../ui/menu";
import { toast } from "../ui/toast";
import { newId } from "./ids";
import { moved } from "./order";
import { drawnOf, listOf, useDrawing, useEditor } from "./store";
import { useTabDrag } from "./tabdrag";
import type { Diagram } from "./types";

/** Diagrams are the tabs of the product's diagrams. They are put elsewhere by dragging, by the menu, or by Shift and an arrow. */
export function Diagrams() {
  const editor = useEditor();
  const readOnly = useDrawing((s) => s.readOnly);
  const now = useDrawing((s) => s.doc.now);
  const current = useDrawing((s) => s.diagram);
  const product = useDrawing((s) => s.product);
  const navigate = useNavigate();
  const [naming, setNaming] = useState<Diagram | "new">();
  const all = listOf({ now }, "diagrams");
  const go = (diagram: string | undefined) => {
    editor.sync?.flush();
    void navigate({ to: "/products/$product/diagram", params: { product }, search: { diagram } as never });
  };
  const shown = all.find((d) => d.id === current);
  const [said, setSaid] = useState("");
  const move = (d: Diagram, to: number) => {
    const puts = moved(editor.store.getState().doc.now, d.id, to);
    if (puts.length === 0) return;
    editor.edit(
      `Move diagram ${d.title}`,
      puts.map((value) => ({ kind: "diagrams" as const, id: value.id, value })),
    );
    setSaid(`${d.title} is diagram ${to + 1} of ${all.length} now`);
  };
  const tabs = useRef<HTMLElement>(null);
  const drag = useTabDrag(tabs, !readOnly && all.length > 1, (from, to) => move(all[from]!, to));
  const step = (e: KeyboardEvent, n: number) => {
    const by = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (by === 0 || !e.shiftKey || e.ctrlKey || e.metaKey || e.altKey || readOnly) return;
    e.preventDefault();
    e.stopPropagation();
    move(all[n]!, n + by);
  };
  const place = shown ? all.indexOf(shown) : -1;
  const remove = () => {
    if (!shown) return;
    const drawn = drawnOf(editor.store.getState().doc);
    editor.edit(`Delete diagram ${shown.title}`, [
      ...drawn.map((i) => ({ kind: i.kind, id: i.id, value: undefined })),
      { kind: "diagrams" as const, id: shown.id, value: undefined },
    ]);
    editor.sync?.flush();
    toast(`Diagram ${shown.title} deleted`, async () => {
      editor.undo();
      // It is there again before it is opened.
      await editor.sync?.settled();
      go(shown.id);
    });
    go(all.find((d) => d.id !== shown.id)?.id);
  };
  return (
    <>
      <nav
        ref={tabs}
        aria-label="Diagrams"
        className="flex min-w-0 shrink items-center gap-0.5 overflow-x-auto [scrollbar-width:none]"
        {...drag.handlers}
      >
        {all.map((d, n) => (
          <button
            key={d.id}
            type="button"
            data-tab
            aria-keyshortcuts={readOnly || all.length < 2 ? undefined : "Shift+ArrowLeft Shift+ArrowRight"}
            onKeyDown={(e) => step(e, n)}
            style={drag.style(n)}
            aria-current={d.id === current ? "page" : undefined}
            onClick={() => d.id !== current && go(d.id)}
            onDoubleClick={() => !readOnly && setNaming(d)}
            className={cx(
              "h-7 max-w-52 shrink-0 truncate rounded-md px-2.5 text-sm",
              drag.of === n && "relative z-10 cursor-grabbing bg-surface shadow-float",
              d.id === current ? "bg-raised font-medium" : "text-soft hover:bg-raised hover:text-text",
            )}
            title={d.title}
          >
            <bdi>{d.title}</bdi>
          </button>
        ))}
      </nav>
      <p role="status" className="sr-only">
        {said}
      </p>
      {!readOnly && (
        <>
          <IconButton size="sm" label="Add a diagram" onClick={() => setNaming("new")}>
            <Plus size={15} />
          </IconButton>
          {shown && (
            <Menu
              label="This diagram"
              trigger={
                <button
                  type="button"
                  aria-label="This diagram"
                  className="grid size-7 shrink-0 place-items-center rounded-md text-soft hover:bg-raised hover:text-text"
                >
                  <EllipsisVertical aria-hidden size={15} />
                </button>
              }
            >
              <MenuItem icon={<Pencil size={14} />} onSelect={() => setNaming(shown)}>
                Rename
              </MenuItem>
              {all.length > 1 && (
                <>
                  <MenuItem icon={<ArrowLeft size={14} />} disabled={place === 0} onSelect={() => move(shown, place - 1)}>
                    Move left
                  </MenuItem>
                  <MenuItem icon={<ArrowRight size={14} />} disabled={place === all.length - 1} onSelect={() => move(shown, place + 1)}>
                    Move right
                  </MenuItem>
                </>
              )}
              <MenuLine />
              <MenuItem icon={<Trash2 size={14} />} danger onSelect={remove}>
                Delete with what is drawn in it
              </MenuItem>
            </Menu>
          )}
        </>
      )}
      {naming && <Name diagram={naming === "new" ? undefined : naming} onClose={() => setNaming(undefined)} go={go} />}
    </>
  );
}

function Name({ diagram, onClose, go }: { diagram?: Diagram; onClose: () => void; go: (id: string) => void }) {
  const editor = useEditor();
  const [title, setTitle] = useState(diagram?.title ?? "");
  // One for as long as it is wanted: a second try, after the server was away, adds the same one.
  const [id] = useState(() => diagram?.id ?? newId("diagrams"));
  return (
    <FormDialog
      open
      onClose={onClose}
      title={diagram ? "Rename the diagram" : "New diagram"}
      verb={diagram ? "Rename" : "Add"}
      disabled={!title.trim()}
      submit={async () => {
        editor.edit(`${diagram ? "Rename" : "Add"} diagram ${title.trim()}`, [
          { kind: "diagrams", id, value: { ...diagram, id, title: title.trim() } },
        ]);
        if (!diagram) {
          await editor.sync?.settled();
          go(id);
        }
      }}
    >
      <Field label="Title">
        <Input value={title} onChange={(e) => setTitle(e.target.value)} autoFocus required />
      </Field>
    </FormDialog>
  );
}
