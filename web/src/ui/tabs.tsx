import { Tabs as Tb } from "radix-ui";
import type { ReactNode } from "react";

/** Tabs shows one of several panels. For places use links instead. */
export function Tabs({
  value,
  onChange,
  tabs,
}: {
  value: string;
  onChange: (v: string) => void;
  tabs: { value: string; text: ReactNode; panel: ReactNode }[];
}) {
  return (
    <Tb.Root value={value} onValueChange={onChange}>
      <Tb.List className="relative -mx-1.5 mb-4 flex gap-5 overflow-x-auto px-1.5 before:absolute before:inset-x-1.5 before:bottom-0 before:border-line before:border-b">
        {tabs.map((t) => (
          <Tb.Trigger
            key={t.value}
            value={t.value}
            className="relative inline-flex h-9 items-center gap-1.5 whitespace-nowrap border-transparent border-b-2 text-sm text-soft before:absolute before:-inset-x-1 before:inset-y-1 before:rounded-sm before:outline-accent hover:text-text focus-visible:outline-none focus-visible:before:outline-2 data-[state=active]:border-accent data-[state=active]:text-text"
          >
            {t.text}
          </Tb.Trigger>
        ))}
      </Tb.List>
      {tabs.map((t) => (
        <Tb.Content key={t.value} value={t.value} className="outline-none">
          {t.panel}
        </Tb.Content>
      ))}
    </Tb.Root>
  );
}
