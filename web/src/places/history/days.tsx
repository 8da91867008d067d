import { useAddress } from "../../ui/address";
import { Input } from "../../ui/field";

/** day is the begin of a day of the person's own, or of one some days later. */
export function day(text: string | undefined, later = 0): string | undefined {
  const d = new Date(`${text}T00:00:00`);
  if (!text || Number.isNaN(d.getTime())) return undefined;
  d.setDate(d.getDate() + later);
  return d.toISOString();
}

/** list reads values of the address that commas part. */
export const list = (text: string | undefined) => (text ? text.split(",") : undefined);

/** Days are the first and the last day of what is looked for; they are in the address. */
export function Days() {
  const [search, set] = useAddress();
  return (
    <span className="flex items-center gap-1.5 text-soft text-xs">
      <Input
        type="date"
        aria-label="From this day"
        className="h-7 min-h-7 w-34 border-control/60 py-0 text-sm"
        value={search.from ?? ""}
        max={search.to}
        onChange={(e) => set({ from: e.target.value })}
      />
      <span aria-hidden>–</span>
      <Input
        type="date"
        aria-label="Up to this day"
        className="h-7 min-h-7 w-34 border-control/60 py-0 text-sm"
        value={search.to ?? ""}
        min={search.from}
        onChange={(e) => set({ to: e.target.value })}
      />
    </span>
  );
}
