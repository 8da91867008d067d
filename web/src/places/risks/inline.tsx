import { Pencil, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import { Button, IconButton } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Input, Textarea } from "../../ui/field";
import { Kbd } from "../../ui/kbd";
import { useDraft } from "./drafts";
import { Light } from "./light";

/** Meanwhile says that somebody changed what is being edited, and what it is now. */
export function Meanwhile({ now, onTake }: { now: string; onTake: () => void }) {
  return (
    <div role="alert" className="grid gap-1.5 rounded-md bg-medium-soft px-3 py-2 text-sm">
      <p className="flex items-start gap-1.5 font-medium text-medium">
        <TriangleAlert aria-hidden size={15} className="mt-0.5 shrink-0" />
        Somebody changed this while you were writing. Yours is kept here.
      </p>
      <p className="max-h-32 overflow-y-auto whitespace-pre-wrap text-text">
        <span className="text-soft">It is now: </span>
        <bdi>{now || "empty"}</bdi>
      </p>
      <div>
        <Button size="sm" onClick={onTake}>
          Take theirs
        </Button>
      </div>
    </div>
  );
}

interface Text {
  value: string;
  /** Names the field, and its draft among all others. */
  label: string;
  draft: string;
  save: (text: string) => Promise<unknown>;
  readOnly?: boolean;
  maxLength: number;
}

function useText({ value, draft: key, save }: Text) {
  const [draft, setDraft] = useDraft(key);
  const [busy, setBusy] = useState(false);
  const end = () => setDraft(undefined);
  const submit = async (text: string) => {
    if (text === value) return end();
    setBusy(true);
    try {
      await save(text);
      end();
    } catch {
      // What failed is said in a notice; what was typed stays.
    } finally {
      setBusy(false);
    }
  };
  return {
    draft,
    busy,
    end,
    submit,
    begin: () => setDraft({ text: value, base: value }),
    type: (text: string) => draft && setDraft({ ...draft, text }),
    stale: !!draft && draft.base !== value && draft.text !== value,
  };
}

/** Title is a title that is changed where it stands: Enter saves, Escape gives up. */
export function Title(p: Text) {
  const { draft, busy, begin, type, submit, end, stale } = useText(p);
  if (!draft) {
    if (p.readOnly) return <bdi>{p.value}</bdi>;
    return (
      <button type="button" onClick={begin} title="Change the title" className="group -mx-1.5 rounded-md px-1.5 text-start hover:bg-raised">
        <bdi>{p.value}</bdi>
        <Pencil aria-hidden size={13} className="ms-1.5 inline text-soft opacity-0 group-hover:opacity-100 group-focus-visible:opacity-100" />
        <span className="sr-only">. Change the title</span>
      </button>
    );
  }
  const text = draft.text.trim();
  const onKey = (e: KeyboardEvent) => {
    if (e.key === "Escape") {
      e.stopPropagation();
      e.nativeEvent.stopImmediatePropagation();
      end();
    } else if (e.key === "Enter" && text) {
      e.preventDefault();
      void submit(text);
    }
  };
  return (
    <div className="grid gap-2 text-base font-normal">
      <Input
        aria-label={p.label}
        autoFocus
        className="font-medium"
        value={draft.text}
        maxLength={p.maxLength}
        disabled={busy}
        onChange={(e) => type(e.target.value)}
        onKeyDown={onKey}
      />
      {stale && <Meanwhile now={p.value} onTake={end} />}
      <Buttons busy={busy} disabled={!text} onSave={() => void submit(text)} onCancel={end} keys="enter" />
    </div>
  );
}

function Buttons({
  busy,
  disabled,
  onSave,
  onCancel,
  keys,
}: {
  busy: boolean;
  disabled?: boolean;
  onSave: () => void;
  onCancel: () => void;
  keys: string;
}) {
  return (
    <div className="flex items-center gap-2">
      <Button size="sm" look="primary" busy={busy} disabled={disabled} onClick={onSave}>
        Save
      </Button>
      <Button size="sm" look="ghost" onClick={onCancel}>
        Cancel
      </Button>
      <span className="text-soft text-xs">
        <Kbd keys={keys} /> saves
      </span>
    </div>
  );
}

/** Prose is a text of paragraphs under a heading, changed where it stands: Ctrl-Enter saves. */
export function Prose(
  p: Text & { empty: string; marks?: ReactNode /** It is a text of the library, with its marks for lists and code. */; library?: boolean },
) {
  const { draft, busy, begin, type, submit, end, stale } = useText(p);
  const id = useId();
  const onKey = (e: KeyboardEvent) => {
    if (e.key === "Escape") {
      e.stopPropagation();
      e.nativeEvent.stopImmediatePropagation();
      if (draft?.text === draft?.base) end();
    } else if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      void submit(draft?.text ?? "");
    }
  };
  return (
    <section className="grid gap-1" aria-labelledby={id}>
      <div className="flex min-h-7 items-center gap-2">
        <h3 id={id} className="overline">
          {p.label}
        </h3>
        {p.marks}
        {!p.readOnly && !draft && (
          <IconButton label={`Change: ${p.label.toLowerCase()}`} size="sm" onClick={begin}>
            <Pencil size={13} />
          </IconButton>
        )}
      </div>
      {draft ? (
        <div className="grid gap-2">
          <Textarea
            aria-labelledby={id}
            autoFocus
            rows={6}
            value={draft.text}
            maxLength={p.maxLength}
            disabled={busy}
            onChange={(e) => type(e.target.value)}
            onKeyDown={onKey}
          />
          {stale && <Meanwhile now={p.value} onTake={end} />}
          <Buttons busy={busy} onSave={() => void submit(draft.text)} onCancel={end} keys="mod+enter" />
        </div>
      ) : p.library && p.value ? (
        <Light text={p.value} />
      ) : (
        <div dir="auto" className={cx("whitespace-pre-wrap text-sm", !p.value && "text-soft")}>
          {p.value || p.empty}
        </div>
      )}
    </section>
  );
}
