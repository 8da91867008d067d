import { Command } from "cmdk";
import { Check } from "lucide-react";
import { useState } from "react";
import type { ChoicesProps } from "./combobox";
import { cx } from "./cx";

const plain = (s: string) => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/**
 * match says how well an entry fits what is typed, 0 for not at all: every word of it must be
 * there, in the text before in what stands below it. Ids are no words: they would match by chance.
 */
export function match(value: string, typed: string, [text = "", about = ""]: string[] = []): number {
  const asked = plain(typed).trim();
  const name = plain(text);
  const all = `${name} ${plain(about)} ${/^[a-z]{3}_/.test(value) ? "" : plain(value)}`;
  if (!asked.split(/\s+/).every((word) => all.includes(word))) return 0;
  if (name.startsWith(asked)) return 1;
  if (name.includes(` ${asked}`)) return 0.8;
  return name.includes(asked) ? 0.6 : 0.3;
}

/** The inside of Choices, read when the first list opens. */
export default function Choices({ options, chosen, onChoose, label, empty = "Nothing matches", create }: ChoicesProps) {
  const [text, setText] = useState("");
  const groups = [...new Set(options.map((o) => o.group ?? ""))];
  return (
    <Command label={label} loop filter={match} className="grid gap-1">
      <Command.Input value={text} onValueChange={setText} placeholder={label} autoFocus className="control" />
      <Command.List className="max-h-72 overflow-y-auto">
        <Command.Empty className="px-2 py-3 text-sm text-soft">{empty}</Command.Empty>
        {groups.map((g) => (
          <Command.Group
            key={g}
            heading={g || undefined}
            className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:py-1 [&_[cmdk-group-heading]]:text-soft [&_[cmdk-group-heading]]:text-xs"
          >
            {options
              .filter((o) => (o.group ?? "") === g)
              .map((o) => (
                <Command.Item
                  key={o.value}
                  value={o.value}
                  keywords={[o.text, o.about ?? ""]}
                  onSelect={() => onChoose(o.value)}
                  className="flex items-center gap-2 rounded-md px-2 py-1.5 text-sm data-[selected=true]:bg-raised"
                >
                  <Check aria-hidden size={14} className={cx("shrink-0 text-accent", !chosen(o.value) && "invisible")} />
                  {o.icon}
                  <span className="min-w-0 flex-1">
                    <bdi>{o.text}</bdi>
                    {o.about && <span className="block text-xs text-soft">{o.about}</span>}
                  </span>
                </Command.Item>
              ))}
          </Command.Group>
        ))}
        {create && text.trim() && !options.some((o) => o.text === text.trim()) && (
          <Command.Item
            value={`create ${text}`}
            forceMount
            onSelect={() => create(text.trim())}
            className="flex items-center gap-2 rounded-md px-2 py-1.5 text-sm data-[selected=true]:bg-raised"
          >
            <span className="w-3.5" /> Use “{text.trim()}”
          </Command.Item>
        )}
      </Command.List>
    </Command>
  );
}
