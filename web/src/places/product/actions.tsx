import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, match, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { FormDialog } from "../../ui/dialog";
import { Checkbox, Field, Input } from "../../ui/field";
import type { Product } from "./frame";

/** useArchive puts a product away or brings it back. */
export function useArchive(p: Product) {
  const put = (archived: boolean, version?: number) =>
    ok(api.PUT("/products/{product}/archived", { params: { path: { product: p.id }, header: match(version) }, body: { archived } }));
  return useChange(
    p.id,
    (archived: boolean) => put(archived, p.version),
    (now, archived) => ({
      text: archived ? `${p.name} is archived. It stays readable.` : `${p.name} is back.`,
      undo: () => put(!archived, now.version),
    }),
  );
}

/** useTemplate makes a product a template, or an ordinary product again. */
export function useTemplate(p: Product) {
  const patch = (template: boolean, version?: number) =>
    ok(api.PATCH("/products/{product}", { params: { path: { product: p.id }, header: match(version) }, body: { template } }));
  return useChange(
    p.id,
    (template: boolean) => patch(template, p.version),
    (now, template) => ({
      text: template ? `${p.name} is a template: new products can be made from it.` : `${p.name} is an ordinary product again.`,
      undo: () => patch(!template, now.version),
    }),
  );
}

/** CloneDialog makes another product of this one and goes there. */
export function CloneDialog({ product: p, open, onClose }: { product: Product; open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [team, setTeam] = useState<string>();
  const [states, setStates] = useState(false);
  const [owners, setOwners] = useState(false);
  const clone = useChange(
    undefined,
    () =>
      ok(
        api.POST("/products/{product}/clone", {
          params: { path: { product: p.id } },
          body: { name: name.trim(), team: team ?? p.team, include: { states, owners } },
        }),
      ),
    (made) => ({ text: `${made.name} was made from ${p.name}.` }),
  );
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title={
        <>
          Clone <bdi>{p.name}</bdi>
        </>
      }
      about="The new product has the same answers, diagrams and threats. Tickets, test results and the history stay here."
      verb="Clone"
      disabled={!name.trim()}
      submit={async () => {
        const made = await clone.mutateAsync();
        void navigate({ to: "/products/$product/overview", params: { product: made.id } });
      }}
    >
      {(problem) => (
        <>
          <Field label="Name of the new product" error={problem?.field("name")}>
            <Input
              value={name}
              onChange={(e) => setName(e.target.value)}
              maxLength={200}
              required
              autoFocus
              placeholder={`${p.name}, second edition`}
            />
          </Field>
          <Field label="Team" optional error={problem?.field("team")}>
            <Input value={team ?? p.team ?? ""} onChange={(e) => setTeam(e.target.value)} maxLength={200} />
          </Field>
          <fieldset className="grid gap-2">
            <legend className="mb-1 text-sm font-medium">Take along</legend>
            <Checkbox
              label="What was decided: states of threats and countermeasures with their reasons"
              checked={states}
              onChange={(e) => setStates(e.target.checked)}
            />
            <Checkbox label="Owners" checked={owners} onChange={(e) => setOwners(e.target.checked)} />
          </fieldset>
        </>
      )}
    </FormDialog>
  );
}

/** DeleteDialog deletes an archived product for good, once its name is typed. */
export function DeleteDialog({ product: p, open, onClose }: { product: Product; open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const remove = useChange(
    undefined,
    () => ok(api.DELETE("/products/{product}", { params: { path: { product: p.id } }, body: { name } })),
    () => ({ text: `${p.name} is deleted.` }),
  );
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      danger
      title={
        <>
          Delete <bdi>{p.name}</bdi>
        </>
      }
      about="The model, its history, test results and links to tickets are gone then, for everybody. Tickets in the tracker stay. This cannot be undone."
      verb="Delete for good"
      disabled={name !== p.name}
      submit={async () => {
        await remove.mutateAsync();
        void navigate({ to: "/" });
      }}
    >
      {(problem) => (
        <Field label="Type the product's name" hint={p.name} error={problem?.field("name")}>
          <Input value={name} onChange={(e) => setName(e.target.value)} autoComplete="off" autoFocus />
        </Field>
      )}
    </FormDialog>
  );
}
