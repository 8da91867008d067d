import { Kbd } from "../ui/kbd";

/** Welcome says how to begin, on an empty canvas. */
export function Welcome() {
  return (
    <div className="pointer-events-none absolute inset-0 grid place-items-center">
      <div className="grid max-w-sm gap-3 text-center">
        <p className="font-medium text-lg">Draw how data moves</p>
        <p className="text-sm text-soft">Begin with who uses it. Press a key, or drag from the bar at the side.</p>
        <ul className="mx-auto grid gap-1.5 text-start text-sm text-soft">
          {[
            ["a", "An actor: a person or a system outside"],
            ["p", "A process: what does something with data"],
            ["s", "A store: where data lies"],
            ["z", "A trust zone around what is trusted alike"],
            ["f", "Flows: drag from one to another"],
          ].map(([k, text]) => (
            <li key={k} className="flex items-center gap-2.5">
              <Kbd keys={k!} /> {text}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
