import { useQuery } from "@tanstack/react-query";
import { Check, Minus, Users } from "lucide-react";
import { Fragment, useState } from "react";
import { api, everything, match, ok, type S } from "../../api/client";
import { keys, productQuery } from "../../api/query";
import { useChange } from "../../app/change";
import { useAddress } from "../../ui/address";
import { Button, IconButton } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { Field, Select } from "../../ui/field";
import { Avatar, Section } from "../../ui/parts";
import { Failed, Skeleton } from "../../ui/state";
import { word } from "../../ui/words";
import { usersQuery } from "./people";
import { productNamesQuery } from "./tokens";

type Role = S["MemberView"]["role"];

const roles: Role[] = ["viewer", "developer", "modeller", "approver", "administrator"];
const about: Record<Role, string> = {
  viewer: "reads everything of the product",
  developer: "says what is done, sends results, works on tickets",
  modeller: "changes the model, publishes tickets, decides in the triage",
  approver: "decides what risk is carried",
  administrator: "settings and people of the product",
};

/** Roles says who has which role on a product, and what each role may do. */
export function Roles() {
  return (
    <div className="grid grid-cols-1 gap-5">
      <Members />
      <Matrix />
    </div>
  );
}

function Members() {
  const [search, set] = useAddress();
  const products = useQuery(productNamesQuery).data ?? [];
  const product = search.product ?? products[0]?.id ?? "";
  const view = useQuery({ ...productQuery(product), enabled: product !== "" }).data;
  const q = useQuery({
    queryKey: keys.product(product, "members"),
    queryFn: ({ signal }) =>
      everything<S["MemberView"]>((cursor) =>
        ok(api.GET("/products/{product}/members", { params: { path: { product }, query: { cursor, limit: 1000 } }, signal })),
      ),
    enabled: product !== "",
  });
  const people = useQuery(usersQuery).data ?? [];
  const [adding, setAdding] = useState({ user: "", role: "developer" as Role });
  const members = q.data ?? [];
  const give = useChange(
    product,
    ({ user, role, seen }: { user: string; role?: Role; before?: Role; seen?: number; name: string }) =>
      role
        ? ok(api.PUT("/products/{product}/members/{user}", { params: { path: { product, user }, header: match(seen) }, body: { role } }))
        : ok(api.DELETE("/products/{product}/members/{user}", { params: { path: { product, user }, header: match(seen) } })),
    (_, { user, role, before, name }) => ({
      text: role ? `${name} is ${word(role).toLowerCase()} now` : `${name} has no role here any more`,
      undo: () =>
        before
          ? ok(api.PUT("/products/{product}/members/{user}", { params: { path: { product, user } }, body: { role: before } }))
          : ok(api.DELETE("/products/{product}/members/{user}", { params: { path: { product, user } } })),
    }),
  );
  const may = (view?.can ?? []).includes("role.manage");
  const free = people.filter((u) => !u.disabled && !members.some((m) => m.user === u.id));
  return (
    <Section
      title="People of a product"
      about="Administrators of the installation may do everything everywhere, without a role."
      actions={
        <div className="w-full sm:w-64">
          <Combobox
            value={product}
            onChange={(p) => set({ product: p })}
            label="Product"
            options={products.map((p) => ({ value: p.id, text: p.name }))}
          />
        </div>
      }
    >
      {products.length === 0 ? (
        <p className="text-soft text-sm">There is no product yet.</p>
      ) : q.error ? (
        <Failed error={q.error} retry={() => void q.refetch()} />
      ) : !q.data ? (
        <Skeleton className="h-20" />
      ) : (
        <div className="grid gap-4">
          {members.length === 0 ? (
            <p className="flex items-center gap-2 text-soft text-sm">
              <Users aria-hidden size={15} /> Nobody has a role on this product yet.
            </p>
          ) : (
            <ul className="divide-y divide-line">
              {members.map((m) => (
                <li key={m.user} className="flex flex-wrap items-center gap-x-3 gap-y-1.5 py-2">
                  <Avatar name={m.name || m.email} />
                  <span className="min-w-0 flex-1 basis-40 text-sm">
                    <bdi className="block truncate font-medium">{m.name}</bdi>
                    <span className="block truncate text-soft text-xs">{m.email}</span>
                  </span>
                  <Select
                    aria-label={`Role of ${m.name}`}
                    className="max-w-44"
                    disabled={!may}
                    value={m.role}
                    onChange={(e) => give.mutate({ user: m.user, role: e.target.value as Role, before: m.role, seen: m.version, name: m.name })}
                  >
                    {roles.map((r) => (
                      <option key={r} value={r}>
                        {word(r)}
                      </option>
                    ))}
                  </Select>
                  <IconButton
                    label={`Take the role of ${m.name}`}
                    disabled={!may}
                    onClick={() => give.mutate({ user: m.user, before: m.role, seen: m.version, name: m.name })}
                  >
                    <Minus aria-hidden size={15} />
                  </IconButton>
                </li>
              ))}
            </ul>
          )}
          {may && (
            <form
              className="grid items-end gap-3 border-line border-t pt-4 sm:grid-cols-[1fr_11rem_auto]"
              onSubmit={(e) => {
                e.preventDefault();
                give.mutate(
                  { user: adding.user, role: adding.role, name: people.find((p) => p.id === adding.user)?.name ?? "" },
                  { onSuccess: () => setAdding({ ...adding, user: "" }) },
                );
              }}
            >
              <Field label="Add a person">
                <Combobox
                  value={adding.user}
                  onChange={(user) => setAdding({ ...adding, user })}
                  label="Search people"
                  options={free.map((u) => ({ value: u.id, text: u.name || u.email, about: u.email }))}
                />
              </Field>
              <Field label="As">
                <Select value={adding.role} onChange={(e) => setAdding({ ...adding, role: e.target.value as Role })}>
                  {roles.map((r) => (
                    <option key={r} value={r}>
                      {word(r)}
                    </option>
                  ))}
                </Select>
              </Field>
              <Button type="submit" disabled={!adding.user} busy={give.isPending}>
                Give the role
              </Button>
            </form>
          )}
        </div>
      )}
    </Section>
  );
}

const groups: [name: string, prefixes: string[]][] = [
  ["Products", ["product"]],
  ["Model", ["model", "plan", "report"]],
  ["Threats and countermeasures", ["threat", "countermeasure", "comment"]],
  ["Test results", ["results", "job"]],
  ["Tickets and trackers", ["tickets", "connection"]],
  ["People", ["role", "user", "token", "account"]],
];

/** Matrix says what each role may do, as the server decides it. */
function Matrix() {
  const q = useQuery({
    queryKey: keys.instance("policy"),
    queryFn: ({ signal }) => ok(api.GET("/policy", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Skeleton className="h-40" />;
  const rows = (q.data.items ?? []).filter((r) => r.role);
  const group = (action: string) => groups.find(([, p]) => p.includes(action.split(".")[0]!))?.[0] ?? "More";
  const names = [...groups.map(([n]) => n), "More"].filter((n) => rows.some((r) => group(r.action) === n));
  const rank = (role: string | undefined) => roles.indexOf(role as Role);
  return (
    <Section title="What each role may do" about="Each role may do what the one before it may. This is the table that the server decides by." flush>
      <div className="relative overflow-x-auto">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be in reach of the keyboard */}
        <table className="w-full min-w-190 text-sm max-sm:min-w-160" tabIndex={0} aria-label="What each role may do">
          <thead>
            <tr className="border-line border-b text-start">
              <th scope="col" className="sticky start-0 bg-surface px-4 py-2 text-start font-normal text-soft text-xs">
                May
              </th>
              {roles.map((r) => (
                <th key={r} scope="col" className="w-28 px-2 py-2 text-center font-medium text-xs" title={about[r]}>
                  {word(r)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((n) => (
              <Fragment key={n}>
                <tr>
                  <th colSpan={6} scope="colgroup" className="overline pt-4 pb-1 text-start">
                    <span className="sticky start-0 px-4">{n}</span>
                  </th>
                </tr>
                {rows
                  .filter((r) => group(r.action) === n)
                  .sort((a, b) => rank(a.role) - rank(b.role))
                  .map((r) => (
                    <tr key={r.action} className="border-line border-b last:border-0">
                      <th scope="row" className="sticky start-0 bg-surface px-4 py-1.5 text-start font-normal max-sm:w-48" title={r.action}>
                        <span className="block first-letter:uppercase">{r.text}</span>
                      </th>
                      {roles.map((role, i) => (
                        <td key={role} className="px-2 py-1.5 text-center">
                          {i >= rank(r.role) ? (
                            <Check role="img" aria-label="yes" size={15} className="inline text-low" />
                          ) : (
                            <span className="text-soft">
                              <span aria-hidden>–</span>
                              <span className="sr-only">no</span>
                            </span>
                          )}
                        </td>
                      ))}
                    </tr>
                  ))}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
