import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { FormDialog } from "../../ui/dialog";
import { Checkbox, Field, Input } from "../../ui/field";
import type { Product } from "./frame";

/** Clone asks how a copy of a product is called and what it takes along, and goes there. */
export function Clone({ product: p, onClose }: { product: Product; onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState(`${p.name.slice(0, 190)} (copy)`);
  const [team, setTeam] = useState(p.team ?? "");
  const [states, setStates] = useState(true);
  const [owners, setOwners] = useState(true);
  const clone = useChange(
    undefined,
    () =>
      ok(
        api.POST("/products/{product}/clone", {
          params: { path: { product: p.id } },
          body: { name: name.trim(), team: team.trim(), include: { states, owners } },
        }),
      ),
    (made) => ({ text: `“${made.name}” is a copy of “${p.name}”.` }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Clone the product"
      about="The copy has the drawing, the answers and everything that people made or edited. Tickets, test results, comments and acceptances stay with the original."
      verb="Clone"
      disabled={!name.trim()}
      submit={async () => {
        const made = await clone.mutateAsync(undefined);
        void navigate({ to: "/products/$product/overview", params: { product: made.id } });
      }}
    >
      {(problem) => (
        <>
          <Field label="Name" error={problem?.field("name")}>
            <Input value={name} onChange={(e) => setName(e.target.value)} required maxLength={200} autoFocus />
          </Field>
          <Field label="Team" optional error={problem?.field("team")}>
            <Input value={team} onChange={(e) => setTeam(e.target.value)} maxLength={200} />
          </Field>
          <fieldset className="grid gap-2">
            <legend className="mb-1 font-medium text-sm">Take along</legend>
            <Checkbox label="States of countermeasures and threats" checked={states} onChange={(e) => setStates(e.target.checked)} />
            <Checkbox label="Owners" checked={owners} onChange={(e) => setOwners(e.target.checked)} />
          </fieldset>
        </>
      )}
    </FormDialog>
  );
}

/** Remove asks for the name of an archived product before it is gone for good. */
export function Remove({ product: p, onClose, onGone }: { product: Product; onClose: () => void; onGone?: () => void }) {
  const [name, setName] = useState("");
  const remove = useChange(
    undefined,
    () => ok(api.DELETE("/products/{product}", { params: { path: { product: p.id } }, body: { name } })),
    () => ({ text: `“${p.name}” is deleted.` }),
  );
  return (
    <FormDialog
      open
      danger
      onClose={onClose}
      title="Delete the product for good"
      about="Its model, ratings, test results and comments are deleted and cannot be brought back. Its audit trail stays, and so do its tickets in their trackers."
      verb="Delete for good"
      disabled={name !== p.name}
      submit={async () => {
        await remove.mutateAsync(undefined);
        onGone?.();
      }}
    >
      {(problem) => (
        <Field
          label={
            <>
              Type the name to confirm: <bdi className="select-all">{p.name}</bdi>
            </>
          }
          error={problem?.field("name")}
        >
          <Input value={name} onChange={(e) => setName(e.target.value)} autoComplete="off" autoFocus />
        </Field>
      )}
    </FormDialog>
  );
}
