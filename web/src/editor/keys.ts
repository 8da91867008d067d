import { useEffect, useRef } from "react";
import { type Key, useKeys } from "../app/keys";
import { toast } from "../ui/toast";
import { plural } from "../ui/words";
import { add, nudge, reading as readingOrder, remove, type Shape, shapeNames, step, toward } from "./actions";
import { copyOf, duplicate, paste } from "./clipboard";
import { around } from "./geometry";
import { placeOf } from "./gestures";
import { extent } from "./overview";
import { middleOfView } from "./palette";
import { drawnOf, type Editor } from "./store";

/** Calls are what the keys open beside the canvas. */
export interface Calls {
  find: () => void;
  connect: () => void;
  outline: () => void;
  panel: () => void;
  menu: () => void;
  layout: () => void;
  properties: () => void;
}

const heading = "In the diagram";
const onCanvas = () => {
  const a = document.activeElement;
  return !a || a === document.body || a.hasAttribute("data-canvas");
};

/** gone deletes what is selected and offers to take that back. */
export function gone(editor: Editor): void {
  const n = remove(editor, editor.store.getState().selection);
  if (n > 0) {
    const mine = editor.store.getState().doc.undo.at(-1);
    toast(`${plural(n, "element")} deleted`, async () => {
      if (editor.store.getState().doc.undo.at(-1) === mine) editor.undo();
      else toast("Something was changed since; take that back first with Ctrl+Z");
    });
  }
}

export function zoomToFit(editor: Editor): void {
  const all = extent(editor.store.getState());
  if (all) editor.view?.fit(all);
}

export function zoomToSelection(editor: Editor): void {
  const s = editor.store.getState();
  const b = around([...s.selection].map((id) => placeOf(s, id)).filter((x) => !!x));
  if (b) editor.view?.fit(b);
  else zoomToFit(editor);
}

export function reveal(editor: Editor, id: string | undefined): void {
  const b = id ? placeOf(editor.store.getState(), id) : undefined;
  if (b) editor.view?.reveal(b);
}

/** useEditorKeys binds everything that the editor does to keys. */
export function useEditorKeys(editor: Editor, calls: Calls, edits: boolean): void {
  // "g s" goes to a place: its s draws no store.
  const leader = useRef(0);
  useEffect(() => {
    const note = (e: KeyboardEvent) => {
      if (e.key === "g" && !e.ctrlKey && !e.metaKey) leader.current = Date.now();
      else
        queueMicrotask(() => {
          leader.current = 0;
        });
    };
    window.addEventListener("keydown", note, true);
    return () => window.removeEventListener("keydown", note, true);
  }, []);
  // What is typed into a list that is just opening draws nothing.
  const alone = () => Date.now() - leader.current > 1000 && !document.activeElement?.closest("[role=dialog], [role=combobox], [role=listbox]");
  const key = (does: string, run: Key["run"], more: Partial<Key> = {}): Key => ({ does, in: heading, run, when: alone, ...more });
  const listed = (does: string): Key => ({ does, in: heading, run: () => {}, when: () => false });
  const hidden = (run: Key["run"], when = onCanvas): Key => ({ does: "", in: heading, run, when, hidden: true });
  const draw = (shape: Shape) => key(`Add ${shapeNames[shape].toLowerCase()}`, () => add(editor, shape, middleOfView(editor)));
  const some = () => onCanvas() && editor.store.getState().selection.size > 0;
  const walk = (by: 1 | -1) => () => reveal(editor, step(editor, by));
  const move = (dx: number, dy: number) => () => {
    nudge(editor, dx, dy);
    reveal(editor, [...editor.store.getState().selection][0]);
  };
  const go = (dx: number, dy: number) => () => {
    const next = toward(editor, dx, dy);
    if (next) editor.select([next]);
    reveal(editor, next);
  };
  useKeys({
    ...(edits
      ? {
          p: draw("process"),
          s: draw("store"),
          a: draw("actor"),
          z: draw("zone"),
          b: draw("curve"),
          t: draw("text"),
          f: key("Draw flows: drag from one to another", () => editor.store.setState((s) => ({ tool: s.tool === "flow" ? "select" : "flow" }))),
          c: key("Connect the selection to…", calls.connect),
          F2: key("Rename", () => {
            const [one] = editor.store.getState().selection;
            if (one) editor.store.setState({ editing: one });
          }),
          delete: key("Delete", () => gone(editor), { when: some }),
          backspace: hidden(() => gone(editor), some),
          "mod+z": key("Undo", editor.undo),
          "mod+shift+z": key("Redo", editor.redo),
          "mod+y": hidden(editor.redo, () => true),
          "mod+x": listed("Cut"),
          "mod+v": listed("Paste, also into another diagram or product"),
          "mod+d": key("Duplicate", () => duplicate(editor), { when: () => true }),
          arrowup: { ...listed("Move by 1 (with Shift by 10)"), run: move(0, -1), when: some },
          arrowdown: hidden(move(0, 1), some),
          arrowleft: hidden(move(-1, 0), some),
          arrowright: hidden(move(1, 0), some),
          "shift+arrowup": hidden(move(0, -10), some),
          "shift+arrowdown": hidden(move(0, 10), some),
          "shift+arrowleft": hidden(move(-10, 0), some),
          "shift+arrowright": hidden(move(10, 0), some),
          "mod+shift+l": key("Arrange automatically", calls.layout, { when: () => true }),
        }
      : {}),
    v: key("Select and move", () => editor.store.setState({ tool: "select" })),
    h: key("Move the view (also Space and drag, or the wheel)", () => editor.store.setState({ tool: "hand" })),
    tab: key("Next element, in reading order", walk(1), {
      when: (e) => onCanvas() && document.activeElement !== document.body && canStep(editor, 1) && !e.altKey,
    }),
    "shift+tab": key("Previous element", walk(-1), { when: () => onCanvas() && document.activeElement !== document.body && canStep(editor, -1) }),
    "alt+arrowright": key("Neighbour in that direction (any arrow)", go(1, 0), { when: onCanvas }),
    "alt+arrowleft": hidden(go(-1, 0), some),
    "alt+arrowup": hidden(go(0, -1), some),
    "alt+arrowdown": hidden(go(0, 1), some),
    enter: key("Properties of the selection", calls.properties, { when: some }),
    escape: hidden(() => {
      if (editor.store.getState().tool !== "select") editor.store.setState({ tool: "select" });
      else editor.select([]);
    }),
    "mod+a": key("Select everything", () => editor.select(drawnOf(editor.store.getState().doc).map((i) => i.id)), { when: onCanvas }),
    "mod+c": listed("Copy"),
    "mod+f": key("Find in the diagram", calls.find, { when: () => true, always: true }),
    "shift+f10": key("Menu of the selection", calls.menu, { when: onCanvas }),
    o: key("Outline: everything as a list", calls.outline),
    i: key("Show or hide the panel", calls.panel),
    1: key("See everything", () => zoomToFit(editor)),
    2: key("See the selection", () => zoomToSelection(editor)),
    0: key("Actual size", () => editor.view?.zoomTo(1)),
    "+": key("Nearer", () => editor.view?.zoomTo((editor.view?.zoom() ?? 1) * 1.25)),
    "-": key("Farther", () => editor.view?.zoomTo((editor.view?.zoom() ?? 1) / 1.25)),
  });

  useEffect(() => {
    const mine = () => onCanvas() && !document.querySelector("[data-modal]");
    const onCopy = (e: ClipboardEvent) => {
      if (!mine()) return;
      const text = copyOf(editor, editor.store.getState().selection);
      if (!text) return;
      e.preventDefault();
      e.clipboardData?.setData("text/plain", text);
      if (e.type === "cut" && edits) remove(editor, editor.store.getState().selection);
    };
    const onPaste = (e: ClipboardEvent) => {
      if (!mine() || !edits) return;
      const text = e.clipboardData?.getData("text/plain") ?? "";
      const s = editor.store.getState();
      const at = editor.view?.pointer ?? (s.selection.size > 0 ? undefined : middleOfView(editor));
      if (paste(editor, text, at) === 0) return;
      e.preventDefault();
      if (!editor.view?.pointer) reveal(editor, [...editor.store.getState().selection][0]);
    };
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, [editor, edits]);
}

/** canStep tells whether Tab still has an element to go to; after the last one it leaves the canvas. */
function canStep(editor: Editor, by: 1 | -1): boolean {
  const s = editor.store.getState();
  if (drawnOf(s.doc).length === 0) return false;
  const now = [...s.selection].at(-1);
  if (!now) return true;
  const order = readingOrder(editor);
  const at = order.indexOf(now) + by;
  return at >= 0 && at < order.length;
}
