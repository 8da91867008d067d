import { useQuery } from "@tanstack/react-query";
import { Eye, LayoutTemplate } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { onChange, useLine } from "../app/events";
import { useCan } from "../places/product/frame";
import { useAddress } from "../ui/address";
import { Button } from "../ui/button";
import { useMedia } from "../ui/media";
import { toastError } from "../ui/toast";
import { plural } from "../ui/words";
import { Bar, ZoomBar } from "./bar";
import { type Asked, Canvas, firstLook } from "./canvas";
import { Conflicts } from "./conflicts";
import { dirty } from "./document";
import { Connector, Finder, Outline } from "./finder";
import { placeOf } from "./gestures";
import { HistoryPanel } from "./history";
import { reveal, useEditorKeys, zoomToFit } from "./keys";
import { libraryQuery, typesQuery } from "./library";
import { ContextMenu } from "./menu";
import { extent } from "./overview";
import { Palette } from "./palette";
import { Panel } from "./panel";
import { Drawers } from "./risks";
import { type Editor, EditorProvider, listOf, useDrawing } from "./store";
import { useShownThreat } from "./threat";
import { nameOf, wordOf } from "./types";

// Lists to choose from open without a wait, or the first letters that are typed would be lost.
void import("../ui/choices");

const Welcome = lazy(() => import("./welcome").then((m) => ({ default: m.Welcome })));

/** Workbench is the editor of one open drawing: canvas, tools, panels. */
export function Workbench({ editor }: { editor: Editor }) {
  return (
    <EditorProvider value={editor}>
      <Bench editor={editor} />
    </EditorProvider>
  );
}

type Open = "find" | "connect" | "conflicts" | undefined;

function Bench({ editor }: { editor: Editor }) {
  const can = useCan();
  const wide = useMedia("(min-width: 1024px)");
  const readOnly = !wide || !can("model.edit");
  useEffect(() => editor.store.setState({ readOnly }), [editor, readOnly]);
  useQuery(typesQuery);
  useQuery(libraryQuery);
  useLife(editor);
  useSelectionInAddress(editor);
  useShownThreat(editor);
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState<string>();
  useLayoutEffect(() => {
    const fill = () => setHeight(`calc(100dvh - ${Math.round((box.current?.getBoundingClientRect().top ?? 0) + window.scrollY)}px)`);
    fill();
    window.addEventListener("resize", fill);
    // The line that says that the server is away takes its place above the editor.
    const above = new ResizeObserver(fill);
    for (let e = box.current?.parentElement; e && e !== document.documentElement; e = e.parentElement) above.observe(e);
    return () => {
      above.disconnect();
      window.removeEventListener("resize", fill);
    };
  }, []);
  const [open, setOpen] = useState<Open>();
  const [side, setSide] = useState<"panel" | "history" | undefined>(() => (panelWanted() ? "panel" : undefined));
  const [outline, setOutline] = useState(false);
  const [menu, setMenu] = useState<Asked>();
  const [arranging, setArranging] = useState(false);
  const panel = (on: boolean) => {
    setSide(on ? "panel" : undefined);
    wantPanel(on);
  };
  const layout = () => {
    if (readOnly) return;
    setArranging(true);
    void import("./layout")
      .then((m) => m.arrange(editor))
      .then(() => setTimeout(() => zoomToFit(editor), 30), toastError)
      .finally(() => setArranging(false));
  };
  const properties = () => {
    panel(true);
    setTimeout(() => {
      const field = document.querySelector<HTMLInputElement | HTMLTextAreaElement>("[data-panel] fieldset input, [data-panel] fieldset textarea");
      field?.focus();
      // As Tab would do it: what is typed next is the new name.
      field?.select();
    }, 60);
  };
  useEditorKeys(
    editor,
    {
      find: () => setOpen("find"),
      connect: () => setOpen("connect"),
      outline: () => setOutline((o) => !o),
      panel: () => panel(side !== "panel"),
      menu: () => {
        const s = editor.store.getState();
        const [one] = s.selection;
        const b = (one && placeOf(s, one)) || editor.view!.seen();
        const place = { x: b.x + b.w / 2, y: b.y + b.h / 2 };
        setMenu({ at: editor.view!.toScreen(place), place });
      },
      layout,
      properties,
    },
    !readOnly,
  );
  const onReady = useCallback(() => {
    if (!editor.view) return;
    const s = editor.store.getState();
    firstLook(editor.view, extent(s));
    const chosen = [...s.selection][0];
    if (chosen) reveal(editor, chosen);
  }, [editor]);
  const empty = useDrawing((s) => ![...s.doc.now.values()].some((i) => i.kind !== "diagrams" && i.kind !== "assets"));
  return (
    <div ref={box} style={{ height }} className="flex min-h-80 flex-col overflow-hidden">
      <h1 className="sr-only">Diagram</h1>
      <p id="editor-help" className="sr-only">
        Tab walks through the elements, arrows move the selected one, Enter shows its properties, C connects it, Shift and F10 open its menu. Press
        the question mark for all keys, O for a list of everything.
      </p>
      <Bar
        wide={wide}
        panel={side === "panel"}
        onPanel={() => panel(side !== "panel")}
        onFind={() => setOpen("find")}
        onOutline={() => setOutline((o) => !o)}
        onHistory={() => setSide((s) => (s === "history" ? "panel" : "history"))}
        onConflicts={() => setOpen("conflicts")}
        onLayout={layout}
        arranging={arranging}
      />
      {!wide && (
        <p className="flex items-center gap-2 border-line border-b bg-raised px-4 py-1.5 text-soft text-xs">
          <Eye aria-hidden size={14} className="shrink-0" /> On a screen this narrow the diagram is to look at: drag to move, pinch to zoom. It is
          drawn on a wider one.
        </p>
      )}
      {wide && !can("model.edit") && (
        <p className="flex items-center gap-2 border-line border-b bg-raised px-4 py-1.5 text-soft text-xs">
          <Eye aria-hidden size={14} className="shrink-0" /> You may look at this diagram, not change it. Who edits the model can.
        </p>
      )}
      <Unplaced onArrange={layout} readOnly={readOnly} />
      <div className="flex min-h-0 flex-1">
        {outline && wide && <Outline onClose={() => setOutline(false)} />}
        <div className="relative min-w-0 flex-1">
          {height && (
            <Canvas readOnly={readOnly} onReady={onReady} onMenu={setMenu} minimap>
              {!readOnly && <Palette />}
              <ZoomBar onFit={() => zoomToFit(editor)} />
              {open === "find" && <Finder onClose={() => setOpen(undefined)} />}
              {empty && !readOnly && (
                <Suspense fallback={null}>
                  <Welcome />
                </Suspense>
              )}
            </Canvas>
          )}
          <Announcer />
        </div>
        {wide && side === "panel" && <Panel onClose={() => panel(false)} />}
        {wide && side === "history" && <HistoryPanel onClose={() => setSide("panel")} />}
      </div>
      {menu && (
        <ContextMenu
          asked={menu}
          onClose={() => {
            setMenu(undefined);
            editor.store.setState({ wire: null });
          }}
          onConnect={() => setOpen("connect")}
          onPanel={properties}
        />
      )}
      {open === "connect" && <Connector onClose={() => setOpen(undefined)} />}
      {open === "conflicts" && <Conflicts onClose={() => setOpen(undefined)} />}
      <Drawers />
    </div>
  );
}

const panelKey = "threatloop.editor.panel";
function panelWanted(): boolean {
  try {
    return localStorage.getItem(panelKey) !== "off";
  } catch {
    return true;
  }
}
function wantPanel(on: boolean): void {
  try {
    localStorage.setItem(panelKey, on ? "on" : "off");
  } catch {
    // Without storage it holds until the page is closed.
  }
}

/** Unplaced says that something has no place in the drawing, as in a model that was written by hand. */
function Unplaced({ onArrange, readOnly }: { onArrange: () => void; readOnly: boolean }) {
  const n = useDrawing((s) => listOf(s.doc, "components").reduce((n, c) => n + (c.box ? 0 : 1), 0));
  if (n === 0) return null;
  return (
    <p className="flex items-center gap-3 border-line border-b bg-medium-soft px-4 py-1.5 text-medium text-sm">
      <LayoutTemplate aria-hidden size={14} className="shrink-0" />
      <span className="min-w-0 flex-1">
        {plural(n, "component has", "components have")} no place in the drawing yet; the outline lists everything.
      </span>
      {!readOnly && (
        <Button size="sm" onClick={onArrange}>
          Arrange automatically
        </Button>
      )}
    </p>
  );
}

/** Announcer says what is selected to who does not see it. */
function Announcer() {
  const text = useDrawing((s) => {
    if (s.selection.size === 0) return "";
    if (s.selection.size > 1) return `${s.selection.size} elements selected`;
    const i = s.doc.now.get([...s.selection][0]!);
    if (!i) return "";
    const f = s.facts[i.id];
    const ends =
      i.kind === "flows"
        ? `, from ${i.value.from ? nameOf(s.doc.now.get(i.value.from)) : "a loose end"} to ${i.value.to ? nameOf(s.doc.now.get(i.value.to)) : "a loose end"}`
        : "";
    const zone = f?.zone ? `, in ${nameOf(s.doc.now.get(f.zone))}` : "";
    return `${nameOf(i)}, ${wordOf(i).toLowerCase()}${ends}${zone}${f?.crosses?.length ? ", crosses a trust boundary" : ""}${f?.threats ? `, ${plural(f.threats, "open threat")}, ${f.band}` : ""}`;
  });
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {text}
    </p>
  );
}

/** useLife keeps an open drawing in touch with the server while it is shown, and warns before unsent work is left. */
function useLife(editor: Editor): void {
  const lost = useLine((s) => s.lost);
  useEffect(() => {
    if (!lost) editor.sync?.heard({ product: editor.store.getState().product, seq: 0 });
  }, [editor, lost]);
  useEffect(() => {
    const { product } = editor.store.getState();
    const off = onChange((c) => {
      if (c.product === product) editor.sync?.heard(c);
    });
    const flush = () => editor.sync?.flush();
    const hidden = () => document.visibilityState === "hidden" && flush();
    const warn = (e: BeforeUnloadEvent) => {
      if (!dirty(editor.store.getState().doc)) return;
      flush();
      e.preventDefault();
    };
    window.addEventListener("blur", flush);
    window.addEventListener("online", flush);
    document.addEventListener("visibilitychange", hidden);
    window.addEventListener("beforeunload", warn);
    return () => {
      off();
      window.removeEventListener("blur", flush);
      window.removeEventListener("online", flush);
      document.removeEventListener("visibilitychange", hidden);
      window.removeEventListener("beforeunload", warn);
      flush();
    };
  }, [editor]);
}

/** useSelectionInAddress lets a link lead to what is selected, and the other way round. */
function useSelectionInAddress(editor: Editor): void {
  const [search, set] = useAddress();
  const asked = search.select ?? "";
  const own = useRef<string>(undefined);
  useEffect(() => {
    if (asked === own.current) return;
    own.current = asked;
    const ids = asked.split(",").filter((id) => editor.store.getState().doc.now.has(id));
    editor.select(ids);
    if (ids[0]) reveal(editor, ids[0]);
  }, [editor, asked]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const off = editor.store.subscribe((s, old) => {
      if (s.selection === old.selection) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        const text = s.selection.size > 20 ? "" : [...s.selection].join(",");
        if (text === own.current) return;
        own.current = text;
        set({ select: text });
      }, 400);
    });
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [editor, set]);
}
