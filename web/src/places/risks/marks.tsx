import { CircleCheck, CircleDashed, CircleX, Clock, ExternalLink, Hourglass, MessageSquare, Ticket as TicketIcon, TriangleAlert } from "lucide-react";
import type { S } from "../../api/client";
import { cx } from "../../ui/cx";
import { Badge } from "../../ui/parts";
import { Tooltip } from "../../ui/tooltip";
import { category, word } from "../../ui/words";
import { own } from "../tickets/key";
import type { TicketRef } from "./data";

/** Categories are the letters of a threat's categories, with their names for who asks. */
export function Categories({ of, long }: { of: string[] | null | undefined; long?: boolean }) {
  if (!of?.length) return null;
  return (
    <span className="inline-flex flex-wrap items-center gap-1">
      {of.map((c) => {
        const { method, name } = category(c);
        return long ? (
          <Badge key={c}>
            {name}
            {method !== "STRIDE" && <span className="font-normal"> · {method}</span>}
          </Badge>
        ) : (
          <abbr
            key={c}
            title={method === "STRIDE" ? name : `${name} (${method})`}
            className="inline-grid h-4 min-w-4 place-items-center rounded-sm bg-raised px-0.5 text-2xs font-medium text-soft no-underline"
          >
            <span aria-hidden>{name.charAt(0)}</span>
            <span className="sr-only">{name}</span>
          </abbr>
        );
      })}
    </span>
  );
}

const stateTone: Record<string, "neutral" | "accent" | "good" | "warn" | "bad"> = {
  required: "accent",
  implemented: "good",
  rejected: "neutral",
  not_applicable: "neutral",
  mitigated: "good",
  accepted: "warn",
  transferred: "warn",
  avoided: "neutral",
  eliminated: "good",
};

/** StateBadge is the state of a countermeasure or the status of a threat. */
export function StateBadge({ state, className }: { state: string; className?: string }) {
  return (
    <Badge tone={stateTone[state] ?? "neutral"} className={className}>
      {word(state)}
    </Badge>
  );
}

/** EvidenceBadge says what tests say: a word and a sign, never colour alone. */
export function EvidenceBadge({ evidence, short }: { evidence: S["Evidence"]; short?: boolean }) {
  const { verdict, stale } = evidence;
  const [tone, Icon, name] =
    verdict === "fail"
      ? (["bad", CircleX, "Fails"] as const)
      : verdict === "pass"
        ? stale
          ? (["warn", Clock, "Stale"] as const)
          : (["good", CircleCheck, "Passed"] as const)
        : (["neutral", CircleDashed, "Untested"] as const);
  const mark =
    short && verdict === "untested" ? (
      <span title={name} className="inline-flex items-center align-middle text-soft">
        <Icon aria-hidden size={14} />
        <span className="sr-only">{name}</span>
      </span>
    ) : (
      <Badge tone={tone} icon={<Icon aria-hidden size={12} />} className={short && verdict === "untested" ? "bg-transparent" : undefined}>
        {name}
      </Badge>
    );
  if (!evidence.text) return mark;
  return (
    <Tooltip text={evidence.text}>
      <span tabIndex={short ? undefined : 0} className="inline-flex rounded-sm align-middle">
        {mark}
      </span>
    </Tooltip>
  );
}

const trouble = new Set(["failed", "ambiguous", "deleted"]);
const waits = new Set(["pending", "held"]);

/** ticketWord is what a ticket's state is called: the tracker's own word where it has one. */
export const ticketWord = (t: TicketRef): string => (trouble.has(t.state) || waits.has(t.state) ? word(t.state) : t.status || word(t.state));

/** TicketBadge is a ticket with its live status; its key leads to it. */
export function TicketBadge({ ticket, brief }: { ticket: TicketRef; brief?: boolean }) {
  const bad = trouble.has(ticket.state);
  const Icon = bad ? TriangleAlert : waits.has(ticket.state) ? Hourglass : TicketIcon;
  const done = ticket.state === "implemented" || ticket.state === "closed";
  return (
    <span className="inline-flex min-w-0 max-w-full items-center gap-1.5 text-xs" title={ticket.note}>
      {!(brief && ticket.key && !bad) && <Icon aria-hidden size={13} className={cx("shrink-0", bad ? "text-critical" : "text-soft")} />}
      {ticket.key &&
        (ticket.url ? (
          <a
            href={own(ticket.url) ?? ticket.url}
            target={own(ticket.url) ? undefined : "_blank"}
            rel="noreferrer"
            className="link num inline-flex shrink-0 items-center gap-0.5 whitespace-nowrap"
          >
            <bdi>{ticket.key}</bdi>
            {!brief && !own(ticket.url) && <ExternalLink aria-label="opens in the tracker" size={10} className="shrink-0" />}
          </a>
        ) : (
          <bdi className="num truncate whitespace-nowrap">{ticket.key}</bdi>
        ))}
      <span className={cx("truncate", bad ? "text-critical" : done ? "text-low" : "text-soft")}>{ticketWord(ticket)}</span>
    </span>
  );
}

/** TicketCell is the first ticket of a row and how many more there are. */
export function TicketCell({ tickets }: { tickets: TicketRef[] | null | undefined }) {
  if (!tickets?.length) return <span className="sr-only">No ticket</span>;
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <TicketBadge ticket={tickets[0]!} brief />
      {tickets.length > 1 && <span className="num shrink-0 text-2xs text-soft">+{tickets.length - 1}</span>}
    </span>
  );
}

/** Comments is how many there are, where there are any. */
export function CommentCount({ n }: { n: number }) {
  if (!n) return null;
  return (
    <span className="num inline-flex items-center gap-1 text-soft text-xs">
      <MessageSquare aria-hidden size={12} />
      {n}
      <span className="sr-only">{n === 1 ? "comment" : "comments"}</span>
    </span>
  );
}

/** estimateText is the team's own estimate as people write it: "3 points, 2 days"; a day of work has eight hours. */
export function estimateText(e: TicketRef["estimate"]): string {
  if (!e) return "";
  const count = (n: number, one: string) => `${n.toLocaleString("en", { maximumFractionDigits: 2 })} ${n === 1 ? one : `${one}s`}`;
  const hours = (e.seconds ?? 0) / 3600;
  return [e.points && count(e.points, "point"), hours && (hours < 8 ? count(hours, "hour") : count(hours / 8, "day"))].filter(Boolean).join(", ");
}
