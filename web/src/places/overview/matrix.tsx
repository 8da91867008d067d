import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import type { S } from "../../api/client";
import { threatsQuery } from "../../api/query";
import { cx } from "../../ui/cx";
import { Popover, Section } from "../../ui/parts";
import { asBand, Bars, bandGround, bandNames, bandTone, Figure } from "../../ui/rating";
import { plural } from "../../ui/words";

/** Matrix counts threats by likelihood and impact; a cell opens its threats. */
export function Matrix({ overview: o }: { overview: S["OverviewView"] }) {
  const m = o.matrix;
  const cells = new Map((m.cells ?? []).map((c) => [`${c.l}/${c.i}`, c]));
  const impact = m.impact ?? [];
  const likelihood = m.likelihood ?? [];
  return (
    <Section title="Likelihood and impact" about="With nothing done; the colour is the highest current rating in the cell">
      <div className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-1.5">
        <span aria-hidden className="self-center text-2xs text-soft [writing-mode:sideways-lr]">
          Likelihood →
        </span>
        <table className="w-full table-fixed border-separate border-spacing-1">
          <caption className="sr-only">Open threats by inherent likelihood and impact</caption>
          <tbody>
            {likelihood
              .map((label, l) => ({ label, l }))
              .reverse()
              .map(({ label, l }) => (
                <tr key={label}>
                  <th scope="row" className="num w-13 whitespace-nowrap pe-1 text-end font-normal text-2xs text-soft">
                    <span className="sr-only">Likelihood </span>
                    {range(label)}
                  </th>
                  {impact.map((to, i) => (
                    <td key={to} className="h-11 p-0">
                      <Cell cell={cells.get(`${l}/${i}`)} product={o.product.id} name={`likelihood ${range(label)}, impact ${range(to)}`} />
                    </td>
                  ))}
                </tr>
              ))}
          </tbody>
          <tfoot>
            <tr>
              <td className="w-13" />
              {impact.map((to) => (
                <th key={to} scope="col" className="num whitespace-nowrap font-normal text-2xs text-soft">
                  <span className="sr-only">Impact </span>
                  {range(to)}
                </th>
              ))}
            </tr>
          </tfoot>
        </table>
        <span aria-hidden className="col-start-2 ps-13 text-center text-2xs text-soft">
          Impact →
        </span>
      </div>
      {m.apart > 0 && (
        <p className="mt-2 text-soft text-xs">
          {plural(m.apart, "threat")} came with a rating that does not say how likely or how grave, and {m.apart === 1 ? "is" : "are"} not in the
          matrix.
        </p>
      )}
    </Section>
  );
}

const range = (label: string) => label.replace("-", "–");

function Cell({ cell, product, name }: { cell?: S["MatrixCell"]; product: string; name: string }) {
  const [open, setOpen] = useState(false);
  if (!cell) return <div className="h-full rounded-sm bg-sunken/60" />;
  const band = asBand(cell.band);
  return (
    <Popover
      open={open}
      onOpenChange={setOpen}
      label={`Threats of ${name}`}
      align="center"
      className="max-h-80 w-80 max-w-[calc(100vw-2rem)] overflow-y-auto p-2"
      trigger={
        <button
          type="button"
          aria-label={`${plural(cell.count, "threat")}, ${bandNames[band].toLowerCase()}, ${name}`}
          className={cx(
            "grid size-full place-items-center rounded-sm border border-current/25 hover:border-current",
            bandGround(band),
            bandTone(band),
          )}
        >
          <span className="num inline-flex items-center gap-1 font-semibold text-sm">
            <Bars band={band} className="max-sm:hidden" />
            {cell.count}
          </span>
        </button>
      }
    >
      <CellThreats cell={cell} product={product} />
    </Popover>
  );
}

function CellThreats({ cell, product }: { cell: S["MatrixCell"]; product: string }) {
  const { data } = useQuery(threatsQuery(product));
  const byID = useMemo(() => new Map((data ?? []).map((t) => [t.id, t])), [data]);
  const ids = cell.threats ?? [];
  return (
    <>
      <p className="px-2 py-1 font-medium text-soft text-xs">{plural(cell.count, "threat")}</p>
      <ul>
        {ids.map((id) => {
          const t = byID.get(id);
          return (
            <li key={id}>
              <Link
                to="/products/$product/threats"
                params={{ product }}
                search={{ open: id } as never}
                className="flex min-h-8 items-start gap-2 rounded-md px-2 py-1.5 text-sm hover:bg-raised"
              >
                <span className="min-w-0 flex-1">
                  <bdi>{t?.title ?? "…"}</bdi>
                  {t?.where_name && <bdi className="block text-soft text-xs">{t.where_name}</bdi>}
                </span>
                <Figure value={t?.rating.current} band={asBand(t?.rating.band)} />
              </Link>
            </li>
          );
        })}
      </ul>
      {cell.count > ids.length && (
        <Link to="/products/$product/threats" params={{ product }} className="link block px-2 py-1.5 text-sm">
          {cell.count - ids.length} more in the list of threats
        </Link>
      )}
    </>
  );
}
