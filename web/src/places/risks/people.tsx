import { useQuery } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useMe } from "../../app/session";
import { Choices, Combobox, type Option } from "../../ui/combobox";
import { Field } from "../../ui/field";
import { Avatar, Owner, Popover } from "../../ui/parts";
import { peopleOf } from "./data";

/** usePeople are those who can own something in a product, oneself first. */
export function usePeople(product: string, on = true): Option[] {
  const me = useMe();
  const { data } = useQuery({ ...peopleOf(product), enabled: on, staleTime: 5 * 60_000 });
  const people = data ?? [];
  const first = people.filter((p) => p.id === me?.id);
  return [...first, ...people.filter((p) => p.id !== me?.id)].map((p) => ({
    value: p.id,
    text: p.id === me?.id ? `${p.name} (you)` : p.name,
    about: p.email,
    icon: <Avatar name={p.name} size={18} />,
  }));
}

/** OwnerField chooses who answers for something, in a form. A name that is no account may be typed. */
export function OwnerField({
  product,
  value,
  onChange,
  label = "Owner",
  error,
  optional,
}: {
  product: string;
  value: string;
  onChange: (id: string) => void;
  label?: string;
  error?: string;
  optional?: boolean;
}) {
  const people = usePeople(product);
  return (
    <Field label={label} error={error} optional={optional}>
      <Combobox
        label="Find a person, or type a name"
        none={optional ? "Nobody" : undefined}
        options={people}
        value={value}
        onChange={onChange}
        create
      />
    </Field>
  );
}

/** OwnerPicker shows who owns something and gives it to somebody else; without onChange it only shows. */
export function OwnerPicker({
  product,
  owner,
  name,
  onChange,
  what,
  trigger,
}: {
  product: string;
  owner?: string;
  name?: string;
  onChange?: (id: string, name: string) => void;
  what: string;
  trigger?: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const people = usePeople(product, open || (!!owner && !name));
  const known = name ?? people.find((p) => p.value === owner)?.text ?? owner;
  if (!onChange) return <Owner name={known} />;
  const choose = (id: string) => {
    setOpen(false);
    onChange(id, people.find((p) => p.value === id)?.text ?? id);
  };
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      label={`Owner of ${what}`}
      className="w-72 p-2"
      trigger={
        trigger ?? (
          <button
            type="button"
            aria-label={`Owner of ${what}: ${known || "nobody"}. Change it`}
            className="inline-flex h-6 min-w-0 max-w-full items-center gap-1 rounded-md pe-1 hover:bg-raised"
          >
            <Owner name={known} />
            <ChevronDown aria-hidden size={13} className="shrink-0 text-soft" />
          </button>
        )
      }
    >
      <Choices
        label="Find a person, or type a name"
        options={[...people, { value: "", text: "Nobody" }]}
        chosen={(v) => v === (owner ?? "")}
        onChoose={choose}
        create={choose}
      />
    </Popover>
  );
}
