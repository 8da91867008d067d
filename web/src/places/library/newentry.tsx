import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Select } from "../../ui/field";
import { type Kind, kinds, type Row, slug, starter } from "./data";

/** NewEntry begins an entry of the organisation's own from a small sound text. */
export function NewEntry({ open, onClose, rows }: { open: boolean; onClose: () => void; rows: Row[] }) {
  const navigate = useNavigate();
  const [kind, setKind] = useState<Kind>("pattern");
  const [name, setName] = useState("");
  const [own, setOwn] = useState<string>();
  const ref = own ?? slug(name);
  const taken = rows.some((r) => r.kind === kind && r.ref === ref);
  const make = useChange(undefined, () =>
    ok(
      api.PUT("/library/entries/{kind}/{ref}", {
        params: { path: { kind, ref }, header: { "If-None-Match": "*" } },
        body: { text: starter(kind, ref, name.trim()) },
      }),
    ),
  );
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title="New entry"
      about="It begins as a draft. Products follow it once it is published."
      verb="Begin"
      disabled={!ref || taken}
      submit={async () => {
        await make.mutateAsync();
        void navigate({ to: "/library/$kind/$ref", params: { kind, ref } });
      }}
    >
      <Field label="Kind">
        <Select value={kind} onChange={(e) => setKind(e.target.value as Kind)}>
          {(["pattern", "rule", "type", "questionnaire", "standard"] as Kind[]).map((k) => (
            <option key={k} value={k}>
              {kinds[k].one}
            </option>
          ))}
        </Select>
      </Field>
      <Field label="Name">
        <Input required value={name} onChange={(e) => setName(e.target.value)} maxLength={200} autoFocus />
      </Field>
      <Field
        label="Ref"
        hint="Lower case letters, digits and hyphens. It is the entry's identity: another ref is another entry."
        error={taken ? `There is a ${kinds[kind].one.toLowerCase()} with this ref already` : undefined}
      >
        <Input required value={ref} pattern="[a-z0-9]+(-[a-z0-9]+)*" onChange={(e) => setOwn(e.target.value)} />
      </Field>
    </FormDialog>
  );
}
