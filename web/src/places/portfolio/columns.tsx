import { Link } from "@tanstack/react-router";
import { cx } from "../../ui/cx";
import { Badge, Owner } from "../../ui/parts";
import { asBand, BandBadge, Bandline, bandNames, bands } from "../../ui/rating";
import type { Column } from "../../ui/table";
import { Ago } from "../../ui/time";
import { Actions } from "./actions";
import type { Product } from "./data";
import { Sparkline } from "./sparkline";

const figures = (p: Product) => p.risk.open.highest;
const hasThreats = (p: Product) => p.risk.open.threats > 0;

/** productColumns are the columns of the portfolio; where there is room, team and owner have their own. */
export function productColumns(roomy: boolean): Column<Product>[] {
  return [
    {
      id: "name",
      name: "Name",
      width: "minmax(10rem,3fr)",
      narrow: "title",
      sort: (p) => p.name,
      text: (p) => p.name,
      cell: (p) => (
        <div className="min-w-0 py-0.5">
          <div className="flex min-w-0 items-center gap-2">
            <Link
              to="/products/$product/overview"
              params={{ product: p.id }}
              className="min-w-0 truncate font-medium hover:underline"
              title={p.name}
              tabIndex={-1}
            >
              <bdi>{p.name}</bdi>
            </Link>
            {p.exceeds > 0 && (
              <span title={`${p.exceeds} above tolerance`}>
                <Badge tone="bad">
                  {p.exceeds}
                  <span className="sr-only"> above tolerance</span>
                  <span aria-hidden>↑</span>
                </Badge>
              </span>
            )}
          </div>
          {!roomy && <Line product={p} />}
        </div>
      ),
    },
    {
      id: "rating",
      name: "Current",
      width: "7.25rem",
      narrow: "end",
      sort: (p) => (hasThreats(p) ? p.risk.highest : -1),
      text: (p) => (hasThreats(p) ? p.risk.highest : undefined),
      cell: (p) =>
        hasThreats(p) ? <BandBadge band={asBand(p.risk.band)} figure={p.risk.highest} /> : <span className="text-soft text-xs">No threats</span>,
    },
    { id: "band", name: "Band", width: "0", hidden: true, text: (p) => (hasThreats(p) ? bandNames[asBand(p.risk.band)] : ""), cell: () => null },
    {
      id: "verified",
      name: "Verified",
      width: "4rem",
      narrow: "below",
      sort: (p) => (hasThreats(p) ? figures(p).verified : -1),
      text: (p) => (hasThreats(p) ? figures(p).verified : undefined),
      cell: (p) =>
        hasThreats(p) && (
          <span className="num text-soft" title="The highest rating that tests have verified">
            <span className="md:sr-only">verified </span>
            {figures(p).verified}
          </span>
        ),
    },
    {
      id: "trend",
      name: "Trend",
      width: "6rem",
      narrow: "hide",
      cell: (p) => <Sparkline points={p.trend ?? []} />,
    },
    {
      id: "threats",
      name: "Open threats",
      width: "minmax(6rem,1fr)",
      narrow: "hide",
      sort: (p) => p.risk.open.threats,
      text: (p) => p.risk.open.threats,
      cell: (p) => (
        <span className="flex items-center gap-2">
          <span className="num w-7 shrink-0 text-end">{p.risk.open.threats}</span>
          {hasThreats(p) && <Bandline counts={p.bands} />}
        </span>
      ),
    },
    ...bands.map((b): Column<Product> => ({ id: b, name: bandNames[b], width: "0", hidden: true, text: (p) => p.bands[b] ?? 0, cell: () => null })),
    {
      id: "vulnerabilities",
      name: "Vulnerabilities",
      width: "7rem",
      align: "end",
      narrow: "below",
      sort: (p) => p.vulnerabilities,
      text: (p) => p.vulnerabilities,
      cell: (p) => <Amount n={p.vulnerabilities} one="vulnerability" many="vulnerabilities" />,
    },
    {
      id: "behind",
      name: "Behind",
      width: "4rem",
      align: "end",
      narrow: "below",
      sort: (p) => p.tickets_behind,
      text: (p) => p.tickets_behind,
      cell: (p) => <Amount n={p.tickets_behind} one="ticket behind" many="tickets behind" />,
    },
    {
      id: "test",
      name: "Last test",
      width: "6.25rem",
      narrow: "hide",
      sort: (p) => (p.last_test ? Date.parse(p.last_test) : undefined),
      text: (p) => p.last_test ?? "",
      cell: (p) => <Ago short at={p.last_test} className={p.last_test ? "block truncate" : "text-soft"} />,
    },
    {
      id: "team",
      name: "Team",
      width: "minmax(5rem,1fr)",
      hidden: !roomy,
      narrow: "hide",
      sort: (p) => p.team || undefined,
      text: (p) => p.team ?? "",
      cell: (p) => (
        <bdi className="block truncate" title={p.team}>
          {p.team || <span className="text-soft">–</span>}
        </bdi>
      ),
    },
    {
      id: "owner",
      name: "Owner",
      width: "minmax(6rem,1fr)",
      hidden: !roomy,
      narrow: "hide",
      sort: (p) => p.owner || undefined,
      text: (p) => p.owner ?? "",
      cell: (p) => <Owner name={p.owner} short />,
    },
    { id: "tags", name: "Tags", width: "0", hidden: true, text: (p) => (p.tags ?? []).join(" "), cell: () => null },
    {
      id: "updated",
      name: "Updated",
      width: "6.25rem",
      narrow: "hide",
      sort: (p) => Date.parse(p.updated),
      text: (p) => p.updated,
      cell: (p) => <Ago short at={p.updated} className="block truncate text-soft" />,
    },
    { id: "more", name: "", width: "2rem", narrow: "end", cell: (p) => <Actions product={p} /> },
  ];
}

/** Line is who works on a product, below its name. */
function Line({ product: p }: { product: Product }) {
  if (!p.team && !p.owner) return null;
  return (
    <div className="flex min-w-0 gap-1 text-soft text-xs">
      {p.team && <bdi className="truncate">{p.team}</bdi>}
      {p.team && p.owner && <span aria-hidden>·</span>}
      {p.owner && <bdi className="truncate">{p.owner}</bdi>}
    </div>
  );
}

function Amount({ n, one, many }: { n: number; one: string; many: string }) {
  return (
    <span className={cx("num", n === 0 && "text-soft max-md:hidden")}>
      {n.toLocaleString("en")}
      <span className="md:sr-only"> {n === 1 ? one : many}</span>
    </span>
  );
}
