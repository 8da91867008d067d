import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Archive, ArchiveRestore, CircleDot, Trash2 } from "lucide-react";
import { useState } from "react";
import { MenuItem } from "../../ui/menu";
import { Count } from "../../ui/parts";
import { asBand, BandBadge } from "../../ui/rating";
import { Tabs } from "../../ui/tabs";
import { Ago } from "../../ui/time";
import { plural } from "../../ui/words";
import { useCan } from "../product/frame";
import { Comments } from "./comments";
import { costText } from "./cost";
import { type CountermeasureTree, countermeasureTree } from "./data";
import { useEdits } from "./edits";
import { CostDialog, MandatoryDialog, StandardsDialog } from "./facts";
import { type DrawerProps, Part, RiskDrawer, Row, Rows } from "./frame";
import { Prose, Title } from "./inline";
import { EvidenceBadge } from "./marks";
import { OwnerPicker } from "./people";
import { EditButton } from "./rate";
import { DeleteDialog, RetireDialog, useBringBack } from "./removal";
import { Results } from "./results";
import { Changed, SetMark } from "./setby";
import { StateMenu } from "./states";
import { Tickets } from "./tickets";
import { WhyHere } from "./why";

type Asking = "cost" | "standards" | "mandatory" | "retire" | "delete";

/** CountermeasureDrawer shows one countermeasure with what it serves, and changes it. */
export function CountermeasureDrawer({ product, id, onClose, onStep, onOpen }: DrawerProps) {
  const q = useQuery(countermeasureTree(product, id));
  const can = useCan();
  const [asking, setAsking] = useState<Asking>();
  const [tab, setTab] = useState("what");
  const bringBack = useBringBack(product);
  const edits = useEdits(product);
  const tree = q.data;
  if (!tree)
    return (
      <RiskDrawer
        title={<span className="sr-only">Countermeasure</span>}
        onClose={onClose}
        onStep={onStep}
        error={q.error}
        retry={() => void q.refetch()}
      />
    );
  const c = tree.countermeasure;
  const edit = can("model.edit");
  const done = () => setAsking(undefined);
  const reset = (field: string, name: string) =>
    edits.mutate({ edits: [{ kind: "countermeasure", object: c, set: { reset: [field] } }], text: `${name} follows the rules again` });
  return (
    <>
      <RiskDrawer
        onClose={onClose}
        onStep={onStep}
        title={
          <Title
            key={id}
            value={c.title}
            label="Title of the countermeasure"
            draft={`countermeasure/${id}/title`}
            readOnly={!edit}
            maxLength={300}
            save={(title) => edits.mutateAsync({ edits: [{ kind: "countermeasure", object: c, set: { title } }], text: "The title is changed" })}
          />
        }
        menu={
          edit && (
            <>
              {c.retired ? (
                <MenuItem icon={<ArchiveRestore size={14} />} onSelect={() => bringBack({ kind: "countermeasure", of: c })}>
                  Bring it back
                </MenuItem>
              ) : (
                <MenuItem icon={<Archive size={14} />} onSelect={() => setAsking("retire")}>
                  Retire it…
                </MenuItem>
              )}
              {c.origin === "person" && (
                <MenuItem icon={<Trash2 size={14} />} danger onSelect={() => setAsking("delete")}>
                  Delete it…
                </MenuItem>
              )}
            </>
          )
        }
        about={
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-sm">
            <span className="text-soft">
              at <bdi className="font-medium text-text">{c.where_name}</bdi>
            </span>
            <Changed
              sets={c.sets}
              fields={{ title: "Title", retired: "Retired" }}
              generated={c.origin === "rule"}
              onReset={edit ? reset : undefined}
            />
            {c.retired && (
              <p className="w-full rounded-md bg-raised px-3 py-2">
                Retired <Ago at={c.retired.at} />: {c.retired.reason}
              </p>
            )}
          </div>
        }
      >
        <Tabs
          value={tab}
          onChange={setTab}
          tabs={[
            {
              value: "what",
              text: "Details",
              panel: <Details product={product} tree={tree} edit={edit} ask={setAsking} onReset={reset} onOpen={onOpen} />,
            },
            {
              value: "why",
              text: "Why",
              panel: (
                <Part title="Why it is here">
                  <WhyHere product={product} why={c.why} origin={c.origin} />
                </Part>
              ),
            },
            { value: "tests", text: "Evidence", panel: <Tests tree={tree} /> },
            {
              value: "comments",
              text: <>Comments {c.comments > 0 && <Count n={c.comments} />}</>,
              panel: <Comments product={product} object={`countermeasure/${id}`} />,
            },
          ]}
        />
      </RiskDrawer>
      {asking === "cost" && <CostDialog product={product} of={c} onClose={done} />}
      {asking === "standards" && <StandardsDialog product={product} of={c} onClose={done} />}
      {asking === "mandatory" && <MandatoryDialog product={product} of={c} onClose={done} />}
      {asking === "retire" && <RetireDialog product={product} thing={{ kind: "countermeasure", of: c }} onClose={done} />}
      {asking === "delete" && <DeleteDialog product={product} thing={{ kind: "countermeasure", of: c }} onClose={done} onGone={onClose} />}
    </>
  );
}

function Details({
  product,
  tree,
  edit,
  ask,
  onReset,
  onOpen,
}: {
  product: string;
  tree: CountermeasureTree;
  edit: boolean;
  ask: (a: Asking) => void;
  onReset: (field: string, name: string) => void;
  onOpen: DrawerProps["onOpen"];
}) {
  const c = tree.countermeasure;
  const edits = useEdits(product);
  const can = useCan();
  const may = edit && !c.retired;
  const mark = (field: string, name: string, on = edit) => (
    <SetMark field={field} name={name} sets={c.sets} generated={c.origin === "rule"} onReset={on ? () => onReset(field, name) : undefined} />
  );
  const prose = (field: "description" | "test", label: string, empty: string, maxLength: number) => (
    <Prose
      key={`${c.id}/${field}`}
      label={label}
      value={c[field] ?? ""}
      empty={empty}
      draft={`countermeasure/${c.id}/${field}`}
      readOnly={!edit}
      maxLength={maxLength}
      library={c.origin === "rule" && !c.sets?.[field]}
      marks={mark(field, label)}
      save={(text) => edits.mutateAsync({ edits: [{ kind: "countermeasure", object: c, set: { [field]: text } }], text: "The text is changed" })}
    />
  );
  return (
    <div className="grid gap-5">
      <Rows>
        <Row name="State" mark={mark("state", "State", can("countermeasure.state"))}>
          <StateMenu product={product} of={c} />
          {c.state_reason && <span className="min-w-0 text-soft text-xs">{c.state_reason}</span>}
        </Row>
        <Row name="Evidence">
          <EvidenceBadge evidence={c.evidence} />
          {c.evidence.text && <span className="min-w-0 text-soft text-xs">{c.evidence.text}</span>}
        </Row>
        <Row name="Would take off">
          {c.takes > 0 ? (
            <>
              <span className="num font-medium">{c.takes}</span>
              <span className="text-soft text-xs">of the summed current rating, once it is done</span>
            </>
          ) : (
            <span className="text-soft">{c.state === "implemented" ? "Nothing more: it counts already" : "Nothing"}</span>
          )}
        </Row>
        <Row name="Owner" mark={mark("owner", "Owner")}>
          <OwnerPicker
            product={product}
            owner={c.owner}
            name={c.owner_name}
            what={c.title}
            onChange={
              may
                ? (owner, name) =>
                    edits.mutate({
                      edits: [{ kind: "countermeasure", object: c, set: { owner } }],
                      text: owner ? `${name} owns it now` : "Nobody owns it now",
                    })
                : undefined
            }
          />
        </Row>
        <Row name="Cost" mark={mark("cost", "Cost")}>
          {c.cost ? <span className="num">{costText(c.cost)}</span> : <span className="text-soft">Not known</span>}
          {may && <EditButton label="Change the cost" onClick={() => ask("cost")} />}
        </Row>
        <Row name="Standards" mark={mark("standards", "Standards")} beside>
          {(c.standards ?? []).length > 0 ? (
            <span className="num min-w-0">{(c.standards ?? []).map((s) => `${s.standard.toUpperCase()} ${s.clause}`).join(" · ")}</span>
          ) : (
            <span className="text-soft">None</span>
          )}
          {may && <EditButton label="Change the standards" onClick={() => ask("standards")} />}
        </Row>
        <Row name="Comes from">
          {c.origin === "rule" ? "A rule of the library" : c.origin === "import" ? "An imported file" : "Somebody, by hand"}
        </Row>
      </Rows>
      {prose("description", "How to do it", "Nobody has described it yet.", 20_000)}
      <div className="grid gap-2">
        {prose("test", "What a passing test would show", "Not said.", 5000)}
        <div className="flex flex-wrap items-center gap-x-2 text-sm">
          <span className="text-soft">Mandatory tests:</span>
          {(c.mandatory ?? []).length > 0 ? (
            (c.mandatory ?? []).map((m) => (
              <code key={m} className="rounded-sm bg-raised px-1 text-xs">
                {m}
              </code>
            ))
          ) : (
            <span className="text-soft">none</span>
          )}
          {mark("mandatory", "Mandatory tests")}
          {may && <EditButton label="Change the mandatory tests" onClick={() => ask("mandatory")} />}
        </div>
      </div>
      <Served product={product} tree={tree} onOpen={onOpen} />
      <Part title="Tickets">
        <Tickets product={product} object={c.id} purpose="countermeasure" tickets={c.tickets} />
      </Part>
    </div>
  );
}

function Served({ product, tree, onOpen }: { product: string; tree: CountermeasureTree; onOpen: DrawerProps["onOpen"] }) {
  const navigate = useNavigate();
  const threats = tree.threats ?? [];
  const titles = new Map((tree.weaknesses ?? []).map((w) => [w.id, w.title]));
  const open = (id: string) =>
    onOpen ? onOpen("threat", id) : void navigate({ to: "/products/$product/threats", params: { product }, search: { open: id } as never });
  return (
    <Part title={threats.length > 1 ? `Serves ${plural(threats.length, "threat")}` : "Serves"}>
      {threats.length === 0 ? (
        <p className="text-sm text-soft">No threat that is in use.</p>
      ) : (
        <ul className="card shadow-none">
          {threats.map((t) => (
            <li key={t.id} className="flex items-start gap-3 border-line px-3 py-2 not-first:border-t">
              <div className="min-w-0 flex-1">
                <button type="button" onClick={() => open(t.id)} className="w-fit max-w-full rounded-sm text-start text-sm hover:underline">
                  <bdi>{t.title}</bdi>
                </button>
                <p className="text-soft text-xs">
                  at <bdi>{t.where_name}</bdi>
                  {(t.through ?? []).length > 0 && <> · through {(t.through ?? []).map((w) => titles.get(w) ?? w).join(", ")}</>}
                </p>
              </div>
              <span className="num shrink-0 text-soft text-xs leading-5.5">{t.share} % off</span>
              <BandBadge band={asBand(t.rating.band)} figure={t.rating.unrated ? undefined : t.rating.current} className="shrink-0" />
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}

function Tests({ tree }: { tree: CountermeasureTree }) {
  const weaknesses = (tree.weaknesses ?? []).filter((w) => (w.results ?? []).length > 0);
  return (
    <div className="grid gap-5">
      <Part title="About the countermeasure">
        <Results of={tree.results} />
      </Part>
      {weaknesses.map((w) => (
        <Part key={w.id} title={`About the weakness “${w.title}”`} actions={<EvidenceBadge evidence={w.evidence} short />}>
          <p className="-mt-1 flex items-center gap-1 text-soft text-xs">
            <CircleDot aria-hidden size={12} />A failing test here withdraws what the countermeasure takes off.
          </p>
          <Results of={w.results} />
        </Part>
      ))}
    </div>
  );
}
