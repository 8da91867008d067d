import { Check, Copy as CopyIcon } from "lucide-react";
import { useRef, useState } from "react";
import { IconButton } from "./button";
import { cx } from "./cx";
import { toastError } from "./toast";

/** copyText puts text on the clipboard, also where the page came over plain http. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  // What is open over the page holds the focus: the text has to be inside it.
  const holder = document.activeElement?.closest("[role=dialog], [role=alertdialog], [role=menu]") ?? document.body;
  holder.append(area);
  area.focus();
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("The browser does not let this page copy. Select the text and copy it by hand.");
}

/** CopyButton copies a text and says so for a moment. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = async () => {
    try {
      await copyText(text);
      setDone(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setDone(false), 1500);
    } catch (err) {
      toastError(err);
    }
  };
  return (
    <IconButton label={done ? "Copied" : label} size="sm" onClick={() => void copy()}>
      {done ? <Check aria-hidden size={14} className="text-low" /> : <CopyIcon aria-hidden size={14} />}
    </IconButton>
  );
}

/** Copyable is a text to take away: a command, an address, a secret. */
export function Copyable({ text, label, className }: { text: string; label: string; className?: string }) {
  return (
    <div className={cx("flex items-start gap-1 rounded-md border border-line bg-sunken py-1 ps-3 pe-1", className)}>
      <pre className="min-w-0 flex-1 overflow-x-auto whitespace-pre-wrap wrap-anywhere py-1 text-start text-xs leading-5">{text}</pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
