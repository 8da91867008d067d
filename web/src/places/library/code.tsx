import { type KeyboardEvent, useEffect, useId, useImperativeHandle, useRef, useState } from "react";
import { api, ok, type S } from "../../api/client";
import { cx } from "../../ui/cx";
import type { Found } from "./data";
import { spotOf } from "./expression";

type Completion = S["LibraryCompletion"];

/** CodeHandle lets a place put the cursor somewhere. */
export interface CodeHandle {
  go: (line: number, column?: number) => void;
}

/** put replaces a part of the text as typing would, so that the browser's own undo knows it. */
function put(area: HTMLTextAreaElement, from: number, to: number, text: string): void {
  area.setSelectionRange(from, to);
  if (!document.execCommand("insertText", false, text)) {
    area.setRangeText(text, from, to, "end");
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

/**
 * Code is a field for YAML with line numbers and marks where something is wrong.
 * In an expression it proposes what can be written next. Tab leaves it, as it leaves every field.
 */
export function Code({
  label,
  value,
  onChange,
  onSave,
  readOnly,
  problems,
  handle,
}: {
  label: string;
  value: string;
  onChange?: (text: string) => void;
  onSave?: () => void;
  readOnly?: boolean;
  problems?: Found[];
  handle?: React.Ref<CodeHandle>;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const [list, setList] = useState<{ items: Completion[]; at: number; start: number }>();
  const [chosen, choose] = useState(0);
  const asked = useRef(0);
  const lines = value.split("\n");
  const wrong = new Map<number, string>();
  for (const p of problems ?? []) if (p.line) wrong.set(p.line, [wrong.get(p.line), p.text].filter(Boolean).join("\n"));

  useImperativeHandle(handle, () => ({
    go(line, column = 1) {
      const text = area.current?.value ?? "";
      let at = 0;
      for (let n = 1; n < line && at >= 0; n++) at = text.indexOf("\n", at) + 1 || text.length;
      area.current?.focus();
      area.current?.setSelectionRange(at + column - 1, at + column - 1);
      document.getElementById(`${id}-line-${line}`)?.scrollIntoView({ block: "center" });
    },
  }));

  const ask = async (wanted: boolean) => {
    const el = area.current;
    const mine = ++asked.current;
    const spot = el && el.selectionStart === el.selectionEnd ? spotOf(el.value, el.selectionStart) : undefined;
    if (!el || !spot) return setList(undefined);
    const at = el.selectionStart;
    const before = spot.text.slice(0, spot.offset);
    // After a blank everything would be proposed: only who asks for it gets that.
    if (!wanted && !/[\w.'"]$/.test(before)) return setList(undefined);
    try {
      const answer = await ok(api.POST("/library/complete", { body: { for: spot.for, text: spot.text, offset: spot.offset } }));
      if (mine !== asked.current || el.selectionStart !== at) return;
      const items = (answer.items ?? []).filter((i) => i.insert !== spot.text.slice(i.from, i.to)).slice(0, 50);
      choose(0);
      setList(items.length > 0 ? { items, at, start: spot.start } : undefined);
    } catch {
      setList(undefined); // A proposal that does not come is not missed.
    }
  };
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  /** dismiss takes the proposals away, those also that are still to come. */
  const dismiss = () => {
    clearTimeout(timer.current);
    asked.current++;
    setList(undefined);
  };

  const take = (c: Completion) => {
    if (!area.current || !list) return;
    put(area.current, list.start + c.from, list.start + c.to, c.insert);
    setList(undefined);
  };

  const onKey = (e: KeyboardEvent<HTMLTextAreaElement>) => {
    if ((e.ctrlKey || e.metaKey) && e.key === "s") {
      e.preventDefault();
      onSave?.();
      return;
    }
    if (e.ctrlKey && e.key === " ") {
      e.preventDefault();
      void ask(true);
      return;
    }
    if (list) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) {
        e.preventDefault();
        choose((chosen + step + list.items.length) % list.items.length);
        return;
      }
      if (e.key === "Enter") {
        e.preventDefault();
        take(list.items[chosen]!);
        return;
      }
      if (e.key === "Escape") {
        e.preventDefault();
        e.stopPropagation();
        dismiss();
        return;
      }
    } else if (e.key === "Escape") {
      dismiss();
    }
    if (e.key === "Enter" && !readOnly && area.current) {
      const el = area.current;
      const begin = el.value.lastIndexOf("\n", el.selectionStart - 1) + 1;
      const indent = /^ */.exec(el.value.slice(begin, el.selectionStart))![0];
      e.preventDefault();
      put(el, el.selectionStart, el.selectionEnd, `\n${indent}`);
    }
  };

  const above = value.slice(0, list?.at ?? 0).split("\n");
  return (
    <div className="max-h-[calc(100dvh-14rem)] min-h-60 overflow-auto rounded-md border border-control bg-surface font-mono text-xs focus-within:outline-2 focus-within:outline-accent focus-within:outline-offset-2">
      <div className="relative grid w-max min-w-full grid-cols-[auto_1fr]">
        <div aria-hidden className="sticky start-0 z-10 select-none border-line border-e bg-raised py-2 text-end text-soft leading-5">
          {lines.map((_, i) => (
            <div
              key={i}
              id={`${id}-line-${i + 1}`}
              title={wrong.get(i + 1)}
              className={cx("px-2.5", wrong.has(i + 1) && "bg-critical-soft font-semibold text-critical")}
            >
              {i + 1}
            </div>
          ))}
        </div>
        <div className="relative">
          {[...wrong.keys()].map((n) => (
            <div
              key={n}
              aria-hidden
              className="pointer-events-none absolute inset-x-0 h-5 border-critical border-b border-dashed bg-critical-soft/60"
              style={{ top: `calc(8px + ${(n - 1) * 20}px)` }}
            />
          ))}
          <textarea
            ref={area}
            aria-label={label}
            aria-autocomplete={readOnly ? undefined : "list"}
            aria-controls={list ? `${id}-list` : undefined}
            aria-activedescendant={list ? `${id}-${chosen}` : undefined}
            value={value}
            readOnly={readOnly}
            spellCheck={false}
            autoCapitalize="off"
            autoComplete="off"
            wrap="off"
            onChange={(e) => {
              onChange?.(e.target.value);
              clearTimeout(timer.current);
              timer.current = setTimeout(() => void ask(false), 120);
            }}
            onKeyDown={onKey}
            onBlur={dismiss}
            onClick={dismiss}
            rows={Math.max(lines.length, 12)}
            cols={Math.max(60, ...lines.map((l) => l.length + 2))}
            className="relative block min-w-full resize-none overflow-hidden whitespace-pre bg-transparent px-3 py-2 leading-5 outline-none"
          />
          {list && (
            <div
              id={`${id}-list`}
              role="listbox"
              aria-label="What can be written here"
              className="absolute z-20 max-h-52 w-80 overflow-y-auto rounded-md border border-line bg-surface p-1 font-sans text-sm shadow-float"
              style={{ top: 8 + above.length * 20, left: `calc(${Math.max(0, above.at(-1)!.length - 2)}ch + 12px)` }}
            >
              {list.items.map((c, i) => (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the field's
                <div
                  key={c.label + i}
                  id={`${id}-${i}`}
                  role="option"
                  aria-selected={i === chosen}
                  ref={(el) => {
                    if (i === chosen) el?.scrollIntoView({ block: "nearest" });
                  }}
                  onMouseDown={(e) => e.preventDefault()}
                  onClick={() => take(c)}
                  className={cx("flex cursor-default items-baseline gap-2 rounded-sm px-2 py-1", i === chosen && "bg-accent-soft text-accent")}
                >
                  <code className="text-xs">{c.label}</code>
                  {c.detail && <span className="min-w-0 flex-1 truncate text-end text-soft text-xs">{c.detail}</span>}
                </div>
              ))}
            </div>
          )}
        </div>
      </div>
    </div>
  );
}
