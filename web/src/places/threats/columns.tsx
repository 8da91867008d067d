import { Bot, FileInput, PenLine } from "lucide-react";
import { Owner } from "../../ui/parts";
import { asBand, BandBadge } from "../../ui/rating";
import type { Column } from "../../ui/table";
import { category, word } from "../../ui/words";
import type { Threat } from "../risks/data";
import { Categories, CommentCount, EvidenceBadge, StateBadge, TicketCell, ticketWord } from "../risks/marks";

const order = ["open", "mitigated", "accepted", "transferred", "avoided", "eliminated", "not_applicable"];

/** tested is what tests say of what is done about a threat: its ratings tell. */
function tested(t: Threat): { verdict: "pass" | "fail" | "untested"; text?: string } {
  const r = t.rating;
  if (r.flags?.includes("contradicted") || r.flags?.includes("question_reopened"))
    return { verdict: "fail", text: "A test fails on what was claimed" };
  if (r.verified < r.inherent)
    return {
      verdict: "pass",
      text: r.verified > r.current ? `Proven down to ${r.verified}; ${r.verified - r.current} more is claimed` : "What is claimed is proven",
    };
  return { verdict: "untested", text: r.current < r.inherent ? "Claimed, and no test proves it" : undefined };
}

const verdicts = { fail: 0, pass: 1, untested: 2 };

function Origin({ of }: { of: string }) {
  const Icon = of === "rule" ? Bot : of === "import" ? FileInput : PenLine;
  const name = of === "rule" ? "From a rule" : of === "import" ? "From an imported file" : "Added by hand";
  return (
    <span title={name} className="inline-flex align-middle text-soft">
      <Icon aria-hidden size={14} />
      <span className="sr-only">{name}</span>
    </span>
  );
}

/** threatColumns are the columns of the table of threats. */
export const threatColumns: Column<Threat>[] = [
  {
    id: "title",
    name: "Threat",
    width: "minmax(13rem,9fr)",
    narrow: "title",
    sort: (t) => t.title,
    text: (t) => t.title,
    cell: (t) => (
      <div className="min-w-0">
        <div className="flex min-w-0 items-center gap-2">
          <bdi className="truncate font-medium max-sm:line-clamp-2 max-sm:whitespace-normal" title={t.title}>
            {t.title}
          </bdi>
          <CommentCount n={t.comments} />
        </div>
        <div className="flex min-w-0 items-center gap-2">
          <bdi className="truncate text-soft text-xs" title={t.where_name}>
            {t.where_name}
          </bdi>
          <span className="shrink-0">
            <Categories of={t.categories} />
          </span>
        </div>
      </div>
    ),
  },
  { id: "where", name: "Place", width: "0", hidden: true, sort: (t) => t.where_name, text: (t) => t.where_name, cell: () => null },
  {
    id: "category",
    name: "Categories",
    width: "0",
    hidden: true,
    text: (t) => (t.categories ?? []).map((c) => category(c).name).join(", "),
    cell: () => null,
  },
  {
    id: "rating",
    name: "Rating",
    width: "8.25rem",
    narrow: "end",
    sort: (t) => (t.rating.unrated ? -1 : t.rating.current),
    text: (t) => (t.rating.unrated ? undefined : t.rating.current),
    cell: (t) => (
      <div className="grid justify-items-start gap-0.5 max-md:justify-items-end">
        <BandBadge band={asBand(t.rating.band)} figure={t.rating.unrated ? undefined : t.rating.current} />
        {!t.rating.unrated && (
          <span className="num text-2xs text-soft">
            of {t.rating.inherent} · verified {t.rating.verified}
          </span>
        )}
      </div>
    ),
  },
  { id: "band", name: "Band", width: "0", hidden: true, text: (t) => word(t.rating.band), cell: () => null },
  { id: "inherent", name: "Inherent", width: "0", hidden: true, sort: (t) => t.rating.inherent, text: (t) => t.rating.inherent, cell: () => null },
  { id: "verified", name: "Verified", width: "0", hidden: true, sort: (t) => t.rating.verified, text: (t) => t.rating.verified, cell: () => null },
  {
    id: "projected",
    name: "Projected",
    width: "0",
    hidden: true,
    sort: (t) => t.rating.projected,
    text: (t) => t.rating.projected,
    cell: () => null,
  },
  {
    id: "state",
    name: "Status",
    width: "7.25rem",
    sort: (t) => order.indexOf(t.status),
    text: (t) => word(t.status),
    cell: (t) =>
      t.status === "open" ? (
        <span className={t.rating.over_tolerance ? "text-critical text-xs" : "text-soft text-xs"}>
          {t.rating.over_tolerance ? "Open, too high" : "Open"}
        </span>
      ) : (
        <StateBadge state={t.status} />
      ),
  },
  {
    id: "evidence",
    name: "Tests",
    width: "3.5rem",
    sort: (t) => verdicts[tested(t).verdict],
    text: (t) => word(tested(t).verdict),
    cell: (t) => <EvidenceBadge evidence={tested(t)} short />,
  },
  {
    id: "ticket",
    name: "Ticket",
    width: "minmax(7.5rem,2fr)",
    sort: (t) => t.tickets?.[0]?.key || undefined,
    text: (t) => (t.tickets ?? []).map((k) => `${k.key} ${ticketWord(k)}`).join("; "),
    cell: (t) => <TicketCell tickets={t.tickets} />,
  },
  {
    id: "owner",
    name: "Owner",
    width: "minmax(3.5rem,2fr)",
    sort: (t) => t.owner_name || undefined,
    text: (t) => t.owner_name,
    cell: (t) => <Owner name={t.owner_name ?? t.owner} short />,
  },
  {
    id: "origin",
    name: "From",
    width: "4.5rem",
    narrow: "hide",
    sort: (t) => t.origin,
    text: (t) => word(t.origin),
    cell: (t) => <Origin of={t.origin} />,
  },
];
