import { CircleAlert, CircleCheck, X } from "lucide-react";
import { Toast as T } from "radix-ui";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { cx } from "./cx";
import "./toasts.css";
import { drop, type Note, toastError, useNotes } from "./toast";

/**
 * The notices at the bottom of the page. They are not toasts of the library, whose
 * every notice takes the next Escape from the drawer or dialog that a person is in.
 */
export default function View() {
  const notes = useNotes((s) => s.notes);
  const from = useRef<Element>(undefined);
  const [away, setAway] = useState(false);
  useEffect(() => {
    const left = () => setAway(true);
    const back = () => setAway(false);
    window.addEventListener("blur", left);
    window.addEventListener("focus", back);
    return () => {
      window.removeEventListener("blur", left);
      window.removeEventListener("focus", back);
    };
  }, []);
  return (
    <T.Provider label="Notice">
      {/* Beside the page and not in it: drawers and dialogs stand there too, and would cover it. */}
      {createPortal(
        <T.Viewport
          data-notices
          onFocus={(e) => {
            if (!e.currentTarget.contains(e.relatedTarget)) from.current = e.relatedTarget ?? undefined;
          }}
        >
          {/* The last is the lowest, and the first that Tab reaches. */}
          {[...notes].reverse().map((n) => (
            <Notice key={n.id} note={n} held={away} left={() => goBack(from.current)} />
          ))}
        </T.Viewport>,
        document.body,
      )}
    </T.Provider>
  );
}

/** goBack gives the focus back to what had it before somebody came to the notices. */
function goBack(from: Element | undefined): void {
  const to = from instanceof HTMLElement && from.isConnected ? from : document.getElementById("content");
  to?.focus({ preventScroll: true });
}

/** Notice is one of them. Its time does not run while it is looked at, or while nobody can see it. */
function Notice({ note, held, left }: { note: Note; held: boolean; left: () => void }) {
  const item = useRef<HTMLLIElement>(null);
  const [looked, setLooked] = useState(false);
  const [said, setSaid] = useState("");
  const lasts = note.bad ? undefined : note.undo ? 10_000 : 5_000;
  useEffect(() => {
    if (!lasts || held || looked) return;
    const timer = setTimeout(() => drop(note.id), lasts);
    return () => clearTimeout(timer);
  }, [note.id, lasts, held, looked]);
  // What is there from the first moment is not read aloud; what comes into it is, and need not stay.
  useEffect(() => {
    const frame = requestAnimationFrame(() => setSaid(note.text));
    const timer = setTimeout(() => setSaid(""), 1000);
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [note.text]);
  const close = () => {
    if (item.current?.contains(document.activeElement)) left();
    drop(note.id);
  };
  const key = (e: KeyboardEvent) => e.key === "Escape" && close();
  return (
    <li
      ref={item}
      onKeyDown={key}
      onPointerEnter={() => setLooked(true)}
      onPointerLeave={() => setLooked(!!item.current?.contains(document.activeElement))}
      onFocus={() => setLooked(true)}
      onBlur={(e) => setLooked(e.currentTarget.contains(e.relatedTarget))}
      className={cx(
        "pointer-events-auto flex animate-in items-start gap-2.5 rounded-lg border bg-surface px-3.5 py-2.5 text-sm shadow-float",
        note.bad ? "border-critical/50" : "border-line",
      )}
    >
      {note.bad ? (
        <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0 text-critical" />
      ) : (
        <CircleCheck aria-hidden size={16} className="mt-0.5 shrink-0 text-low" />
      )}
      <div className="min-w-0 flex-1">{note.text}</div>
      <span role={note.bad ? "alert" : "status"} aria-atomic className="sr-only">
        {said}
      </span>
      {note.undo && (
        <button
          type="button"
          className="rounded-sm px-1 font-medium text-accent hover:underline"
          onClick={() => {
            close();
            note.undo?.().catch(toastError);
          }}
        >
          Undo
        </button>
      )}
      <button type="button" aria-label="Close this notice" className="mt-0.5 rounded-sm text-soft hover:text-text" onClick={close}>
        <X aria-hidden size={15} />
      </button>
    </li>
  );
}
