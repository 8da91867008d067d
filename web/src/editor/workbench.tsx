import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { onChange, useLine } from "../app/events";
import { useCan } from "../places/product/frame";
import { useAddress } from "../ui/address";
import { useMedia } from "../ui/media";
import { Canvas, firstLook } from "./canvas";
import { dirty } from "./document";
import { useEditorKeys } from "./keys";
import { extent } from "./overview";
import { Palette } from "./palette";
import { type Editor, EditorProvider, useDrawing } from "./store";

/** Workbench is the editor of one open drawing: canvas, tools, panels. */
export function Workbench({ editor }: { editor: Editor }) {
  return (
    <EditorProvider value={editor}>
      <Bench editor={editor} />
    </EditorProvider>
  );
}

function Bench({ editor }: { editor: Editor }) {
  const can = useCan();
  const wide = useMedia("(min-width: 1024px)");
  const readOnly = !wide || !can("model.edit");
  useEffect(() => editor.store.setState({ readOnly }), [editor, readOnly]);
  useLife(editor);
  const box = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState<string>();
  useLayoutEffect(() => {
    const top = (box.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    setHeight(`calc(100dvh - ${Math.round(top)}px)`);
  }, []);
  const noop = () => {};
  useEditorKeys(editor, { find: noop, connect: noop, outline: noop, panel: noop, menu: noop, layout: noop, properties: noop }, !readOnly);
  const onReady = useCallback(() => {
    requestAnimationFrame(() => editor.view && firstLook(editor.view, extent(editor.store.getState())));
  }, [editor]);
  const save = useDrawing((s) => s.save);
  return (
    <div ref={box} style={{ height }} className="flex min-h-80 flex-col overflow-hidden">
      <h1 className="sr-only">Diagram</h1>
      <p role="status">{save.state} {save.text}</p>
      <div className="relative min-h-0 flex-1">
        {height && (
          <Canvas readOnly={readOnly} onReady={onReady} minimap>
            {!readOnly && <Palette />}
          </Canvas>
        )}
      </div>
    </div>
  );
}

/** useLife keeps an open drawing in touch with the server while it is shown, and warns before unsent work is left. */
export function useLife(editor: Editor): void {
  const lost = useLine((s) => s.lost);
  const [search, set] = useAddress();
  void search;
  void set;
  useEffect(() => {
    if (!lost) editor.sync?.flush();
  }, [editor, lost]);
  useEffect(() => {
    const { product } = editor.store.getState();
    const off = onChange((c) => c.product === product && editor.sync?.heard(c));
    const flush = () => editor.sync?.flush();
    const warn = (e: BeforeUnloadEvent) => {
      if (!dirty(editor.store.getState().doc)) return;
      editor.sync?.flush();
      e.preventDefault();
    };
    window.addEventListener("blur", flush);
    window.addEventListener("online", flush);
    window.addEventListener("beforeunload", warn);
    return () => {
      off();
      window.removeEventListener("blur", flush);
      window.removeEventListener("online", flush);
      window.removeEventListener("beforeunload", warn);
      flush();
    };
  }, [editor]);
}
