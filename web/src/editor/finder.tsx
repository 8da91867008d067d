import { X } from "lucide-react";
import { useLayoutEffect, useMemo, useRef } from "react";
import { IconButton } from "../ui/button";
import { Choices } from "../ui/combobox";
import { Dialog } from "../ui/dialog";
import { connectAll, reading } from "./actions";
import { reveal } from "./keys";
import { drawnOf, useDrawing, useEditor } from "./store";
import { nameOf, wordOf } from "./types";

/** useOptions lists what is drawn, for choosing from. */
function useOptions(only?: "components") {
  const now = useDrawing((s) => s.doc.now);
  return useMemo(
    () =>
      drawnOf({ now } as never)
        .filter((i) => !only || i.kind === only)
        .map((i) => ({ value: i.id, text: nameOf(i), about: wordOf(i) })),
    [now, only],
  );
}

/** Finder finds an element by its name and goes there. */
export function Finder({ onClose }: { onClose: () => void }) {
  const editor = useEditor();
  const options = useOptions();
  const selection = useDrawing((s) => s.selection);
  const box = useRef<HTMLDivElement>(null);
  // Before the field is read: what is typed at once draws nothing.
  useLayoutEffect(() => {
    if (!box.current?.contains(document.activeElement)) box.current?.focus();
  }, []);
  const end = () => {
    onClose();
    editor.view?.focus();
  };
  return (
    <div
      ref={box}
      data-chrome
      role="dialog"
      aria-label="Find in the diagram"
      tabIndex={-1}
      onKeyDown={(e) => {
        if (e.key !== "Escape") return;
        e.stopPropagation();
        end();
      }}
      className="absolute end-3 top-3 z-20 w-80 animate-in outline-none rounded-xl border border-line bg-surface p-2 shadow-float"
    >
      <div className="flex items-center justify-between pb-1 ps-1">
        <h2 className="overline">Find in the diagram</h2>
        <IconButton size="sm" label="Close" onClick={end}>
          <X size={14} />
        </IconButton>
      </div>
      <Choices
        label="Name or kind"
        options={options}
        chosen={(id) => selection.has(id)}
        onChoose={(id) => {
          editor.select([id]);
          reveal(editor, id);
        }}
      />
    </div>
  );
}

/** Connector draws a flow from everything selected to what is chosen from a list. */
export function Connector({ onClose }: { onClose: () => void }) {
  const editor = useEditor();
  const options = useOptions("components");
  const selection = useDrawing((s) => s.selection);
  const now = useDrawing((s) => s.doc.now);
  const from = [...selection].map((id) => now.get(id)).filter((i) => i?.kind === "components");
  const one = from.length === 1 ? from[0] : undefined;
  return (
    <Dialog open onClose={onClose} title={one ? `Connect ${nameOf(one)} to` : from.length > 0 ? `Connect ${from.length} components to` : "Connect"}>
      {from.length > 0 ? (
        <Choices
          label="Name of the target"
          options={options}
          chosen={() => false}
          onChoose={(id) => {
            onClose();
            const flows = connectAll(
              editor,
              from.map((i) => i!.id),
              id,
            );
            reveal(editor, flows[0]);
          }}
        />
      ) : (
        <p className="text-sm text-soft">Select the component where the flow begins first.</p>
      )}
    </Dialog>
  );
}

/** Outline lists everything that is drawn, with the same selection: another way to work on the drawing. */
export function Outline({ onClose }: { onClose: () => void }) {
  const editor = useEditor();
  const now = useDrawing((s) => s.doc.now);
  const selection = useDrawing((s) => s.selection);
  const facts = useDrawing((s) => s.facts);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the order follows from what is drawn
  const order = useMemo(() => reading(editor), [editor, now]);
  return (
    <aside data-panel aria-label="Outline" className="flex h-full w-64 shrink-0 flex-col border-line border-e bg-surface">
      <header className="flex items-center justify-between border-line border-b py-1.5 ps-3 pe-2">
        <h2 className="font-semibold text-sm">Outline</h2>
        <IconButton size="sm" label="Close the outline" keys="o" onClick={onClose}>
          <X size={14} />
        </IconButton>
      </header>
      <ul className="min-h-0 flex-1 overflow-y-auto p-1.5">
        {order.slice(0, 1000).map((id) => {
          const i = now.get(id);
          if (!i) return null;
          const f = facts[id];
          const depth = i.kind === "zones" ? (i.value.parent ? 1 : 0) : i.kind === "components" && i.value.zone ? 1 : i.kind === "flows" ? 1 : 0;
          return (
            <li key={id}>
              <button
                type="button"
                aria-pressed={selection.has(id)}
                onClick={(e) => {
                  editor.select(e.shiftKey || e.ctrlKey ? [...selection, id] : [id]);
                  reveal(editor, id);
                }}
                style={{ paddingInlineStart: 8 + depth * 14 }}
                className="flex w-full items-baseline gap-2 rounded-md py-1 pe-2 text-start text-sm hover:bg-raised aria-pressed:bg-accent-soft aria-pressed:text-accent"
              >
                <bdi className="min-w-0 flex-1 truncate">{nameOf(i)}</bdi>
                <span className="shrink-0 text-2xs text-soft">
                  {wordOf(i)}
                  {f?.threats ? ` · ${f.threats}` : ""}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {order.length > 1000 && (
        <p className="border-line border-t px-3 py-2 text-soft text-xs">The first 1,000 of {order.length}; find the others by name.</p>
      )}
    </aside>
  );
}
