import { Tooltip as T } from "radix-ui";
import type { ReactNode } from "react";
import { Kbd } from "./kbd";

/** Tooltip names what it is around; keys shows the keys that do the same. */
export function Tooltip({
  text,
  keys,
  children,
  side,
}: {
  text: ReactNode;
  keys?: string;
  children: ReactNode;
  side?: "top" | "right" | "bottom" | "left";
}) {
  return (
    <T.Root>
      <T.Trigger asChild>{children}</T.Trigger>
      <T.Portal>
        <T.Content
          side={side}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 flex max-w-72 animate-in items-center gap-2 rounded-md bg-text px-2 py-1 text-xs text-bg shadow-float"
        >
          {text}
          {keys && <Kbd inverse keys={keys} />}
        </T.Content>
      </T.Portal>
    </T.Root>
  );
}

export const TooltipProvider = T.Provider;
