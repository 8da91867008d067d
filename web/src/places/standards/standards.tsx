import { useQuery } from "@tanstack/react-query";
import { BadgeCheck, Plus, X } from "lucide-react";
import { useMemo, useState } from "react";
import { useAddress, useList } from "../../ui/address";
import { Button, IconButton } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Disclosure, Place } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { plural } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { ApplyDialog, LevelSelect } from "./apply";
import { Clauses } from "./clauses";
import { type Kept, standardsOf, title, useStandards } from "./data";
import { CoverageBar, covered, Legend } from "./marks";

/** Standards is which standards a product keeps, how far, and clause by clause what serves them. */
export function Standards() {
  const product = useProduct();
  const may = useCan()("product.edit");
  const [search, set] = useAddress();
  const q = useQuery(standardsOf(product.id));
  const change = useStandards(product.id, q.data);
  const [applying, setApplying] = useState(false);
  const items = useMemo(() => q.data?.items ?? [], [q.data]);
  const applied = items.filter((s) => s.applied);
  const others = items.filter((s) => !s.applied);
  const chosen = items.find((s) => s.standard === search.standard) ?? applied[0];
  const look = (standard: string) =>
    set({ standard, clause: undefined, open: undefined, status: undefined, level: undefined, q: undefined, where: undefined });
  return (
    <Place
      wide
      title="Standards"
      about="How far the product keeps the standards that are applied to it, counted from what its countermeasures serve and what tests show."
      actions={
        may &&
        items.length > 0 && (
          <Button look="primary" icon={<Plus aria-hidden size={15} />} onClick={() => setApplying(true)}>
            Apply a standard
          </Button>
        )
      }
    >
      {q.error && !q.data ? (
        <Failed error={q.error} retry={() => void q.refetch()} />
      ) : !q.data ? (
        <Loading />
      ) : items.length === 0 ? (
        <Empty icon={<BadgeCheck size={20} />} title="The library has no standard">
          Standards come with the library; an administrator can add one there.
        </Empty>
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
          {(q.data.unknown ?? []).map((u) => (
            <p key={u} className="flex flex-wrap items-center gap-3 rounded-md bg-raised px-3 py-2 text-sm">
              <span className="min-w-0 flex-1">
                <bdi className="font-medium">{u}</bdi> is applied, and the library no longer has it: nothing can be counted for it.
              </span>
              {may && (
                <Button size="sm" disabled={change.busy} onClick={() => change.takeBack(u, u)}>
                  Take it back
                </Button>
              )}
            </p>
          ))}
          {applied.length === 0 && (
            <Empty
              className="py-8"
              icon={<BadgeCheck size={20} />}
              title="No standard is applied"
              action={
                may && (
                  <Button icon={<Plus aria-hidden size={15} />} onClick={() => setApplying(true)}>
                    Choose a standard
                  </Button>
                )
              }
            >
              Apply one to see, clause by clause, what is covered, what proves it and where the gaps are.{" "}
              {!may && "It takes the right of a modeller."}
            </Empty>
          )}
          {applied.length > 0 && (
            <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(22rem,100%),1fr))] gap-3">
              {applied.map((s) => (
                <Card
                  key={s.standard}
                  of={s}
                  chosen={s === chosen}
                  onLook={() => look(s.standard)}
                  level={
                    may && (s.levels ?? []).length > 0 ? (
                      <LevelSelect of={s} value={s.level} onChange={(level) => void change.apply(s, level).catch(() => undefined)} />
                    ) : s.level ? (
                      <span className="shrink-0 text-soft text-xs">up to level {s.level}</span>
                    ) : null
                  }
                >
                  {may && (
                    <IconButton
                      size="sm"
                      label={`Take ${title(s)} back`}
                      disabled={change.busy}
                      onClick={() => change.takeBack(s.standard, title(s))}
                    >
                      <X size={14} />
                    </IconButton>
                  )}
                </Card>
              ))}
            </ul>
          )}
          {others.length > 0 && (
            <Disclosure open={applied.length === 0} summary={`${plural(others.length, "standard")} not applied`}>
              <ul className="grid grid-cols-[minmax(0,1fr)] gap-x-6 gap-y-1 sm:grid-cols-2 xl:grid-cols-3">
                {others.map((s) => (
                  <li key={s.standard}>
                    <button
                      type="button"
                      aria-pressed={s === chosen}
                      onClick={() => look(s.standard)}
                      className={cx(
                        "flex w-full items-baseline gap-2 rounded-md px-2 py-1.5 text-start text-sm hover:bg-raised",
                        s === chosen && "bg-accent-soft text-accent",
                      )}
                    >
                      <span className="wrap-anywhere min-w-0 flex-1">{title(s)}</span>
                      <span className={cx("num shrink-0 text-xs", s !== chosen && "text-soft")}>
                        {s.served.toLocaleString("en")} of {s.counts.clauses.toLocaleString("en")} served
                      </span>
                    </button>
                  </li>
                ))}
              </ul>
            </Disclosure>
          )}
          {chosen && <Chosen key={chosen.standard} product={product.id} name={product.name} of={chosen} />}
        </div>
      )}
      {applying && (
        <ApplyDialog
          standards={others}
          busy={change.busy}
          onClose={() => setApplying(false)}
          onApply={(s, level) =>
            void change.apply(s, level).then(
              () => {
                setApplying(false);
                look(s.standard);
              },
              () => undefined,
            )
          }
        />
      )}
    </Place>
  );
}

/** Card is a standard that is applied; children stand beside its name, the level below it. */
function Card({
  of: s,
  chosen,
  onLook,
  level,
  children,
}: {
  of: Kept;
  chosen: boolean;
  onLook: () => void;
  level?: React.ReactNode;
  children?: React.ReactNode;
}) {
  return (
    <li className={cx("card row-span-3 grid grid-cols-[minmax(0,1fr)] grid-rows-subgrid gap-2.5 px-4 py-3.5", chosen && "border-accent")}>
      <div className="flex min-h-7 items-start gap-1.5">
        <h2 className="min-w-0 flex-1 pt-0.5">
          <button
            type="button"
            aria-pressed={chosen}
            onClick={onLook}
            className="wrap-anywhere rounded-sm text-start font-semibold leading-snug hover:underline"
          >
            {title(s)}
          </button>
        </h2>
        {children}
      </div>
      <CoverageBar totals={s.counts} label={title(s)} />
      <div className="flex min-h-7 flex-wrap content-start items-center justify-between gap-x-3 gap-y-1">
        <p className="text-soft text-xs">{covered(s.counts)}</p>
        {level}
      </div>
    </li>
  );
}

/** Chosen is the standard that is looked at: its parts in numbers, then its clauses. */
function Chosen({ product, name, of: s }: { product: string; name: string; of: Kept }) {
  const [status, setStatus] = useList("status");
  return (
    <section aria-label={title(s)} className="grid grid-cols-[minmax(0,1fr)] gap-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 border-line border-b pb-2">
        <h2 className="min-w-0 flex-1 basis-60 font-semibold">
          {title(s)}
          <span className="ms-2 font-normal text-soft text-sm">
            {s.applied ? (s.level ? `clauses up to level ${s.level}` : "all clauses") : "not applied; all clauses"}
          </span>
        </h2>
        <Legend totals={s.counts} chosen={status} onChoose={(v) => setStatus(status.includes(v) ? status.filter((x) => x !== v) : [...status, v])} />
      </div>
      <Clauses product={product} name={name} of={s} />
    </section>
  );
}
