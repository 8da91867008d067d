import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleHelp, FlaskConical } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { api, match, ok, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Disclosure } from "../../ui/parts";
import { Progress } from "../../ui/progress";
import { Empty } from "../../ui/state";
import { plural, word } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { type Does, does, doesName, refusable, type Sorted, type Step, waits, withLinks } from "./plan";
import { RefuseDialog, Refused } from "./refuse";
import { type Acts, Reasons, type Titles } from "./step";
import { Steps } from "./steps";

type Input = S["PlanInput"] & { says: (r: S["AppliedView"]) => string; undo?: S["PlanInput"] };

/** PlanPart is the plan with everything a person can answer to it. */
export function PlanPart({
  plan,
  sorted,
  waiting,
  most,
  toPublish,
}: {
  plan: S["PlanView"];
  sorted: Sorted;
  waiting: number;
  most: number;
  toPublish: () => void;
}) {
  const p = useProduct();
  const can = useCan()("plan.apply");
  const [selected, setSelected] = useState(new Set<string>());
  const [refusing, setRefusing] = useState<Step[]>([]);
  const post = (body: S["PlanInput"], version?: number) =>
    ok(api.POST("/products/{product}/plan", { params: { path: { product: p.id }, header: match(version) }, body }));
  const apply = useChange(
    p.id,
    ({ says: _, undo: __, ...body }: Input) => post(body, plan.version),
    (r, input) => {
      setSelected(new Set());
      return { text: input.says(r), undo: input.undo && (() => post(input.undo ?? {})) };
    },
  );
  // How many wait is told above the plan, where links do not count as steps of their own.
  const left = (r: S["AppliedView"]) => (r.left ? "" : " Nothing waits any more.");
  const accept = (steps: Step[]) =>
    apply.mutate({
      accept: withLinks(steps, plan, sorted.followers),
      says: (r) => `${plural(steps.length, "step is", "steps are")} accepted.${left(r)}`,
    });
  const select = (steps: Step[], on: boolean) =>
    setSelected((old) => {
      const next = new Set(old);
      for (const s of steps) {
        if (on) next.add(s.key);
        else next.delete(s.key);
      }
      return next;
    });
  const latest = useRef({ accept, select, busy: apply.isPending });
  latest.current = { accept, select, busy: apply.isPending };
  const acts = useMemo<Acts>(
    () => ({
      select: (s, on) => latest.current.select([s], on),
      accept: (s) => latest.current.busy || latest.current.accept([s]),
      refuse: (s) => latest.current.busy || setRefusing([s]),
    }),
    [],
  );
  const shown = useFiltered(
    sorted.shown,
    (s) => `${s.title} ${s.where_name} ${s.reason ?? ""}`,
    { kind: (s) => s.kind, does: (s) => does(s), where: (s) => s.where || "product" },
    [],
  );
  const groups = useMemo(() => {
    if (shown === sorted.shown) return sorted.groups;
    const visible = new Set(shown.map((s) => s.key));
    return sorted.groups.map((g) => ({ ...g, steps: g.steps.filter((s) => visible.has(s.key)) })).filter((g) => g.steps.length > 0);
  }, [shown, sorted]);
  const open = shown.filter(waits);
  const filtered = shown.length < sorted.shown.length;
  const kept = sorted.shown.length - waiting;
  const chosen = sorted.shown.filter((s) => selected.has(s.key));
  const kinds = [...new Set(sorted.shown.map((s) => s.kind))];
  const done = most - waiting;
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <Ask plan={plan} />
      {done > 0 && waiting > 0 && (
        <div className="flex items-center gap-3 text-soft text-xs">
          <Progress value={done / most} label="Reviewed" className="max-w-64" />
          <span className="num">
            {done} of {most} reviewed
          </span>
        </div>
      )}
      {sorted.shown.length === 0 ? (
        <Nothing plan={plan} toPublish={toPublish} />
      ) : (
        <>
          <div className="-mb-3">
            <FilterBar
              label="Search the plan"
              shown={shown.length}
              total={sorted.shown.length}
              unit="step"
              note={kept > 0 ? `${waiting.toLocaleString("en")} waiting, ${kept.toLocaleString("en")} as set by people` : undefined}
              filters={[
                {
                  key: "does",
                  name: "What happens",
                  options: (["add", "change", "retire", "keep"] as Does[])
                    .filter((d) => sorted.shown.some((s) => does(s) === d))
                    .map((d) => ({ value: d, text: doesName[d] })),
                },
                { key: "kind", name: "Kind", options: kinds.map((k) => ({ value: k, text: word(k) })) },
                {
                  key: "where",
                  name: "Place",
                  options: sorted.groups.map((g) => ({ value: g.where || "product", text: g.name || "The product as a whole" })),
                },
              ]}
            >
              {can && open.length > 0 && (
                <Button
                  look="primary"
                  busy={apply.isPending}
                  onClick={() =>
                    filtered
                      ? accept(open)
                      : apply.mutate({ all: true, says: (r) => `${plural(open.length, "step is", "steps are")} accepted.${left(r)}` })
                  }
                >
                  {filtered ? `Accept these ${open.length}` : "Accept all"}
                </Button>
              )}
            </FilterBar>
          </div>
          {!can && <p className="text-soft text-sm">You may read the plan. To accept it you need the right to apply plans in this product.</p>}
          {waiting === 0 && (
            <p className="text-soft text-sm">
              Nothing waits for you. What is listed here differs from the library because somebody set it, and stays that way.
            </p>
          )}
          {shown.length === 0 && <p className="py-8 text-center text-soft text-sm">No step matches these filters.</p>}
          {groups.length > 0 && (
            <Steps
              groups={groups}
              selected={selected}
              select={select}
              accept={accept}
              acts={acts}
              busy={apply.isPending}
              can={can}
              reasons={plan.reasons}
            />
          )}
        </>
      )}
      <Planned plan={plan} toPublish={toPublish} />
      <Refused
        list={plan.refused ?? []}
        can={can}
        busy={apply.isPending}
        again={(keys) => apply.mutate({ unrefuse: keys, says: () => "It is offered again." })}
      />
      <Concluded facts={plan.facts ?? []} reasons={plan.reasons} />
      {chosen.length > 0 && (
        <div
          data-lower
          className="sticky bottom-4 z-20 mx-auto flex max-w-full flex-wrap items-center justify-center gap-2 rounded-lg border border-line bg-surface px-3 py-2 shadow-float"
        >
          <span className="num px-1 text-sm" role="status">
            {chosen.length} selected
          </span>
          <Button look="primary" size="sm" busy={apply.isPending} onClick={() => accept(chosen)}>
            Accept
          </Button>
          <Button
            size="sm"
            disabled={!chosen.every(refusable)}
            title={chosen.every(refusable) ? undefined : "Only what comes in can be refused"}
            onClick={() => setRefusing(chosen)}
          >
            Refuse…
          </Button>
          <Button look="ghost" size="sm" onClick={() => setSelected(new Set())}>
            Clear
          </Button>
        </div>
      )}
      <RefuseDialog
        steps={refusing}
        onClose={() => setRefusing([])}
        submit={(reason) =>
          apply.mutateAsync({
            refuse: refusing.map((s) => ({ key: s.key, reason })),
            says: () => `${plural(refusing.length, "step is", "steps are")} refused.`,
            undo: { unrefuse: refusing.map((s) => s.key) },
          })
        }
      />
    </div>
  );
}

/** Ask names what a person should say before the plan is whole. */
function Ask({ plan }: { plan: S["PlanView"] }) {
  const p = useProduct();
  const questions = plan.questions ?? [];
  const notes = plan.notes ?? [];
  if (questions.length + notes.length === 0) return null;
  return (
    <div className="rounded-lg border border-medium/40 bg-medium-soft px-4 py-3 text-sm">
      <p className="flex items-center gap-2 font-medium text-medium">
        <CircleHelp aria-hidden size={16} /> {questions.length ? `${plural(questions.length, "question")} could change this plan` : "To be settled"}
      </p>
      <ul className="mt-1 grid gap-0.5 ps-6">
        {questions.slice(0, 5).map((x) => (
          <li key={x.question}>
            <Link
              to="/products/$product/questionnaire"
              params={{ product: p.id }}
              search={{ question: x.question } as never}
              className="underline underline-offset-3"
            >
              {x.title}
            </Link>
          </li>
        ))}
        {notes.slice(0, 5).map((n) => (
          <li key={`${n.where} ${n.text}`}>
            <bdi>{n.text}</bdi>
          </li>
        ))}
        {questions.length + notes.length > 10 && <li>And more.</li>}
      </ul>
    </div>
  );
}

function Nothing({ plan, toPublish }: { plan: S["PlanView"]; toPublish: () => void }) {
  const p = useProduct();
  const bare = p.risk.open.threats === 0 && !plan.from;
  return (
    <div className="card">
      <Empty
        icon={<CircleCheck size={20} />}
        title="Nothing to review"
        action={
          bare ? (
            <>
              <Link to="/products/$product/questionnaire" params={{ product: p.id }} className="link text-sm">
                Answer the questionnaire
              </Link>
              <Link to="/products/$product/diagram" params={{ product: p.id }} className="link text-sm">
                Draw the diagram
              </Link>
            </>
          ) : (
            <Button onClick={toPublish}>Look at the tickets</Button>
          )
        }
      >
        {bare
          ? "Answers and a diagram bring the first threats here."
          : "The model is what the library makes of it. Another answer, a change of the diagram or a newer library brings something here."}
      </Empty>
    </div>
  );
}

/** Planned are the tickets that the policy would create. */
function Planned({ plan, toPublish }: { plan: S["PlanView"]; toPublish: () => void }) {
  const list = plan.tickets ?? [];
  if (list.length === 0) return null;
  return (
    <Disclosure summary={`Tickets that would be created (${list.length})`}>
      <ul className="card mb-2 divide-y divide-line">
        {list.slice(0, 50).map((t) => (
          <li key={`${t.object} ${t.purpose}`} className="flex items-baseline gap-3 px-4 py-2 text-sm">
            <bdi className="min-w-0 flex-1">{t.summary}</bdi>
            <span className="shrink-0 text-soft text-xs">{word(t.purpose)}</span>
            {t.project && <bdi className="num shrink-0 text-soft text-xs">{t.project}</bdi>}
          </li>
        ))}
        {list.length > 50 && <li className="px-4 py-2 text-soft text-sm">And {list.length - 50} more.</li>}
      </ul>
      <Button size="sm" onClick={toPublish}>
        To the tickets
      </Button>
    </Disclosure>
  );
}

/** Concluded is what the rules know of the model beyond what was said. */
function Concluded({ facts, reasons }: { facts: S["GenerateConcluded"][]; reasons: Titles }) {
  if (facts.length === 0) return null;
  return (
    <Disclosure summary={`What the rules concluded (${facts.length})`}>
      <ul className="card divide-y divide-line">
        {facts.slice(0, 100).map((f) => (
          <li key={`${f.where} ${f.fact}`} className="px-4 py-2 text-sm">
            <p className="flex items-center gap-2">
              <FlaskConical aria-hidden size={14} className="text-soft" />
              {word(f.fact)}: <span className="font-medium">{f.value}</span>
            </p>
            <Reasons why={f.why ?? []} titles={reasons} />
          </li>
        ))}
      </ul>
    </Disclosure>
  );
}
