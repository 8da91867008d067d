import { DropdownMenu as M } from "radix-ui";
import { copyText } from "../ui/copy";
import { MenuItem, MenuLine } from "../ui/menu";
import { toastError } from "../ui/toast";
import { add, align, connect, distribute, type Shape, shapeNames, sizes } from "./actions";
import type { Asked } from "./canvas";
import { copyOf, duplicate, paste } from "./clipboard";
import { gone, zoomToFit, zoomToSelection } from "./keys";
import { drawnOf, useDrawing, useEditor } from "./store";
import { boxOf } from "./types";

const refused = () => toastError(new Error("The browser keeps the clipboard from this menu. Use the keys that stand beside Copy and Paste."));

const shapes: Shape[] = ["process", "store", "actor", "zone", "curve", "text"];

/** ContextMenu is what can be done with the selection, with the empty canvas, or with a flow that was let go over nothing. */
export function ContextMenu({
  asked,
  onClose,
  onConnect,
  onPanel,
}: {
  asked: Asked;
  onClose: () => void;
  onConnect: () => void;
  onPanel: () => void;
}) {
  const editor = useEditor();
  const readOnly = useDrawing((s) => s.readOnly);
  const selection = useDrawing((s) => s.selection);
  const now = useDrawing((s) => s.doc.now);
  const items = [...selection].map((id) => now.get(id)).filter((i) => i !== undefined);
  const one = items.length === 1 ? items[0] : undefined;
  const boxes = items.filter(boxOf).length;
  return (
    <M.Root open modal={false} onOpenChange={(o) => !o && onClose()}>
      <M.Trigger asChild>
        <span aria-hidden className="fixed size-0" style={{ left: asked.at.x, top: asked.at.y }} />
      </M.Trigger>
      <M.Portal>
        <M.Content
          aria-label={asked.from ? "End of the flow" : "Menu of the selection"}
          align="start"
          sideOffset={2}
          collisionPadding={8}
          onCloseAutoFocus={(e) => {
            e.preventDefault();
            if (!editor.store.getState().editing) editor.view?.focus();
          }}
          className="z-50 max-h-[70vh] min-w-52 animate-in overflow-y-auto rounded-lg border border-line bg-surface p-1 shadow-float"
        >
          {asked.from !== undefined ? (
            <FlowEnd asked={asked} />
          ) : items.length > 0 ? (
            <>
              <MenuItem keys="enter" onSelect={onPanel}>
                Properties
              </MenuItem>
              {!readOnly && (
                <>
                  {one && (
                    <MenuItem keys="F2" onSelect={() => setTimeout(() => editor.store.setState({ editing: one.id }))}>
                      Rename
                    </MenuItem>
                  )}
                  {one?.kind === "components" && (
                    <MenuItem keys="c" onSelect={onConnect}>
                      Connect to…
                    </MenuItem>
                  )}
                  <MenuLine />
                  <MenuItem keys="mod+c" onSelect={() => void copyText(copyOf(editor, selection) ?? "").catch(refused)}>
                    Copy
                  </MenuItem>
                  <MenuItem keys="mod+d" onSelect={() => duplicate(editor)}>
                    Duplicate
                  </MenuItem>
                  {boxes > 1 && (
                    <>
                      <MenuLine />
                      <MenuItem onSelect={() => align(editor, "left")}>Align left</MenuItem>
                      <MenuItem onSelect={() => align(editor, "top")}>Align top</MenuItem>
                      {boxes > 2 && <MenuItem onSelect={() => distribute(editor, "x")}>Same room between, across</MenuItem>}
                      {boxes > 2 && <MenuItem onSelect={() => distribute(editor, "y")}>Same room between, down</MenuItem>}
                    </>
                  )}
                  {boxes > 0 && (
                    <MenuItem keys="z" onSelect={() => add(editor, "zone", asked.place)}>
                      Put a trust zone around
                    </MenuItem>
                  )}
                  <MenuLine />
                  <MenuItem keys="delete" danger onSelect={() => gone(editor)}>
                    Delete
                  </MenuItem>
                </>
              )}
              <MenuLine />
              <MenuItem keys="2" onSelect={() => zoomToSelection(editor)}>
                See the selection
              </MenuItem>
            </>
          ) : (
            <>
              {!readOnly &&
                shapes.map((s) => (
                  <MenuItem key={s} keys={s === "curve" ? "b" : s[0]} onSelect={() => setTimeout(() => add(editor, s, asked.place))}>
                    Add {shapeNames[s].toLowerCase()}
                  </MenuItem>
                ))}
              {!readOnly && (
                <>
                  <MenuLine />
                  <MenuItem
                    keys="mod+v"
                    disabled={!navigator.clipboard}
                    onSelect={() => void navigator.clipboard?.readText().then((t) => paste(editor, t, asked.place), refused)}
                  >
                    Paste
                  </MenuItem>
                </>
              )}
              <MenuItem keys="mod+a" onSelect={() => editor.select(drawnOf(editor.store.getState().doc).map((i) => i.id))}>
                Select everything
              </MenuItem>
              <MenuItem keys="1" onSelect={() => zoomToFit(editor)}>
                See everything
              </MenuItem>
            </>
          )}
        </M.Content>
      </M.Portal>
    </M.Root>
  );
}

/** FlowEnd asks what a flow leads to that was let go over nothing. */
function FlowEnd({ asked }: { asked: Asked }) {
  const editor = useEditor();
  const to = (shape: "process" | "store" | "actor") => {
    editor.select([]);
    const id = add(editor, shape, { x: asked.place.x + (asked.place.x > 0 ? sizes[shape].w / 4 : 0), y: asked.place.y }, undefined, true);
    connect(editor, asked.from!, id);
    setTimeout(() => editor.store.setState({ selection: new Set([id]), editing: id }));
  };
  return (
    <>
      {(["process", "store", "actor"] as const).map((s) => (
        <MenuItem key={s} onSelect={() => to(s)}>
          To a new {shapeNames[s].toLowerCase()}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuItem onSelect={() => connect(editor, asked.from!, asked.place)}>Leave the end loose</MenuItem>
    </>
  );
}
