import { Link } from "@tanstack/react-router";
import { ChevronRight, ListChecks } from "lucide-react";
import type { S } from "../../api/client";
import { Badge } from "../../ui/parts";
import { EvidenceBadge, StateBadge } from "../risks";
import { Part, RiskDrawer } from "../risks/frame";
import { type Clause, type Measure, means } from "./data";
import { ClauseStatus } from "./marks";

/** ClauseDrawer shows a clause with what serves it in the product and what else could. */
export function ClauseDrawer({
  product,
  of: c,
  onClose,
  onStep,
  onOpen,
}: {
  product: string;
  of: Clause;
  onClose: () => void;
  onStep?: (by: 1 | -1) => void;
  /** Opens a countermeasure that serves it. */
  onOpen: (countermeasure: string) => void;
}) {
  const here = c.countermeasures ?? [];
  const known = new Set(here.map((m) => m.ref));
  const others = (c.library ?? []).filter((l) => !known.has(l.ref));
  return (
    <RiskDrawer
      onClose={onClose}
      onStep={onStep}
      title={
        <span className="flex flex-wrap items-center gap-2">
          <bdi className="num">{c.id}</bdi>
          {c.level ? <Badge>Level {c.level}</Badge> : null}
        </span>
      }
      about={
        <div className="grid gap-2">
          <p className="max-w-[68ch]">
            <bdi>{c.title}</bdi>
          </p>
          <p className="flex flex-wrap items-center gap-2 text-sm text-soft">
            <ClauseStatus status={c.status} />
            {means[c.status]}
          </p>
        </div>
      }
    >
      <Part title="What serves it here">
        {here.length === 0 ? (
          <p className="text-sm text-soft">No countermeasure of this product serves it.</p>
        ) : (
          <ul className="divide-y divide-line rounded-lg border border-line">
            {here.map((m) => (
              <Serving key={m.id} of={m} onOpen={() => onOpen(m.id)} />
            ))}
          </ul>
        )}
      </Part>
      {others.length > 0 && (
        <Part title="What the library has for it">
          <ul className="grid gap-1 text-sm">
            {others.map((l) => (
              <li key={`${l.pattern} ${l.ref}`}>
                <bdi>{l.title}</bdi>
              </li>
            ))}
          </ul>
          <p className="text-soft text-xs">They come where their rules hold: by what is drawn and answered.</p>
          <Link to="/products/$product/review" params={{ product }} className="link inline-flex w-fit items-center gap-1.5 text-sm">
            <ListChecks aria-hidden size={15} />
            See what the library proposes
          </Link>
        </Part>
      )}
    </RiskDrawer>
  );
}

function Serving({ of: m, onOpen }: { of: Measure; onOpen: () => void }) {
  return (
    <li>
      <button
        type="button"
        onClick={onOpen}
        className="flex w-full items-start gap-3 px-3 py-2.5 text-start text-sm -outline-offset-2 hover:bg-raised/60"
      >
        <span className="grid min-w-0 flex-1 gap-1">
          <bdi className="font-medium">{m.title}</bdi>
          <span className="text-soft text-xs">
            at <bdi>{m.where_name}</bdi>
          </span>
          <span className="flex flex-wrap items-center gap-1.5">
            <StateBadge state={m.state} />
            <EvidenceBadge evidence={{ verdict: m.verdict as S["Evidence"]["verdict"], stale: m.stale }} />
          </span>
          {m.evidence && <bdi className="text-soft text-xs">{m.evidence}</bdi>}
          {(m.failing ?? []).length > 0 && <span className="text-critical text-xs">Contradicted by {(m.failing ?? []).join(", ")}</span>}
        </span>
        <ChevronRight aria-hidden size={15} className="mt-0.5 shrink-0 text-soft" />
      </button>
    </li>
  );
}
