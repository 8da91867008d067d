import { useQuery } from "@tanstack/react-query";
import { UserRoundX } from "lucide-react";
import { useState } from "react";
import { api, everything, match, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { Button, IconButton } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { Field, Select } from "../../ui/field";
import { Avatar, Section } from "../../ui/parts";
import { ErrorText, Skeleton } from "../../ui/state";
import { word } from "../../ui/words";
import { useProduct } from "../product/frame";

type Role = S["MemberView"]["role"];

const roles: { role: Role; may: string }[] = [
  { role: "viewer", may: "reads everything" },
  { role: "developer", may: "also sets countermeasures to implemented, uploads results, works on tickets" },
  { role: "modeller", may: "also edits the model, applies plans, rejects, publishes tickets" },
  { role: "approver", may: "also accepts risk and sets the tolerance" },
  { role: "administrator", may: "also manages members, archives, reads the audit trail" },
];

/** Members are the people of a product with their roles. */
export function Members() {
  const p = useProduct();
  const me = useMe();
  const may = (p.can ?? []).includes("role.manage" as never);
  const path = (user: string) => ({ product: p.id, user });
  const q = useQuery({
    queryKey: keys.product(p.id, "members"),
    queryFn: ({ signal }) =>
      everything<S["MemberView"]>((cursor) =>
        ok(api.GET("/products/{product}/members", { params: { path: { product: p.id }, query: { cursor, limit: 1000 } }, signal })),
      ),
  });
  const put = (user: string, role: Role, seen?: number) =>
    ok(api.PUT("/products/{product}/members/{user}", { params: { path: path(user), header: match(seen) }, body: { role } }));
  const take = (user: string, seen?: number) =>
    ok(api.DELETE("/products/{product}/members/{user}", { params: { path: path(user), header: match(seen) } }));
  const change = useChange(
    p.id,
    (x: { user: string; name: string; role: Role; was?: Role; seen?: number }) => put(x.user, x.role, x.seen),
    (_, x) => ({
      text: x.was ? `${x.name} is ${word(x.role).toLowerCase()} now.` : `${x.name} is a member now.`,
      undo: () => (x.was ? put(x.user, x.was) : take(x.user)),
    }),
  );
  const remove = useChange(
    p.id,
    (m: S["MemberView"]) => take(m.user, m.version),
    (_, m) => ({ text: `${m.name} is no member any more.`, undo: () => put(m.user, m.role) }),
  );
  const members = q.data ?? [];
  return (
    <Section title="Members" about="Administrators of the installation see and may do everything without being listed." flush>
      <div id="members" className="scroll-mt-24">
        {q.error && !q.data && <ErrorText error={q.error} className="m-4" />}
        {!q.data && !q.error && <Skeleton className="m-4 h-24" />}
        <ul className="divide-y divide-line pt-1">
          {members.map((m) => (
            <li key={m.user} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2">
              <Avatar name={m.name || m.email} size={26} />
              <span className="min-w-0 flex-1 basis-40 text-sm">
                <bdi className="block truncate">{m.name}</bdi>
                <bdi className="block truncate text-soft text-xs">{m.email}</bdi>
              </span>
              {may ? (
                <>
                  <Select
                    aria-label={`Role of ${m.name}`}
                    className="w-40"
                    value={m.role}
                    onChange={(e) => change.mutate({ user: m.user, name: m.name, role: e.target.value as Role, was: m.role, seen: m.version })}
                  >
                    {roles.map((r) => (
                      <option key={r.role} value={r.role}>
                        {word(r.role)}
                      </option>
                    ))}
                  </Select>
                  <IconButton label={`Take ${m.user === me?.id ? "yourself" : m.name} out`} size="sm" onClick={() => remove.mutate(m)}>
                    <UserRoundX size={15} />
                  </IconButton>
                </>
              ) : (
                <span className="text-sm text-soft">{word(m.role)}</span>
              )}
            </li>
          ))}
          {q.data && members.length === 0 && <li className="px-4 py-3 text-soft text-sm">Nobody has a role of their own on this product yet.</li>}
        </ul>
        {may && <AddMember members={members} add={(user, name, role) => change.mutateAsync({ user, name, role })} />}
        <dl className="grid gap-1 border-line border-t px-4 py-3 text-xs sm:grid-cols-[7rem_minmax(0,1fr)]">
          {roles.map((r) => (
            <div key={r.role} className="contents">
              <dt className="font-medium">{word(r.role)}</dt>
              <dd className="text-soft">{r.may}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Section>
  );
}

function AddMember({ members, add }: { members: S["MemberView"][]; add: (user: string, name: string, role: Role) => Promise<unknown> }) {
  const [user, setUser] = useState("");
  const [role, setRole] = useState<Role>("developer");
  const people = useQuery({
    queryKey: keys.instance("people"),
    queryFn: ({ signal }) => ok(api.GET("/people", { params: { query: { limit: 1000 } }, signal })),
  });
  const there = new Set(members.map((m) => m.user));
  const free = (people.data?.items ?? []).filter((x) => !there.has(x.id));
  return (
    <form
      className="grid items-end gap-3 border-line border-t px-4 py-3 sm:grid-cols-[minmax(0,1fr)_9rem_auto]"
      onSubmit={(e) => {
        e.preventDefault();
        const who = free.find((x) => x.id === user);
        if (who)
          void add(who.id, who.name, role).then(
            () => setUser(""),
            () => undefined,
          );
      }}
    >
      <Field label="Add a person">
        <Combobox
          label="Choose a person"
          value={user}
          onChange={setUser}
          options={free.map((x) => ({ value: x.id, text: x.name, about: x.email }))}
        />
      </Field>
      <Field label="As">
        <Select value={role} onChange={(e) => setRole(e.target.value as Role)}>
          {roles.map((r) => (
            <option key={r.role} value={r.role}>
              {word(r.role)}
            </option>
          ))}
        </Select>
      </Field>
      <Button type="submit" disabled={!user}>
        Add
      </Button>
    </form>
  );
}
