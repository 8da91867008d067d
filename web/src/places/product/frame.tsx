import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { Archive } from "lucide-react";
import { createContext, Suspense, useContext, useEffect } from "react";
import type { S } from "../../api/client";
import { productQuery } from "../../api/query";
import { useKeys } from "../../app/keys";
import { productPlaces } from "../../app/places";
import { Button } from "../../ui/button";
import { Badge } from "../../ui/parts";
import { asBand, BandBadge } from "../../ui/rating";
import { Failed, Loading } from "../../ui/state";
import { useArchive } from "./actions";
import { ProductMenu } from "./menu";
import { ProductTabs } from "./tabs";

/** Product is the product that is open, with what its person may do there. */
export type Product = S["ProductView"];

const Open = createContext<Product | undefined>(undefined);

/** useProduct is the product that is open; only used inside of it. */
export function useProduct(): Product {
  const p = useContext(Open);
  if (!p) throw new Error("no product is open here");
  return p;
}

/** useCan tells whether the person may take an action on the product that is open: useCan()("model.edit"). */
export function useCan(): (action: string) => boolean {
  const p = useProduct();
  return (action) => !p.archived && (p.can ?? []).includes(action as never);
}

/** ProductFrame is the head of a product with its tabs, around each of its places. */
export function ProductFrame() {
  const { product: id } = useParams({ from: "/products/$product" });
  const q = useQuery(productQuery(id));
  const path = useRouterState({ select: (s) => s.location.pathname.split("/")[3] ?? "" });
  const navigate = useNavigate();
  useKeys(
    Object.fromEntries(
      productPlaces.map((p) => [
        p.keys,
        {
          does: p.name,
          in: "Go to, in a product",
          run: () => void navigate({ to: `/products/$product/${p.path}` as "/products/$product/overview", params: { product: id } }),
        },
      ]),
    ),
  );
  const name = q.data?.name;
  const place = productPlaces.find((p) => p.path === path)?.name;
  useEffect(() => {
    document.title = [place, name, "Threatloop"].filter(Boolean).join(" · ");
  }, [name, place]);
  if (!q.data) {
    if (!q.error) return <Loading />;
    return (
      <>
        <h1 className="sr-only">Product</h1>
        <Failed
          alone
          error={q.error}
          retry={() => void q.refetch()}
          way={
            <Link to="/" className="link text-sm">
              To the portfolio
            </Link>
          }
        />
      </>
    );
  }
  const p = q.data;
  return (
    <Open.Provider value={p}>
      <div className="flex min-h-[calc(100dvh-var(--top))] flex-col">
        <div className="border-line border-b bg-surface px-4 sm:px-6">
          <div className="flex min-w-0 items-center gap-2.5 pt-3">
            <bdi className="min-w-0 truncate font-semibold text-lg tracking-tight" title={p.name}>
              {p.name}
            </bdi>
            {p.risk.open.threats > 0 && <BandBadge band={asBand(p.risk.band)} figure={p.risk.highest} />}
            {p.archived && <Badge icon={<Archive aria-hidden size={12} />}>Archived</Badge>}
            {p.template && <Badge tone="accent">Template</Badge>}
            <span className="ms-auto flex items-center gap-2 ps-2">
              {p.team && <bdi className="hidden max-w-48 truncate text-sm text-soft sm:inline">{p.team}</bdi>}
              <ProductMenu product={p} />
            </span>
          </div>
          <ProductTabs product={id} path={path} plan={(p.can ?? []).includes("plan.read" as never)} />
        </div>
        {p.archived && <ArchivedNote product={p} />}
        <div className="min-h-0 min-w-0 flex-1">
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </div>
      </div>
    </Open.Provider>
  );
}

function ArchivedNote({ product: p }: { product: Product }) {
  const archive = useArchive(p);
  return (
    <p className="flex flex-wrap items-center justify-center gap-x-3 gap-y-1 border-line border-b bg-raised px-4 py-1.5 text-center text-sm text-soft">
      This product is archived: everything can be read and nothing changed.
      {(p.can ?? []).includes("product.archive" as never) && (
        <Button size="sm" busy={archive.isPending} onClick={() => archive.mutate(false)}>
          Bring it back
        </Button>
      )}
    </p>
  );
}
