import { Owner } from "../../ui/parts";
import { asBand, Figure } from "../../ui/rating";
import type { Column } from "../../ui/table";
import { word } from "../../ui/words";
import { costText } from "../risks/cost";
import { type Countermeasure, states } from "../risks/data";
import { CommentCount, EvidenceBadge, TicketCell, ticketWord } from "../risks/marks";
import { StateMenu } from "../risks/states";

const verdicts = { fail: 0, pass: 1, untested: 2 };

/** countermeasureColumns are the columns of the table of a product's countermeasures. */
export function countermeasureColumns(product: string): Column<Countermeasure>[] {
  return [
    {
      id: "title",
      name: "Countermeasure",
      width: "minmax(13rem,9fr)",
      narrow: "title",
      sort: (c) => c.title,
      text: (c) => c.title,
      cell: (c) => (
        <div className="min-w-0">
          <div className="flex min-w-0 items-center gap-2">
            <bdi className="truncate font-medium max-sm:line-clamp-2 max-sm:whitespace-normal" title={c.title}>
              {c.title}
            </bdi>
            <CommentCount n={c.comments} />
          </div>
          <bdi className="block truncate text-soft text-xs" title={c.where_name}>
            {c.where_name}
          </bdi>
        </div>
      ),
    },
    { id: "where", name: "Place", width: "0", hidden: true, sort: (c) => c.where_name, text: (c) => c.where_name, cell: () => null },
    {
      id: "state",
      name: "State",
      width: "8.5rem",
      sort: (c) => states.indexOf(c.state as (typeof states)[number]),
      text: (c) => word(c.state),
      cell: (c) => <StateMenu product={product} of={c} />,
    },
    {
      id: "takes",
      name: "Takes off",
      width: "6.25rem",
      align: "end",
      narrow: "end",
      sort: (c) => c.takes,
      text: (c) => c.takes,
      cell: (c) =>
        c.takes > 0 ? (
          <span className="num font-medium" title="What it would take off the summed current rating">
            {c.takes}
            <span className="font-normal text-soft md:sr-only"> off</span>
          </span>
        ) : (
          <span className="text-soft" title={c.state === "implemented" ? "It counts already" : "It would take nothing more off"}>
            –
          </span>
        ),
    },
    {
      id: "cost",
      name: "Cost",
      width: "5.5rem",
      align: "end",
      sort: (c) => c.cost?.amount,
      text: (c) => costText(c.cost),
      cell: (c) => <span className="num whitespace-nowrap text-soft text-xs">{costText(c.cost)}</span>,
    },
    {
      id: "ticket",
      name: "Ticket",
      width: "minmax(7.5rem,2fr)",
      sort: (c) => c.tickets?.[0]?.key || undefined,
      text: (c) => (c.tickets ?? []).map((k) => `${k.key} ${ticketWord(k)}`).join("; "),
      cell: (c) => <TicketCell tickets={c.tickets} />,
    },
    {
      id: "evidence",
      name: "Tests",
      width: "5rem",
      sort: (c) => verdicts[c.evidence.verdict],
      text: (c) => word(c.evidence.verdict),
      cell: (c) => <EvidenceBadge evidence={c.evidence} short />,
    },
    {
      id: "owner",
      name: "Owner",
      width: "minmax(3.5rem,2fr)",
      sort: (c) => c.owner_name || undefined,
      text: (c) => c.owner_name,
      cell: (c) => <Owner name={c.owner_name ?? c.owner} short />,
    },
    {
      id: "threats",
      name: "Serves",
      width: "5.25rem",
      narrow: "hide",
      sort: (c) => c.current,
      text: (c) => (c.threats ?? []).length,
      cell: (c) => {
        const n = (c.threats ?? []).length;
        return (
          <span
            className="inline-flex items-center gap-1.5"
            title={n === 0 ? "No threat that is in use" : `${n === 1 ? "One threat" : `${n} threats`}; the highest is at ${c.current}`}
          >
            <span className="num text-soft text-xs">{n} ×</span>
            {n > 0 && <Figure value={c.current} band={asBand(c.band)} />}
          </span>
        );
      },
    },
  ];
}
