import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, ListPlus, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { api, match, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { Button, IconButton } from "../../ui/button";
import { Badge, Section } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { plural } from "../../ui/words";
import { type Defined, fieldsQuery, type Role, roleNames, typeNames } from "../fields/data";
import { FieldDialog } from "./fielddialog";
import { definitionOf } from "./fieldform";

/** Fields is where administrators define what products store beside what every product has. */
export function Fields() {
  const { data, error, refetch } = useQuery(fieldsQuery);
  const [open, setOpen] = useState<Defined | "new">();
  const restore = (f: Defined) => ok(api.PUT("/fields/{key}", { params: { path: { key: f.key } }, body: definitionOf(f) }));
  const remove = useChange(
    undefined,
    (f: Defined) => ok(api.DELETE("/fields/{key}", { params: { path: { key: f.key }, header: match(f.version) } })),
    (_, f) => ({ text: `“${f.name}” is no longer defined. Products keep what they store in it.`, undo: () => restore(f) }),
  );
  const bring = useChange(undefined, restore, (f) => ({ text: `“${f.name}” is defined again` }));
  const order = useChange(undefined, (keys: string[]) =>
    ok(api.PUT("/fields/order", { params: { header: match(data?.version ?? 0) }, body: { keys } })),
  );
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading rows={3} />;
  const fields = data.items ?? [];
  const removed = data.removed ?? [];
  const move = (from: number, to: number) => {
    if (order.isPending || to < 0 || to >= fields.length) return;
    const keys = fields.map((f) => f.key);
    keys.splice(to, 0, ...keys.splice(from, 1));
    order.mutate(keys);
  };
  return (
    <div className="grid gap-4">
      <Section
        title="Custom fields"
        about="What your organisation keeps of every product: a cost centre, a class of data, who answers for it. Rules, lists and reports can use them."
        actions={
          fields.length > 0 && (
            <Button look="primary" icon={<Plus aria-hidden size={14} />} onClick={() => setOpen("new")}>
              Add a field
            </Button>
          )
        }
      >
        {fields.length === 0 ? (
          <Empty
            icon={<ListPlus size={20} />}
            title="No custom fields yet"
            action={
              <Button look="primary" icon={<Plus aria-hidden size={14} />} onClick={() => setOpen("new")}>
                Add a field
              </Button>
            }
          >
            A field that you add is asked for where a product is made and in its settings.
          </Empty>
        ) : (
          <ol aria-label="Custom fields in their order" className="divide-y divide-line">
            {fields.map((f, i) => (
              <li key={f.key} className="flex items-center gap-2 py-2.5">
                <div className="flex shrink-0">
                  <IconButton label={`Move ${f.name} up`} size="sm" disabled={i === 0} onClick={() => move(i, i - 1)}>
                    <ArrowUp size={14} />
                  </IconButton>
                  <IconButton label={`Move ${f.name} down`} size="sm" disabled={i === fields.length - 1} onClick={() => move(i, i + 1)}>
                    <ArrowDown size={14} />
                  </IconButton>
                </div>
                <div className="min-w-0 flex-1">
                  <div className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
                    <bdi className="min-w-0 truncate font-medium text-sm" title={f.name}>
                      {f.name}
                    </bdi>
                    <Badge>{f.multiple ? "Several choices" : typeNames[f.type]}</Badge>
                    {f.required && <Badge tone="accent">Required</Badge>}
                  </div>
                  <p className="truncate text-soft text-xs">
                    <code>{f.key}</code> · {plural(f.products ?? 0, "product")} · {whose(f)}
                  </p>
                </div>
                <IconButton label={`Change ${f.name}`} size="sm" onClick={() => setOpen(f)}>
                  <Pencil size={14} />
                </IconButton>
                <IconButton label={`Delete ${f.name}`} size="sm" onClick={() => remove.mutate(f)}>
                  <Trash2 size={14} />
                </IconButton>
              </li>
            ))}
          </ol>
        )}
      </Section>
      {removed.length > 0 && (
        <Section title="No longer defined" about="Products keep what they store in these fields and show it; nobody can change it there.">
          <ul className="divide-y divide-line">
            {removed.map((f) => (
              <li key={f.key} className="flex items-center gap-3 py-2">
                <div className="min-w-0 flex-1">
                  <bdi className="block truncate text-sm">{f.name}</bdi>
                  <p className="truncate text-soft text-xs">
                    <code>{f.key}</code> · {plural(f.products ?? 0, "product")}
                  </p>
                </div>
                <Button size="sm" onClick={() => bring.mutate(f)}>
                  Bring back
                </Button>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {open && (
        <FieldDialog field={open === "new" ? undefined : open} taken={[...fields, ...removed].map((f) => f.key)} onClose={() => setOpen(undefined)} />
      )}
    </div>
  );
}

function whose(f: Defined): string {
  const edits = `${roleNames[(f.editable_by ?? "modeller") as Role].toLowerCase()}s and above change it`;
  return f.visible_to && f.visible_to !== "viewer" ? `seen by ${roleNames[f.visible_to as Role].toLowerCase()}s and above, ${edits}` : edits;
}
