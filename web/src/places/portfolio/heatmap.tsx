import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import { useAddress } from "../../ui/address";
import { Segmented } from "../../ui/parts";
import { type Band, BandBadge, Bars, bandNames, bands } from "../../ui/rating";
import { plural } from "../../ui/words";
import { inAddress, none, type Product } from "./data";
import { type By, type HeatRow, heat } from "./heat";

const columns: Band[] = ["low", "medium", "high", "critical", "unrated"];
const shown = 100;

/** asBy is what the rows are: chosen, or products as long as they can be overlooked. */
function asBy(word: string | undefined, products: number): By {
  if (word === "product" || word === "team" || word === "tag") return word;
  return products > 40 ? "team" : "product";
}

/**
 * HeatMap shows where the open threats are: products, teams or tags by bands. Each
 * cell leads to its threats, or to the products they are in. Arrow keys move in it.
 */
export function HeatMap({ products }: { products: Product[] }) {
  const [search, set] = useAddress();
  const by = asBy(search.by, products.length);
  const all = useMemo(() => heat(products, by), [products, by]);
  const rows = all.slice(0, shown);
  const most = useMemo(() => Object.fromEntries(bands.map((b) => [b, Math.max(1, ...all.map((r) => r.counts[b]))])) as Record<Band, number>, [all]);
  const [at, setAt] = useState<[row: number, column: number]>([0, 0]);
  const table = useRef<HTMLTableElement>(null);
  const onKey = (e: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const move = moves[e.key];
    if (!move || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    const next: [number, number] = [Math.max(0, Math.min(rows.length - 1, at[0] + move[0])), Math.max(0, Math.min(columns.length, at[1] + move[1]))];
    setAt(next);
    table.current?.querySelector<HTMLElement>(`[data-at="${next[0]}-${next[1]}"]`)?.focus();
  };
  const stop = (row: number, column: number) => ({
    "data-at": `${row}-${column}`,
    tabIndex: Math.min(at[0], rows.length - 1) === row && at[1] === column ? 0 : -1,
    onFocus: () => setAt([row, column]),
  });
  return (
    <section aria-label="Heat map of the portfolio" className="card p-4">
      <div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
        <p className="min-w-0 flex-1 basis-64 text-sm text-soft">
          Open threats by their current rating, the worst {by === "product" ? "products" : `${by}s`} first. The stronger the colour, the more there
          are.
        </p>
        <Segmented
          label="Rows of the heat map"
          value={by}
          onChange={(v) => set({ by: v })}
          options={[
            { value: "product", text: "Products" },
            { value: "team", text: "Teams" },
            { value: "tag", text: "Tags" },
          ]}
        />
      </div>
      <div className="-mx-4 overflow-x-auto px-4">
        <table ref={table} onKeyDown={onKey} className="w-full min-w-150 table-fixed border-separate border-spacing-1 text-sm">
          <caption className="sr-only">Open threats by {by} and band</caption>
          <thead>
            <tr>
              <th scope="col" className="sticky start-0 bg-surface pb-1 text-start font-normal text-soft text-xs">
                <span className="capitalize">{by}</span>
              </th>
              {columns.map((b) => (
                <th key={b} scope="col" className="w-[11%] whitespace-nowrap pb-1 font-normal text-soft text-xs max-sm:text-2xs">
                  <span className="inline-flex items-center gap-1.5">
                    <Bars band={b} />
                    {bandNames[b]}
                  </span>
                </th>
              ))}
              <th scope="col" className="w-32 pb-1 text-end font-normal text-soft text-xs">
                Highest
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((r, i) => (
              <tr key={r.key}>
                <th scope="row" className="sticky start-0 bg-surface pe-3 text-start font-normal">
                  <RowLink row={r} by={by} className="block truncate rounded-sm py-1 font-medium hover:underline" {...stop(i, 0)}>
                    <bdi title={r.title}>{r.title}</bdi>
                    {r.several && <span className="num font-normal text-soft text-xs"> · {plural(r.products, "product")}</span>}
                  </RowLink>
                </th>
                {columns.map((b, c) => (
                  <td key={b} className="p-0">
                    <Cell row={r} by={by} band={b} share={r.counts[b] / most[b]} stop={stop(i, c + 1)} />
                  </td>
                ))}
                <td className="text-end">
                  {r.highest >= 0 ? <BandBadge band={r.band} figure={r.highest} /> : <span className="text-soft text-xs">no threats</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {all.length > shown && (
        <p className="mt-3 text-sm text-soft">
          {(all.length - shown).toLocaleString("en")} more with lower ratings are left out.{" "}
          <Link to="/" search={{ ...search, view: undefined } as never} className="link">
            Show the table
          </Link>
        </p>
      )}
    </section>
  );
}

interface Stop {
  "data-at": string;
  tabIndex: number;
  onFocus: () => void;
}

function RowLink({
  row,
  by,
  band,
  children,
  ...rest
}: { row: HeatRow; by: By; band?: Band; children: React.ReactNode; className?: string; "aria-label"?: string; style?: React.CSSProperties } & Stop) {
  if (!row.several) {
    return (
      <Link
        to={band ? "/products/$product/threats" : "/products/$product/overview"}
        params={{ product: row.key }}
        search={{ band } as never}
        {...rest}
      >
        {children}
      </Link>
    );
  }
  const search = (old: Record<string, unknown>) => ({ ...old, view: undefined, by: undefined, [by]: row.key ? inAddress(row.key) : none, has: band });
  return (
    <Link to="/" search={search as never} {...rest}>
      {children}
    </Link>
  );
}

function Cell({ row, by, band, share, stop }: { row: HeatRow; by: By; band: Band; share: number; stop: Stop }) {
  const n = row.counts[band];
  const name = `${row.title}: ${plural(n, "open threat")}, ${bandNames[band].toLowerCase()}`;
  if (n === 0) {
    return (
      <span {...stop} role="img" aria-label={name} className="grid h-9 place-items-center rounded-sm bg-raised/50 text-soft">
        ·
      </span>
    );
  }
  return (
    <RowLink
      row={row}
      by={by}
      band={band}
      aria-label={name}
      className="num grid h-9 place-items-center rounded-sm font-medium hover:outline-2 hover:outline-accent"
      style={{ background: `color-mix(in oklab, var(--${band}-fill) ${Math.round(12 + 32 * share)}%, var(--surface))` }}
      {...stop}
    >
      {n.toLocaleString("en")}
    </RowLink>
  );
}
