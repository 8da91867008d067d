import { CircleAlert, CircleCheck, X } from "lucide-react";
import { Toast as T } from "radix-ui";
import { createPortal } from "react-dom";
import { cx } from "./cx";
import { drop, toastError, useNotes } from "./toast";

/** The notices at the bottom of the page. */
export default function View() {
  const notes = useNotes((s) => s.notes);
  return (
    <T.Provider swipeDirection="right" label="Notice">
      {notes.map((n) => (
        <T.Root
          key={n.id}
          duration={n.bad ? 1e8 : n.undo ? 10_000 : 5_000}
          type={n.bad ? "foreground" : "background"}
          onOpenChange={(open) => !open && drop(n.id)}
          className={cx(
            "flex animate-in items-start gap-2.5 rounded-lg border bg-surface px-3.5 py-2.5 text-sm shadow-float",
            n.bad ? "border-critical/50" : "border-line",
          )}
        >
          {n.bad ? (
            <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0 text-critical" />
          ) : (
            <CircleCheck aria-hidden size={16} className="mt-0.5 shrink-0 text-low" />
          )}
          <T.Description className="min-w-0 flex-1">{n.text}</T.Description>
          {n.undo && (
            <T.Action asChild altText="Undo">
              <button
                type="button"
                className="rounded-sm px-1 font-medium text-accent hover:underline"
                onClick={() => {
                  n.undo?.().catch(toastError);
                }}
              >
                Undo
              </button>
            </T.Action>
          )}
          <T.Close aria-label="Close this notice" className="mt-0.5 rounded-sm text-soft hover:text-text">
            <X aria-hidden size={15} />
          </T.Close>
        </T.Root>
      ))}
      {/* Beside the page and not in it: drawers and dialogs stand there too, and would cover it. */}
      {createPortal(
        <T.Viewport className="fixed inset-x-4 bottom-4 z-60 mx-auto grid max-w-md gap-2 outline-none sm:start-auto sm:mx-0 sm:w-96" />,
        document.body,
      )}
    </T.Provider>
  );
}
