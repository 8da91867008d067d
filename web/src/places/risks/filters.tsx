import { SearchX } from "lucide-react";
import { Button } from "../../ui/button";
import type { Filter } from "../../ui/filters";
import { Empty } from "../../ui/state";
import { word } from "../../ui/words";

type Options = Filter["options"];

/** ownersOf are the filter values for owners: oneself and nobody first, then those that rows name. */
export function ownersOf(rows: { owner?: string; owner_name?: string }[], me: string | undefined): Options {
  const names = new Map<string, string>();
  for (const r of rows) if (r.owner && r.owner !== me) names.set(r.owner, r.owner_name || r.owner);
  return [
    { value: "me", text: "Me" },
    { value: "none", text: "Nobody" },
    ...[...names].map(([value, text]) => ({ value, text })).sort((a, b) => a.text.localeCompare(b.text)),
  ];
}

/** placesIn are the filter values for the places that rows name. */
export function placesIn(rows: { where: string; where_name: string }[]): Options {
  return [...new Map(rows.map((r) => [r.where, r.where_name]))]
    .map(([value, text]) => ({ value, text }))
    .sort((a, b) => a.text.localeCompare(b.text, "en", { numeric: true }));
}

export const originOptions: Options = ["rule", "person", "import"].map((value) => ({ value, text: word(value) }));

/** What is retired is shown apart from the rest, instead of it. */
export const retiredFilter: Filter = { key: "retired", name: "Retired", options: [{ value: "only", text: "Retired only" }] };

/** NoMatch is shown where filters leave nothing. */
export function NoMatch({ onClear }: { onClear: () => void }) {
  return (
    <Empty icon={<SearchX size={20} />} title="Nothing matches" action={<Button onClick={onClear}>Clear the filters</Button>}>
      No row has what is searched and filtered for.
    </Empty>
  );
}
