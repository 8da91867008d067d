import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { countermeasuresQuery, threatsQuery, weaknessesQuery } from "../../api/query";
import { useChange } from "../../app/change";
import { Combobox } from "../../ui/combobox";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Select } from "../../ui/field";

type Purpose = "countermeasure" | "threat" | "vulnerability";

/** LinkTicket links a ticket that is there already to something of the product. */
export function LinkTicket({ product, connections, onClose }: { product: string; connections: { id: string; name: string }[]; onClose: () => void }) {
  const threats = useQuery(threatsQuery(product)).data ?? [];
  const weaknesses = useQuery(weaknessesQuery(product)).data ?? [];
  const countermeasures = useQuery(countermeasuresQuery(product)).data ?? [];
  const [ticket, setTicket] = useState("");
  const [connection, setConnection] = useState(connections[0]?.id ?? "");
  const [object, setObject] = useState("");
  const all = [
    ...countermeasures.map((c) => ({
      value: c.id,
      text: c.title,
      about: c.where_name,
      group: "Countermeasures",
      purpose: "countermeasure" as Purpose,
    })),
    ...threats.map((t) => ({ value: t.id, text: t.title, about: t.where_name, group: "Threats", purpose: "threat" as Purpose })),
    ...weaknesses.map((w) => ({
      value: w.id,
      text: w.title,
      about: w.where_name,
      group: "Weaknesses, as a vulnerability",
      purpose: "vulnerability" as Purpose,
    })),
  ];
  const purpose = all.find((o) => o.value === object)?.purpose ?? "countermeasure";
  const key = ticket.trim().split("/").pop()?.split("?")[0] ?? "";
  const link = useChange(
    product,
    () => ok(api.POST("/products/{product}/tickets/link", { params: { path: { product } }, body: { connection, object, purpose, ticket: key } })),
    () => ({
      text: `${key} is linked`,
      undo: () =>
        ok(api.POST("/products/{product}/tickets/unlink", { params: { path: { product } }, body: { connection, object, purpose, ticket: key } })),
    }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Link a ticket"
      about="For a ticket that your team has already. Threatloop follows its status and comments on it; it never changes or moves it."
      verb="Link"
      disabled={!object || !connection}
      submit={() => link.mutateAsync()}
    >
      {(problem) => (
        <>
          <Field label="Ticket" hint="Its key, or its address in the tracker." error={problem?.field("ticket")}>
            <Input required value={ticket} onChange={(e) => setTicket(e.target.value)} placeholder="SHOP-12" autoFocus />
          </Field>
          <Field label="Tracker" error={problem?.field("connection")}>
            <Select value={connection} onChange={(e) => setConnection(e.target.value)}>
              {connections.map((c) => (
                <option key={c.id} value={c.id}>
                  {c.name}
                </option>
              ))}
            </Select>
          </Field>
          <Field label="What it is for" error={problem?.field("object")}>
            <Combobox value={object} onChange={setObject} options={all} label="Search countermeasures, threats and weaknesses" />
          </Field>
        </>
      )}
    </FormDialog>
  );
}
