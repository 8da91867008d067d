import { type ShouldBlockFn, useBlocker } from "@tanstack/react-router";
import { X } from "lucide-react";
import { Dialog as D } from "radix-ui";
import { type FormEvent, type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "../api/client";
import { Button, IconButton } from "./button";
import { cx } from "./cx";
import { ErrorText } from "./state";
import { said } from "./toast";

/** Dialog asks for something before anything else goes on. holds tells that it must not close yet. */
export function Dialog({
  open,
  onClose,
  title,
  about,
  wide,
  holds,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  about?: ReactNode;
  wide?: boolean;
  holds?: () => boolean;
  children: ReactNode;
}) {
  return (
    <D.Root open={open} onOpenChange={(o) => !o && !holds?.() && onClose()}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-40 animate-in bg-[#0a0b10]/40" />
        <D.Content
          data-modal
          aria-describedby={undefined}
          // Who opens a form wants to fill it in, and who opens anything else to read it: not to close it again.
          onOpenAutoFocus={(e) => {
            const first = e.target instanceof HTMLElement && e.target.querySelector<HTMLElement>(`form :is(${fields}, [role=combobox]):enabled`);
            e.preventDefault();
            (first || (e.target as HTMLElement)).focus();
          }}
          className={cx(
            "fixed start-1/2 top-[8vh] z-40 max-h-[84vh] w-[calc(100vw-2rem)] -translate-x-1/2 animate-in overflow-y-auto rounded-xl border border-line bg-surface p-5 shadow-float outline-none rtl:translate-x-1/2",
            wide ? "max-w-3xl" : "max-w-lg",
          )}
        >
          <div className="mb-4 flex items-start gap-3">
            <div className="min-w-0 flex-1">
              <D.Title className="text-lg font-semibold">{title}</D.Title>
              {about && <p className="mt-1 text-sm text-soft">{about}</p>}
            </div>
            <D.Close asChild>
              <IconButton label="Close" size="sm">
                <X size={16} />
              </IconButton>
            </D.Close>
          </div>
          {children}
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

const fields = "input:not([type=hidden]), textarea, select";

/** useTyped knows whether somebody has written something into the fields of a form since they came to it. */
function useTyped() {
  const before = useRef(new Map<HTMLInputElement | HTMLTextAreaElement, string>());
  const came = useCallback((e: { target: EventTarget }) => {
    const el = e.target;
    const text = el instanceof HTMLTextAreaElement || (el instanceof HTMLInputElement && /^(text|email|url|tel)$/.test(el.type));
    if (text && !before.current.has(el)) before.current.set(el, el.value);
  }, []);
  const typed = useCallback(() => [...before.current].some(([el, was]) => el.isConnected && el.value !== was && el.value.trim() !== ""), []);
  const forget = useCallback(() => before.current.clear(), []);
  return { came, typed, forget };
}

/** Stays keeps the page where it is, with Back and with a reload too, while something is written and not sent. */
function Stays({ begin, typed, ask }: { begin: () => void; typed: () => boolean; ask: () => void }) {
  useEffect(begin, [begin]);
  const shouldBlockFn: ShouldBlockFn = useCallback(
    ({ current, next, action }) => {
      // What the place under the dialog writes into its own address is no way out.
      const leaves = (action !== "PUSH" && action !== "REPLACE") || current.pathname !== next.pathname;
      if (!leaves || !typed()) return false;
      ask();
      return true;
    },
    [typed, ask],
  );
  useBlocker({ shouldBlockFn, enableBeforeUnload: typed });
  return null;
}

/**
 * FormDialog is a dialog with a form. submit may throw: then the dialog stays
 * with what was typed, and fields that the server names show what is wrong.
 * What was typed goes only when somebody says so: Escape, a click beside the
 * dialog and the way back ask first.
 */
export function FormDialog({
  open,
  onClose,
  title,
  about,
  verb,
  danger,
  wide,
  submit,
  children,
  disabled,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  about?: ReactNode;
  verb: string;
  danger?: boolean;
  wide?: boolean;
  disabled?: boolean;
  submit: () => Promise<unknown>;
  children?: ReactNode | ((problem: Problem | undefined) => ReactNode);
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [asking, ask] = useState(false);
  const sending = useRef(false);
  const last = useRef<HTMLElement>(undefined);
  const { came, typed, forget } = useTyped();
  const unsent = useCallback(() => !sending.current && typed(), [typed]);
  const doubt = useCallback(() => ask(true), []);
  const begin = useCallback(() => {
    sending.current = false;
    forget();
    if (document.activeElement) came({ target: document.activeElement });
  }, [forget, came]);
  const send = async (e: FormEvent) => {
    e.preventDefault();
    e.stopPropagation();
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await submit();
      onClose();
    } catch (err) {
      sending.current = false; // What was sent and taken may be left; what was refused not.
      said(err);
      setError(err);
    } finally {
      setBusy(false);
    }
  };
  const close = () => {
    setError(undefined);
    ask(false);
    onClose();
  };
  const keep = () => {
    ask(false);
    last.current?.focus();
  };
  const holds = () => {
    if (asking) keep();
    else if (unsent()) doubt();
    else return false;
    return true;
  };
  return (
    <Dialog open={open} onClose={close} title={title} about={about} wide={wide} holds={holds}>
      <form
        onSubmit={send}
        onFocus={(e) => {
          came(e);
          if (e.target.matches(fields)) last.current = e.target;
        }}
        className="grid gap-4"
      >
        <Stays begin={begin} typed={unsent} ask={doubt} />
        {typeof children === "function" ? children(error instanceof Problem ? error : undefined) : children}
        {error !== undefined && <ErrorText error={error} />}
        <div className="sticky -bottom-5 z-10 -mx-5 -mb-5 flex flex-wrap items-center justify-end gap-2 bg-surface px-5 pb-5 before:pointer-events-none before:absolute before:inset-x-0 before:bottom-full before:h-4 before:bg-linear-to-t before:from-surface">
          {asking ? (
            <>
              <p role="alert" className="me-auto text-sm">
                Discard what you typed?
              </p>
              <Button onClick={keep}>Keep it</Button>
              <Button look="danger" autoFocus onClick={close}>
                Discard
              </Button>
            </>
          ) : (
            <>
              <Button onClick={close}>Cancel</Button>
              <Button type="submit" look={danger ? "danger" : "primary"} busy={busy} disabled={disabled}>
                {verb}
              </Button>
            </>
          )}
        </div>
      </form>
    </Dialog>
  );
}

/** Confirm asks before something that cannot be undone. */
export function Confirm(p: { open: boolean; onClose: () => void; title: ReactNode; about: ReactNode; verb: string; submit: () => Promise<unknown> }) {
  return <FormDialog {...p} danger />;
}

/**
 * Drawer is a panel at the side for one thing of a list. It leaves the list in
 * reach on a wide screen, covers it on a narrow one, and closes with Escape. The
 * focus stays in the list until somebody goes into the drawer, and returns there.
 */
export function Drawer({
  open,
  onClose,
  title,
  actions,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const from = useRef<HTMLElement>(undefined);
  useEffect(() => {
    if (!open) return;
    const note = () => {
      const at = document.activeElement;
      if (at instanceof HTMLElement && at.closest("#content")) from.current = at;
    };
    note();
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, [open]);
  const back = (e: Event) => {
    e.preventDefault();
    if (document.activeElement && document.activeElement !== document.body) return;
    const to = from.current?.isConnected ? from.current : document.getElementById("content");
    to?.focus({ preventScroll: true });
  };
  return (
    <D.Root open={open} modal={false} onOpenChange={(o) => !o && onClose()}>
      <D.Portal>
        <D.Content
          aria-describedby={undefined}
          data-drawer
          onOpenAutoFocus={(e) => e.preventDefault()}
          onCloseAutoFocus={back}
          onInteractOutside={(e) => e.preventDefault()}
          // In a field Escape is the field's, in a notice the notice's: it gives up what is typed there, or closes that, not the drawer.
          onEscapeKeyDown={(e) =>
            e.target instanceof HTMLElement && e.target.matches("input:not([type=checkbox]), textarea, [data-notices] *") && e.preventDefault()
          }
          className="fixed inset-y-0 end-0 z-30 flex w-full animate-drawer flex-col border-line border-s bg-surface shadow-float md:w-[min(640px,56vw)]"
        >
          <div className={cx("flex items-start gap-2 border-line border-b px-5 py-3", !!actions && "max-sm:flex-wrap max-sm:justify-end")}>
            {/* On a narrow screen a title has a line of its own below what can be done. */}
            <D.Title className={cx("min-w-0 flex-1 py-1 text-lg font-semibold", !!actions && "max-sm:order-1 max-sm:basis-full")}>{title}</D.Title>
            {actions}
            <D.Close asChild>
              <IconButton label="Close" keys="escape">
                <X size={16} />
              </IconButton>
            </D.Close>
          </div>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard */}
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4" tabIndex={0} role="group" aria-label="Details">
            {children}
          </div>
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}
