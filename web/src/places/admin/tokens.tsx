import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Combobox } from "../../ui/combobox";
import { Copyable } from "../../ui/copy";
import { Confirm, Dialog, FormDialog } from "../../ui/dialog";
import { Checkbox, Field, Input, Select } from "../../ui/field";
import { Badge } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { Ago, date } from "../../ui/time";

type Token = S["TokenView"];

export const productNamesQuery = {
  queryKey: keys.products("names"),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    everything<S["ProductView"]>((cursor) => ok(api.GET("/products", { params: { query: { cursor, limit: 1000 } }, signal }))),
  staleTime: 300_000,
};

const scopes: { value: string; text: string; about: string }[] = [
  { value: "upload", text: "Upload", about: "Send reports and follow them, nothing else. For pipelines." },
  { value: "read", text: "Read", about: "Read what you may read." },
  { value: "write", text: "Write", about: "Read, upload and change products." },
  { value: "admin", text: "Everything", about: "All that you may do yourself." },
];

/** Tokens are one's own API tokens. */
export function Tokens() {
  const q = useQuery({ queryKey: keys.instance("tokens"), queryFn: ({ signal }) => ok(api.GET("/tokens", { signal })) });
  const products = useQuery(productNamesQuery).data;
  const [adding, add] = useState(false);
  const [made, setMade] = useState<Token>();
  const [revoking, revoke] = useState<Token>();
  const drop = useChange(
    undefined,
    (t: Token) => ok(api.DELETE("/tokens/{token}", { params: { path: { token: t.id } } })),
    (_, t) => ({ text: `${t.name} is revoked` }),
  );
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading rows={3} />;
  const live = (q.data.items ?? []).filter((t) => !t.revoked);
  const button = (
    <Button look={live.length ? "secondary" : "primary"} icon={<Plus size={14} />} onClick={() => add(true)}>
      New token
    </Button>
  );
  return (
    <>
      {live.length === 0 ? (
        <Empty icon={<KeyRound size={20} />} title="You have no token" action={button} className="py-8">
          Pipelines and scripts sign in with a token. It may do less than you, never more.
        </Empty>
      ) : (
        <>
          <div className="mb-3 flex justify-end">{button}</div>
          <ul className="divide-y divide-line border-line border-y" aria-label="Your tokens">
            {live.map((t) => {
              const over = !!t.expires && Date.parse(t.expires) < Date.now();
              return (
                <li key={t.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5">
                  <div className="min-w-0 flex-1 basis-60">
                    <p className="flex flex-wrap items-center gap-2">
                      <bdi className="min-w-0 truncate font-medium">{t.name}</bdi>
                      {(t.scopes ?? []).map((s) => (
                        <Badge key={s} tone={s === "admin" ? "warn" : "neutral"}>
                          {scopes.find((x) => x.value === s)?.text ?? s}
                        </Badge>
                      ))}
                    </p>
                    <p className="text-soft text-xs">
                      {t.product ? (
                        <>
                          Only for <bdi>{products?.find((p) => p.id === t.product)?.name ?? t.product}</bdi> ·{" "}
                        </>
                      ) : null}
                      {over ? (
                        <span className="text-critical">expired {date(t.expires!)}</span>
                      ) : t.expires ? (
                        `until ${date(t.expires)}`
                      ) : (
                        "never expires"
                      )}{" "}
                      · last used <Ago at={t.used} className="" />
                    </p>
                  </div>
                  <Button size="sm" onClick={() => revoke(t)}>
                    Revoke
                  </Button>
                </li>
              );
            })}
          </ul>
        </>
      )}
      {adding && <AddToken products={products ?? []} onClose={() => add(false)} onMade={setMade} />}
      {made?.token && (
        <Dialog
          open
          onClose={() => setMade(undefined)}
          title="Your new token"
          about="It is shown this once and is not kept. Copy it now to where it is used."
        >
          <div className="grid gap-4">
            <Copyable text={made.token} label="Copy the token" />
            <Button look="primary" className="justify-self-end" onClick={() => setMade(undefined)}>
              Done
            </Button>
          </div>
        </Dialog>
      )}
      {revoking && (
        <Confirm
          open
          onClose={() => revoke(undefined)}
          title={`Revoke ${revoking.name}?`}
          about="What uses it is refused from now on. This cannot be undone; you can make another."
          verb="Revoke"
          submit={() => drop.mutateAsync(revoking)}
        />
      )}
    </>
  );
}

function AddToken({ products, onClose, onMade }: { products: S["ProductView"][]; onClose: () => void; onMade: (t: Token) => void }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string[]>(["upload"]);
  const [product, setProduct] = useState("");
  const [days, setDays] = useState("365");
  const add = useChange(undefined, () =>
    ok(api.POST("/tokens", { body: { name: name.trim(), scopes: chosen, product: product || undefined, days: Number(days) } })),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="New token"
      verb="Make the token"
      disabled={chosen.length === 0}
      submit={async () => {
        onMade(await add.mutateAsync());
      }}
    >
      {(problem) => (
        <>
          <Field label="Name" hint="What uses it." error={problem?.field("name")}>
            <Input required maxLength={200} value={name} onChange={(e) => setName(e.target.value)} placeholder="Pipeline of the shop" autoFocus />
          </Field>
          <fieldset className="grid gap-2">
            <legend className="mb-1 font-medium text-sm">What it may do</legend>
            {scopes.map((s) => (
              <Checkbox
                key={s.value}
                checked={chosen.includes(s.value)}
                onChange={(e) => setChosen(e.target.checked ? [...chosen, s.value] : chosen.filter((x) => x !== s.value))}
                label={
                  <>
                    <span className="font-medium">{s.text}</span> <span className="text-soft">{s.about}</span>
                  </>
                }
              />
            ))}
          </fieldset>
          <Field label="Product" error={problem?.field("product")}>
            <Combobox
              value={product}
              onChange={setProduct}
              label="Search products"
              none="All that you may see"
              options={products.map((p) => ({ value: p.id, text: p.name }))}
            />
          </Field>
          <Field label="Ends" error={problem?.field("days")}>
            <Select value={days} onChange={(e) => setDays(e.target.value)}>
              <option value="30">in 30 days</option>
              <option value="90">in 90 days</option>
              <option value="365">in a year</option>
              <option value="0">never</option>
            </Select>
          </Field>
        </>
      )}
    </FormDialog>
  );
}
