import { useQuery } from "@tanstack/react-query";
import { api, ok, type Problem } from "../../api/client";
import { keys } from "../../api/query";
import { Combobox } from "../../ui/combobox";
import { Field, Input } from "../../ui/field";

/** NameAndTeam asks how a product is called and who works on it. */
export function NameAndTeam({
  name,
  team,
  onName,
  onTeam,
  problem,
  focus = true,
}: {
  name: string;
  team: string;
  onName: (v: string) => void;
  onTeam: (v: string) => void;
  problem?: Problem;
  focus?: boolean;
}) {
  const teams = useQuery({
    queryKey: keys.products("teams"),
    queryFn: ({ signal }) => ok(api.GET("/portfolio", { params: { query: { by: "team" } }, signal })),
    staleTime: 300_000,
  }).data?.facets.teams;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Name" error={problem?.field("name")}>
        <Input
          value={name}
          onChange={(e) => onName(e.target.value)}
          required
          maxLength={200}
          autoFocus={focus}
          autoComplete="off"
          placeholder="Web shop"
        />
      </Field>
      <Field label="Team" optional error={problem?.field("team")}>
        <Combobox
          label="Choose or type a team"
          value={team}
          onChange={onTeam}
          none="No team"
          create
          options={(teams ?? []).map((t) => ({ value: t.name, text: t.name }))}
        />
      </Field>
    </div>
  );
}
