import { useStore } from "@xyflow/react";
import {
  Check,
  CircleDashed,
  CloudOff,
  Download,
  History,
  ListTree,
  LoaderCircle,
  PanelRight,
  Redo2,
  Search,
  TriangleAlert,
  Undo2,
  Workflow,
} from "lucide-react";
import { Button, IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { Menu, MenuItem, MenuLine } from "../ui/menu";
import { toastError } from "../ui/toast";
import { Tooltip } from "../ui/tooltip";
import { saveDrawing } from "./export";
import { useDrawing, useEditor } from "./store";
import { standing } from "./sync";
import { Diagrams } from "./tabs";

export interface BarProps {
  wide: boolean;
  panel: boolean;
  onPanel: () => void;
  onFind: () => void;
  onOutline: () => void;
  onHistory: () => void;
  onConflicts: () => void;
  onLayout: () => void;
  arranging: boolean;
}

/** Bar is the row above the canvas: the diagrams, where the work is, what can be done with all of it. */
export function Bar({ wide, panel, onPanel, onFind, onOutline, onHistory, onConflicts, onLayout, arranging }: BarProps) {
  const editor = useEditor();
  const readOnly = useDrawing((s) => s.readOnly);
  const undo = useDrawing((s) => s.doc.undo.at(-1)?.label);
  const redo = useDrawing((s) => s.doc.redo.at(-1)?.label);
  const some = useDrawing((s) => s.selection.size > 0);
  const out = (kind: "svg" | "png", part: boolean) => void saveDrawing(editor.store.getState(), kind, part).catch(toastError);
  return (
    <div className="flex h-11 shrink-0 items-center gap-1 border-line border-b bg-surface ps-3 pe-2">
      <Diagrams />
      <SaveState onConflicts={onConflicts} />
      {!readOnly && (
        <>
          <IconButton size="sm" label={undo ? `Undo: ${undo}` : "Nothing to undo"} keys="mod+z" disabled={!undo} onClick={editor.undo}>
            <Undo2 size={15} />
          </IconButton>
          <IconButton size="sm" label={redo ? `Redo: ${redo}` : "Nothing to redo"} keys="mod+shift+z" disabled={!redo} onClick={editor.redo}>
            <Redo2 size={15} />
          </IconButton>
          <IconButton size="sm" label="Arrange automatically" keys="mod+shift+l" busy={arranging} onClick={onLayout}>
            <Workflow size={15} />
          </IconButton>
        </>
      )}
      <IconButton size="sm" label="Find in the diagram" keys="mod+f" onClick={onFind}>
        <Search size={15} />
      </IconButton>
      {wide && (
        <>
          <IconButton size="sm" label="Outline" keys="o" onClick={onOutline}>
            <ListTree size={15} />
          </IconButton>
          <IconButton size="sm" label="History" onClick={onHistory}>
            <History size={15} />
          </IconButton>
        </>
      )}
      <Menu
        label="Export"
        align="end"
        trigger={
          <button
            type="button"
            aria-label="Export"
            title="Export"
            className="grid size-7 place-items-center rounded-md text-soft hover:bg-raised hover:text-text"
          >
            <Download aria-hidden size={15} />
          </button>
        }
      >
        <MenuItem onSelect={() => out("svg", false)}>Diagram as SVG</MenuItem>
        <MenuItem onSelect={() => out("png", false)}>Diagram as PNG</MenuItem>
        <MenuLine />
        <MenuItem disabled={!some} onSelect={() => out("svg", true)}>
          Selection as SVG
        </MenuItem>
        <MenuItem disabled={!some} onSelect={() => out("png", true)}>
          Selection as PNG
        </MenuItem>
      </Menu>
      {wide && (
        <IconButton
          size="sm"
          label={panel ? "Hide the panel" : "Show the panel"}
          keys="i"
          aria-pressed={panel}
          className={cx(panel && "bg-raised text-text")}
          onClick={onPanel}
        >
          <PanelRight size={15} />
        </IconButton>
      )}
    </div>
  );
}

/** SaveState says where the work is. */
function SaveState({ onConflicts }: { onConflicts: () => void }) {
  const save = useDrawing((s) => s.save);
  const clashes = useDrawing((s) => s.doc.conflicts.length);
  const heard = useDrawing((s) => s.heard);
  const keeps = useDrawing((s) => s.keeps);
  const readOnly = useDrawing((s) => s.readOnly);
  const now = standing(save.state, keeps);
  const look = "flex min-w-0 items-center gap-1.5 px-1.5 text-xs";
  return (
    <div role="status" data-save={clashes > 0 ? "conflict" : save.state} className="ms-auto flex min-w-0 items-center gap-1">
      {heard && <span className={cx(look, "truncate text-medium")}>{heard}</span>}
      {clashes > 0 ? (
        <button type="button" onClick={onConflicts} className={cx(look, "h-7 rounded-md bg-critical-soft font-medium text-critical")}>
          <TriangleAlert aria-hidden size={14} className="shrink-0" />
          {clashes === 1 ? "1 conflict" : `${clashes} conflicts`}: choose
        </button>
      ) : now === "fragile" ? (
        <Tooltip text="This browser has no room to keep your work until the server has it.">
          <span className={cx(look, "text-medium")}>
            <TriangleAlert aria-hidden size={14} className="shrink-0" />
            Saving: leave this tab open
          </span>
        </Tooltip>
      ) : now === "lonely" ? (
        <Tooltip text="The server does not answer, and this browser has no room to keep your work. Leave this tab open: it is sent as soon as the server is back.">
          <span className={cx(look, "text-critical")}>
            <TriangleAlert aria-hidden size={14} className="shrink-0" />
            Unsaved: leave this tab open
          </span>
        </Tooltip>
      ) : now === "offline" ? (
        <Tooltip text="The server does not answer. Your work is kept on this machine and sent as soon as it is back.">
          <span className={cx(look, "text-medium")}>
            <CloudOff aria-hidden size={14} className="shrink-0" />
            Unsaved, kept here
          </span>
        </Tooltip>
      ) : now === "refused" ? (
        <Tooltip text={save.text ?? ""}>
          <span className={cx(look, "max-w-80 text-critical")}>
            <TriangleAlert aria-hidden size={14} className="shrink-0" />
            <span className="truncate">Not saved: {save.text}</span>
          </span>
        </Tooltip>
      ) : now === "saved" ? (
        !readOnly && (
          <span className={cx(look, "text-soft")}>
            <Check aria-hidden size={14} className="shrink-0" />
            Saved
          </span>
        )
      ) : (
        <span className={cx(look, "text-soft")}>
          {now === "saving" ? (
            <LoaderCircle aria-hidden size={14} className="shrink-0 animate-spin" />
          ) : (
            <CircleDashed aria-hidden size={14} className="shrink-0" />
          )}
          {now === "saving" ? "Saving" : "Unsaved"}
        </span>
      )}
    </div>
  );
}

/** ZoomBar is in the corner: nearer, farther, everything. */
export function ZoomBar({ onFit }: { onFit: () => void }) {
  const editor = useEditor();
  const zoom = useStore((s) => s.transform[2]);
  return (
    <div data-chrome className="absolute end-3 bottom-3 z-10 flex items-center rounded-lg border border-line bg-surface p-0.5 shadow-card">
      <Button look="ghost" size="sm" className="min-w-7" aria-label="Farther" onClick={() => editor.view?.zoomTo(zoom / 1.25)}>
        −
      </Button>
      <Tooltip text="Actual size" keys="0">
        <button type="button" onClick={() => editor.view?.zoomTo(1)} className="num h-7 w-12 rounded-md text-center text-xs hover:bg-raised">
          {Math.round(zoom * 100)}%
        </button>
      </Tooltip>
      <Button look="ghost" size="sm" className="min-w-7" aria-label="Nearer" onClick={() => editor.view?.zoomTo(zoom * 1.25)}>
        +
      </Button>
      <Tooltip text="See everything" keys="1">
        <button type="button" onClick={onFit} className="h-7 rounded-md px-2 text-xs text-soft hover:bg-raised hover:text-text">
          Fit
        </button>
      </Tooltip>
    </div>
  );
}
