import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Box, CornerDownLeft, ShieldCheck, TriangleAlert } from "lucide-react";
import { Dialog as D } from "radix-ui";
import { type ReactNode, useRef, useState } from "react";
import { api, ok } from "../api/client";
import { countermeasuresQuery, keys, threatsQuery } from "../api/query";
import { Kbd } from "../ui/kbd";
import { asBand, Bars } from "../ui/rating";
import { arrive } from "./arrive";
import { places, productPlaces } from "./places";
import { useMe, useSignOut } from "./session";
import { useTheme } from "./theme";

/** Palette finds places, products and what is in the product that is open, and does things. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const navigate = useNavigate();
  const me = useMe();
  const signOut = useSignOut();
  const setTheme = useTheme((s) => s.set);
  const { product } = useParams({ strict: false }) as { product?: string };
  const q = text.trim();
  const products = useQuery({
    queryKey: keys.products("find", q),
    queryFn: ({ signal }) => ok(api.GET("/products", { params: { query: { q: q || undefined, limit: 8 } }, signal })),
    placeholderData: (old) => old,
  });
  const threats = useQuery({ ...threatsQuery(product ?? ""), enabled: !!product && q.length > 1 });
  const countermeasures = useQuery({ ...countermeasuresQuery(product ?? ""), enabled: !!product && q.length > 1 });
  const leaving = useRef(false);
  const act = (run: () => unknown) => () => {
    onClose();
    void run();
  };
  const go = (run: () => unknown) =>
    act(async () => {
      leaving.current = true;
      await run();
      arrive();
    });
  const can = new Set<string>(me?.can ?? []);
  return (
    <D.Root open onOpenChange={(o) => !o && onClose()}>
      <D.Portal>
        <D.Overlay className="fixed inset-0 z-50 bg-[#0a0b10]/40" />
        <D.Content
          data-modal
          aria-describedby={undefined}
          // Nobody goes back to where they left.
          onCloseAutoFocus={(e) => leaving.current && e.preventDefault()}
          className="fixed start-1/2 top-[12vh] z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 animate-in overflow-hidden rounded-xl border border-line bg-surface shadow-float rtl:translate-x-1/2"
        >
          <D.Title className="sr-only">Search and do</D.Title>
          <Command label="Search and do" loop>
            <Command.Input
              value={text}
              onValueChange={setText}
              placeholder="Search products, threats, places…"
              className="w-full border-line border-b bg-transparent px-4 py-3.5 text-lg outline-none"
            />
            <Command.List className="max-h-[52vh] overflow-y-auto p-1.5">
              <Command.Empty className="px-3 py-6 text-center text-sm text-soft">Nothing matches.</Command.Empty>
              {product && (
                <Group name="This product">
                  {productPlaces.map((p) => (
                    <Item
                      key={p.path}
                      icon={<p.icon size={15} />}
                      text={p.name}
                      keys={p.keys}
                      run={go(() => navigate({ to: `/products/$product/${p.path}` as "/products/$product/overview", params: { product } }))}
                    />
                  ))}
                </Group>
              )}
              {q.length > 1 && (threats.data ?? []).length > 0 && (
                <Group name="Threats">
                  {(threats.data ?? []).map((t) => (
                    <Item
                      key={t.id}
                      value={`${t.title} ${t.where_name} ${t.id}`}
                      icon={<TriangleAlert size={15} />}
                      text={t.title}
                      about={t.where_name}
                      end={<Bars band={asBand(t.rating.band)} />}
                      run={go(() => navigate({ to: "/products/$product/threats", params: { product: product! }, search: { open: t.id } as never }))}
                    />
                  ))}
                </Group>
              )}
              {q.length > 1 && (countermeasures.data ?? []).length > 0 && (
                <Group name="Countermeasures">
                  {(countermeasures.data ?? []).map((c) => (
                    <Item
                      key={c.id}
                      value={`${c.title} ${c.where_name} ${c.id}`}
                      icon={<ShieldCheck size={15} />}
                      text={c.title}
                      about={c.where_name}
                      run={go(() =>
                        navigate({ to: "/products/$product/countermeasures", params: { product: product! }, search: { open: c.id } as never }),
                      )}
                    />
                  ))}
                </Group>
              )}
              {(products.data?.items ?? []).length > 0 && (
                <Group name="Products">
                  {(products.data?.items ?? []).map((p) => (
                    <Item
                      key={p.id}
                      value={`${p.name} ${p.id}`}
                      icon={<Box size={15} />}
                      text={p.name}
                      end={p.risk.open.threats > 0 && <Bars band={asBand(p.risk.band)} />}
                      run={go(() => navigate({ to: "/products/$product/overview", params: { product: p.id } }))}
                    />
                  ))}
                </Group>
              )}
              <Group name="Places">
                {places
                  .filter((p) => !p.needs || can.has(p.needs))
                  .map((p) => (
                    <Item key={p.to} icon={<p.icon size={15} />} text={p.name} keys={p.keys} run={go(() => navigate({ to: p.to as "/" }))} />
                  ))}
              </Group>
              <Group name="Do">
                {can.has("product.create") && <Item text="New product" run={go(() => navigate({ to: "/new" }))} />}
                <Item text="Theme: as the system" run={act(() => setTheme("system"))} />
                <Item text="Theme: light" run={act(() => setTheme("light"))} />
                <Item text="Theme: dark" run={act(() => setTheme("dark"))} />
                <Item text="Sign out" run={act(signOut)} />
              </Group>
            </Command.List>
          </Command>
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

function Group({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={name}
      className="mb-1 [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-soft [&_[cmdk-group-heading]]:text-xs"
    >
      {children}
    </Command.Group>
  );
}

function Item({
  icon,
  text,
  about,
  end,
  keys,
  value,
  run,
}: {
  icon?: ReactNode;
  text: string;
  about?: string;
  end?: ReactNode;
  keys?: string;
  value?: string;
  run: () => void;
}) {
  return (
    <Command.Item
      value={value ?? text}
      onSelect={run}
      className="group flex items-center gap-2.5 rounded-md px-2.5 py-2 text-sm data-[selected=true]:bg-raised"
    >
      <span aria-hidden className="grid size-4 place-items-center text-soft">
        {icon ?? <CornerDownLeft size={13} />}
      </span>
      <bdi className="min-w-0 flex-1 truncate">{text}</bdi>
      {about && <bdi className="max-w-40 truncate text-soft text-xs">{about}</bdi>}
      {end}
      {keys && <Kbd keys={keys} />}
    </Command.Item>
  );
}
