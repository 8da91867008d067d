import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { ago } from "../ui/time";
import { word } from "../ui/words";
import { type Conflict, choose } from "./document";
import { reveal } from "./keys";
import { told } from "./order";
import { type Editor, useDrawing, useEditor } from "./store";
import { nameOf } from "./types";

/** settle carries a person's choice out. */
function settle(editor: Editor, c: Conflict, mine: boolean): void {
  editor.take(choose(editor.store.getState().doc, c, mine), `Settle a conflict`);
}

/** Conflicts shows what two people changed to different values, with both of them. Nothing of either is lost until one is chosen. */
export function Conflicts({ onClose }: { onClose: () => void }) {
  const editor = useEditor();
  const conflicts = useDrawing((s) => s.doc.conflicts);
  const now = useDrawing((s) => s.doc.now);
  const base = useDrawing((s) => s.doc.base);
  const all = (mine: boolean) => {
    for (const c of [...conflicts]) settle(editor, c, mine);
    onClose();
  };
  return (
    <Dialog open onClose={onClose} wide title="Two people changed the same" about="Both values are kept until you choose. Everything else is saved.">
      {conflicts.length === 0 ? (
        <p className="text-sm text-soft">Everything is settled.</p>
      ) : (
        <ul className="grid gap-3">
          {conflicts.map((c) => {
            const name = nameOf(now.get(c.key) ?? base.get(c.key)?.item);
            return (
              <li key={`${c.key} ${c.field}`} className="rounded-lg border border-line p-3">
                <p className="mb-2 text-sm">
                  <button
                    type="button"
                    className="link font-medium"
                    onClick={() => {
                      editor.select([c.id]);
                      reveal(editor, c.id);
                    }}
                  >
                    <bdi>{name}</bdi>
                  </button>
                  <span className="text-soft"> · {!c.field ? "Deleted by one of you" : place(c) ? "Place among the diagrams" : word(c.field)}</span>
                </p>
                <div className="grid gap-2 sm:grid-cols-2">
                  <Side
                    title="Yours"
                    value={place(c) ? told(now, c.id, c.mine) : c.mine}
                    whole={!c.field}
                    verb={c.field ? "Keep yours" : c.mine ? "Keep the element" : "Delete it"}
                    onChoose={() => settle(editor, c, true)}
                  />
                  <Side
                    title={[c.by ?? "The other", c.at && ago(c.at)].filter(Boolean).join(", ")}
                    value={place(c) ? told(now, c.id, c.theirs) : c.theirs}
                    whole={!c.field}
                    verb={c.field ? "Take this" : c.theirs ? "Keep the element" : "Let it be deleted"}
                    onChoose={() => settle(editor, c, false)}
                  />
                </div>
              </li>
            );
          })}
        </ul>
      )}
      {conflicts.length > 1 && (
        <div className="mt-4 flex justify-end gap-2">
          <Button onClick={() => all(false)}>Take all of the others'</Button>
          <Button onClick={() => all(true)}>Keep all of yours</Button>
        </div>
      )}
    </Dialog>
  );
}

const place = (c: Conflict) => c.kind === "diagrams" && c.field === "place";

/** written writes a value as a person reads it. */
function written(v: unknown): string {
  if (v === undefined || v === null || v === "") return "nothing";
  if (typeof v === "object" && "x" in v && "w" in v) {
    const b = v as { x: number; y: number; w: number; h: number };
    return `at ${Math.round(b.x)}, ${Math.round(b.y)}; ${Math.round(b.w)} × ${Math.round(b.h)}`;
  }
  if (Array.isArray(v) && v.every((x) => typeof x === "string")) return v.join(", ") || "nothing";
  if (typeof v === "object") return JSON.stringify(v, null, 1);
  return String(v);
}

function Side({ title, value, whole, verb, onChoose }: { title: string; value: unknown; whole: boolean; verb: string; onChoose: () => void }) {
  return (
    <div className="flex flex-col gap-2 rounded-md bg-raised p-2.5">
      <p className="text-soft text-xs">{title}</p>
      <bdi className="max-h-40 flex-1 overflow-auto whitespace-pre-wrap text-sm">
        {whole ? (value ? "Keeps it, with changes" : "Deletes it") : written(value)}
      </bdi>
      <Button size="sm" onClick={onChoose} className="self-start">
        {verb}
      </Button>
    </div>
  );
}
