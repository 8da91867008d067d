import { Dialog } from "../ui/dialog";
import { Kbd } from "../ui/kbd";
import { useKeyList } from "./keys";

const table = {
  in: "In tables",
  keys: [
    ["arrowdown", "Next row (also j)"],
    ["arrowup", "Previous row (also k)"],
    ["enter", "Open the row; again to go into what is open"],
    ["x", "Select the row (also Space; with Shift up to here)"],
  ] as const,
};

/** KeyMap lists what can be pressed at this place. */
export default function KeyMap({ onClose }: { onClose: () => void }) {
  const groups = useKeyList((s) => s.groups);
  const all = [...groups.values()].flat();
  const headings = [...new Set(all.map((k) => k.in))];
  return (
    <Dialog open onClose={onClose} title="Keys" wide>
      <div className="grid gap-6 sm:grid-cols-2">
        {headings.map((h) => (
          <Group key={h} name={h} keys={all.filter((k) => k.in === h).map((k) => [k.keys, k.does])} />
        ))}
        <Group name={table.in} keys={table.keys} />
      </div>
    </Dialog>
  );
}

function Group({ name, keys }: { name: string; keys: readonly (readonly [string, string])[] }) {
  return (
    <section>
      <h3 className="overline mb-2">{name}</h3>
      <dl className="grid gap-1.5 text-sm">
        {keys.map(([k, does]) => (
          <div key={k + does} className="flex items-center justify-between gap-4">
            <dt>{does}</dt>
            <dd>
              <Kbd keys={k} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
