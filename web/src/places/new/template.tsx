import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowRight, Stamp } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, everything, ok, Problem, type S } from "../../api/client";
import { keys } from "../../api/query";
import { useChange } from "../../app/change";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { Field } from "../../ui/field";
import { Empty, ErrorText, Failed, Loading } from "../../ui/state";
import { plural } from "../../ui/words";
import { type Custom, NewFields } from "../fields";
import { NameAndTeam } from "./naming";

/** FromTemplate makes a product of one that was made to be copied. */
export function FromTemplate() {
  const navigate = useNavigate();
  const [search, set] = useAddress();
  const templates = useQuery({
    queryKey: keys.products("templates"),
    queryFn: ({ signal }) =>
      everything<S["ProductView"]>((cursor) =>
        ok(api.GET("/products", { params: { query: { cursor, limit: 1000, template: true, sort: "name" } }, signal })),
      ),
  });
  const [name, setName] = useState("");
  const [team, setTeam] = useState("");
  const [custom, setCustom] = useState<Custom>({});
  const create = useChange(
    undefined,
    (from: string) => ok(api.POST("/products", { body: { name: name.trim(), team: team.trim() || undefined, from_template: from, custom } })),
    (p) => ({ text: `“${p.name}” is made of the template` }),
  );
  if (!templates.data) return templates.error ? <Failed error={templates.error} retry={() => void templates.refetch()} /> : <Loading rows={3} />;
  if (templates.data.length === 0) {
    return (
      <Empty
        icon={<Stamp size={20} />}
        title="There are no templates yet"
        action={
          <Link to="/" className="link text-sm">
            Open the portfolio
          </Link>
        }
      >
        A template is a product that others are made of. In the portfolio, open the menu of a product and choose “Make it a template”; clone it first
        to keep the product.
      </Empty>
    );
  }
  const from = templates.data.find((t) => t.id === search.template) ?? (templates.data.length === 1 ? templates.data[0] : undefined);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (!from) return;
    const made = await create.mutateAsync(from.id).catch(() => undefined);
    if (made) void navigate({ to: "/products/$product/overview", params: { product: made.id } });
  };
  return (
    <form onSubmit={submit} className="card grid max-w-2xl gap-4 px-4 py-5 sm:px-6">
      <Field label="Template" hint={from ? [plural(from.risk.open.threats, "threat"), from.description].filter(Boolean).join(" · ") : undefined}>
        <Combobox
          label="Choose a template"
          value={from?.id ?? ""}
          onChange={(v) => set({ template: v })}
          options={templates.data.map((t) => ({ value: t.id, text: t.name, about: t.team }))}
        />
      </Field>
      <NameAndTeam name={name} team={team} onName={setName} onTeam={setTeam} problem={create.error instanceof Problem ? create.error : undefined} />
      <NewFields values={{ ...from?.custom, ...custom }} onChange={setCustom} problem={create.error instanceof Problem ? create.error : undefined} />
      {create.error && <ErrorText error={create.error} />}
      <div className="flex justify-end">
        <Button type="submit" look="primary" busy={create.isPending} disabled={!from || !name.trim()}>
          Create
          <ArrowRight aria-hidden size={14} />
        </Button>
      </div>
    </form>
  );
}
