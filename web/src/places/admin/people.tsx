import { Plus, RefreshCw } from "lucide-react";
import { useMemo, useState } from "react";
import { api, everything, match, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { type Pages, useWhole } from "../../api/whole";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { CopyButton } from "../../ui/copy";
import { FormDialog } from "../../ui/dialog";
import { Checkbox, Field, Input } from "../../ui/field";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Avatar, Badge } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { type Column, Table } from "../../ui/table";
import { Ago } from "../../ui/time";
import { plural } from "../../ui/words";

type User = S["UserView"];

export const usersQuery = {
  queryKey: keys.instance("users"),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    everything<User>((cursor) => ok(api.GET("/users", { params: { query: { cursor, limit: 1000 } }, signal }))),
};

/** userRows are the accounts for a list of them, by e-mail. */
const userRows: Pages<User> = {
  queryKey: keys.instance("users", "rows"),
  page: (cursor, limit, signal) => ok(api.GET("/users", { params: { query: { cursor, limit } }, signal })),
};

const edit = (u: User, body: S["UserEdit"]) => ok(api.PATCH("/users/{user}", { params: { path: { user: u.id }, header: match(u.version) }, body }));

const columns: Column<User>[] = [
  {
    id: "name",
    name: "Name",
    width: "minmax(12rem,2fr)",
    narrow: "title",
    cell: (u) => (
      <span className="flex min-w-0 items-center gap-2">
        <Avatar name={u.name || u.email} />
        <bdi className="truncate font-medium">{u.name || u.email}</bdi>
      </span>
    ),
    sort: (u) => u.name || u.email,
    text: (u) => u.name,
  },
  {
    id: "email",
    name: "E-mail",
    width: "minmax(12rem,2fr)",
    cell: (u) => <span className="block truncate text-soft">{u.email}</span>,
    sort: (u) => u.email,
    text: (u) => u.email,
  },
  {
    id: "admin",
    name: "Installation",
    width: "9rem",
    cell: (u) => (u.admin ? <Badge tone="accent">Administrator</Badge> : <span className="text-soft">Member</span>),
    sort: (u) => (u.admin ? 0 : 1),
    text: (u) => (u.admin ? "Administrator" : "Member"),
  },
  {
    id: "state",
    name: "State",
    width: "7rem",
    narrow: "end",
    cell: (u) => <Badge tone={u.disabled ? "warn" : "good"}>{u.disabled ? "Disabled" : "Active"}</Badge>,
    sort: (u) => (u.disabled ? 1 : 0),
    text: (u) => (u.disabled ? "Disabled" : "Active"),
  },
  {
    id: "created",
    name: "Since",
    width: "8rem",
    cell: (u) => <Ago at={u.created} className="text-soft" />,
    sort: (u) => Date.parse(u.created),
    text: (u) => u.created,
  },
];

/** People are the accounts of the installation. */
export function People() {
  const { rows: read, reading, error, retry } = useWhole(userRows);
  const me = useMe();
  const [search, set] = useAddress();
  const [selected, select] = useState(new Set<string>());
  const [adding, add] = useState(false);
  const rows = useMemo(() => read ?? [], [read]);
  const shown = useFiltered(rows, (u) => `${u.name} ${u.email}`, {
    admin: (u) => (u.admin ? "yes" : "no"),
    state: (u) => (u.disabled ? "disabled" : "active"),
  });
  const disable = useChange(
    undefined,
    async ({ users, disabled }: { users: User[]; disabled: boolean }) => {
      const out: User[] = [];
      for (const u of users) out.push(await edit(u, { disabled }));
      return out;
    },
    (done, { disabled }) => ({
      text: `${plural(done.length, "account")} ${disabled ? "disabled" : "enabled"}`,
      undo: async () => {
        for (const u of done) await edit(u, { disabled: !disabled });
      },
    }),
  );
  if (!read) return error ? <Failed error={error} retry={retry} /> : <Loading rows={4} />;
  const chosen = rows.filter((u) => selected.has(u.id) && u.id !== me?.id);
  const open = rows.find((u) => u.id === search.open);
  const able = chosen.filter((u) => !u.disabled);
  const off = chosen.filter((u) => u.disabled);
  return (
    <>
      <FilterBar
        label="Search people"
        shown={shown.length}
        total={rows.length}
        reading={reading}
        filters={[
          {
            key: "admin",
            name: "Installation",
            options: [
              { value: "yes", text: "Administrator" },
              { value: "no", text: "Member" },
            ],
          },
          {
            key: "state",
            name: "State",
            options: [
              { value: "active", text: "Active" },
              { value: "disabled", text: "Disabled" },
            ],
          },
        ]}
      >
        <Button look="primary" icon={<Plus size={14} />} onClick={() => add(true)}>
          Add a person
        </Button>
      </FilterBar>
      {selected.size > 0 && (
        <div className="mb-2 flex flex-wrap items-center gap-2 rounded-md border border-accent bg-accent-soft px-3 py-1.5 text-sm" role="status">
          <span className="num font-medium">{selected.size} selected</span>
          {able.length > 0 && (
            <Button size="sm" onClick={() => disable.mutate({ users: able, disabled: true }, { onSuccess: () => select(new Set()) })}>
              Disable {able.length}
            </Button>
          )}
          {off.length > 0 && (
            <Button size="sm" onClick={() => disable.mutate({ users: off, disabled: false }, { onSuccess: () => select(new Set()) })}>
              Enable {off.length}
            </Button>
          )}
          <Button size="sm" look="ghost" onClick={() => select(new Set())}>
            Clear
          </Button>
        </div>
      )}
      {shown.length === 0 && !reading ? (
        <Empty title="Nobody matches">Take a filter away.</Empty>
      ) : (
        <Table
          rows={shown}
          columns={columns}
          rowKey={(u) => u.id}
          label="People"
          onOpen={(u) => set({ open: u.id }, true)}
          openKey={search.open}
          selected={selected}
          onSelect={select}
          sortBy="email"
          reading={reading !== undefined}
          empty={null}
          exportName="people"
        />
      )}
      {adding && <AddPerson onClose={() => add(false)} />}
      {open && <EditPerson key={open.id} user={open} self={open.id === me?.id} onClose={() => set({ open: undefined })} />}
    </>
  );
}

/** password makes one that nobody guesses, of letters that are not mistaken for one another. */
function password(): string {
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  const raw = Array.from(crypto.getRandomValues(new Uint8Array(20)), (b) => letters[b % letters.length]).join("");
  return raw.match(/.{5}/g)!.join("-");
}

function PasswordField({
  label,
  value,
  onChange,
  required,
  error,
  hint,
}: {
  label: string;
  value: string;
  onChange: (v: string) => void;
  required?: boolean;
  error?: string;
  hint: string;
}) {
  return (
    <div className="flex items-start gap-1.5">
      <Field label={label} optional={!required} hint={hint} error={error} className="min-w-0 flex-1">
        <Input
          required={required}
          minLength={12}
          value={value}
          onChange={(e) => onChange(e.target.value)}
          autoComplete="off"
          spellCheck={false}
          className="font-mono"
        />
      </Field>
      <div className="flex gap-0.5 pt-6">
        <Button icon={<RefreshCw size={13} />} onClick={() => onChange(password())}>
          Make one
        </Button>
        {value && <CopyButton text={value} label="Copy the password" />}
      </div>
    </div>
  );
}

function AddPerson({ onClose }: { onClose: () => void }) {
  const [v, set] = useState({ name: "", email: "", password: "", admin: false });
  const add = useChange(
    undefined,
    () => ok(api.POST("/users", { body: { ...v, name: v.name.trim(), email: v.email.trim() } })),
    (u) => ({ text: `${u.name} may sign in now` }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Add a person"
      about="What they may do in a product is given there, as a role."
      verb="Add"
      submit={() => add.mutateAsync()}
    >
      {(problem) => (
        <>
          <Field label="Name" error={problem?.field("name")}>
            <Input required maxLength={200} value={v.name} onChange={(e) => set({ ...v, name: e.target.value })} autoFocus autoComplete="off" />
          </Field>
          <Field label="E-mail" error={problem?.field("email")}>
            <Input required type="email" maxLength={200} value={v.email} onChange={(e) => set({ ...v, email: e.target.value })} autoComplete="off" />
          </Field>
          <PasswordField
            required
            label="First password"
            value={v.password}
            onChange={(p) => set({ ...v, password: p })}
            error={problem?.field("password")}
            hint="At least 12 characters. Give it to them by a safe way; they change it in their account."
          />
          <Checkbox
            checked={v.admin}
            onChange={(e) => set({ ...v, admin: e.target.checked })}
            label="Administrator of the installation: may do everything, in every product"
          />
        </>
      )}
    </FormDialog>
  );
}

function EditPerson({ user, self, onClose }: { user: User; self: boolean; onClose: () => void }) {
  // What the person began with: a change that somebody else made meanwhile is told, not overwritten.
  const [base] = useState(user);
  const [v, set] = useState({ name: user.name, admin: !!user.admin, disabled: !!user.disabled, password: "" });
  const save = useChange(
    undefined,
    () =>
      edit(base, {
        name: v.name.trim() !== base.name ? v.name.trim() : undefined,
        admin: v.admin !== !!base.admin ? v.admin : undefined,
        disabled: v.disabled !== !!base.disabled ? v.disabled : undefined,
        password: v.password || undefined,
      }),
    (u) => ({ text: v.password ? `${u.name} is saved, with a new password` : `${u.name} is saved` }),
  );
  return (
    <FormDialog open onClose={onClose} title={<bdi>{base.name || base.email}</bdi>} about={base.email} verb="Save" submit={() => save.mutateAsync()}>
      {(problem) => (
        <>
          <Field label="Name" error={problem?.field("name")}>
            <Input required maxLength={200} value={v.name} onChange={(e) => set({ ...v, name: e.target.value })} />
          </Field>
          <Checkbox
            checked={v.admin}
            onChange={(e) => set({ ...v, admin: e.target.checked })}
            label="Administrator of the installation: may do everything, in every product"
          />
          <Checkbox
            checked={v.disabled}
            disabled={self}
            onChange={(e) => set({ ...v, disabled: e.target.checked })}
            label={self ? "Disabled (not your own account)" : "Disabled: cannot sign in, and their tokens and sessions end"}
          />
          <PasswordField
            label="New password"
            value={v.password}
            onChange={(p) => set({ ...v, password: p })}
            error={problem?.field("password")}
            hint="Ends their sessions."
          />
        </>
      )}
    </FormDialog>
  );
}
