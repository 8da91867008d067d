import { cx } from "./cx";

const mac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);
const names: Record<string, string> = {
  mod: mac ? "⌘" : "Ctrl",
  shift: mac ? "⇧" : "Shift",
  alt: mac ? "⌥" : "Alt",
  enter: "Enter",
  escape: "Esc",
  space: "Space",
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
  delete: "Del",
};

/** Kbd shows keys, written like "mod+k" (together) or "g p" (one after the other). */
export function Kbd({ keys, inverse }: { keys: string; inverse?: boolean }) {
  return (
    <span className="inline-flex shrink-0 items-center gap-1 whitespace-nowrap">
      {keys.split(" ").map((chord, i) => (
        <kbd
          key={i}
          className={cx("rounded-sm border px-1 font-sans text-2xs leading-4", inverse ? "border-bg/35" : "border-line bg-raised text-soft")}
        >
          {chord
            .split("+")
            .map((k) => names[k.toLowerCase()] ?? (k.length === 1 ? k.toUpperCase() : k))
            .join(mac ? "" : "+")}
        </kbd>
      ))}
    </span>
  );
}
