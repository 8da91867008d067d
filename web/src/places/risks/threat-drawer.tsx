import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Archive, ArchiveRestore, Gauge, MapPinOff, Network, Trash2, Undo2 } from "lucide-react";
import { useState } from "react";
import { MenuItem, MenuLine } from "../../ui/menu";
import { Badge, Count } from "../../ui/parts";
import { RatingBar } from "../../ui/rating";
import { Tabs } from "../../ui/tabs";
import { Ago, date } from "../../ui/time";
import { useCan } from "../product/frame";
import { Comments } from "./comments";
import { type Threat, type ThreatTree, threatTree } from "./data";
import { useEdits } from "./edits";
import { Four, WhyFigure } from "./figure";
import { type DrawerProps, Part, RiskDrawer, Row, Rows } from "./frame";
import { Prose, Title } from "./inline";
import { Categories } from "./marks";
import { OwnerPicker } from "./people";
import { CategoriesDialog, EditButton, InherentDialog, RateDialog } from "./rate";
import { Ratings } from "./ratings";
import { DeleteDialog, RetireDialog, ScopeDialog, useBringBack } from "./removal";
import { Changed, SetMark } from "./setby";
import { StatusMenu } from "./states";
import { Tickets } from "./tickets";
import { EvidenceOf, Tree } from "./tree";
import { WhyHere } from "./why";

type Asking = "rate" | "inherent" | "categories" | "retire" | "delete" | "scope";

/** ThreatDrawer shows one threat with everything that hangs on it, and changes it. */
export function ThreatDrawer({ product, id, onClose, onStep, onOpen }: DrawerProps) {
  const q = useQuery(threatTree(product, id));
  const can = useCan();
  const [asking, setAsking] = useState<Asking>();
  const [tab, setTab] = useState("what");
  const bringBack = useBringBack(product);
  const edits = useEdits(product);
  const tree = q.data;
  if (!tree)
    return (
      <RiskDrawer title={<span className="sr-only">Threat</span>} onClose={onClose} onStep={onStep} error={q.error} retry={() => void q.refetch()} />
    );
  const t = tree.threat;
  const edit = can("model.edit");
  const done = () => setAsking(undefined);
  const computed = () =>
    edits.mutate({ edits: [{ kind: "threat", object: t, set: { computed: true } }], text: "The inherent rating is computed again" });
  return (
    <>
      <RiskDrawer
        onClose={onClose}
        onStep={onStep}
        title={
          <Title
            key={id}
            value={t.title}
            label="Title of the threat"
            draft={`threat/${id}/title`}
            readOnly={!edit}
            maxLength={300}
            save={(title) => edits.mutateAsync({ edits: [{ kind: "threat", object: t, set: { title } }], text: "The title is changed" })}
          />
        }
        menu={
          edit && (
            <>
              {t.inherent === undefined ? (
                <MenuItem icon={<Gauge size={14} />} onSelect={() => setAsking("inherent")}>
                  Set the inherent rating by hand…
                </MenuItem>
              ) : (
                <MenuItem icon={<Undo2 size={14} />} onSelect={computed}>
                  Compute the inherent rating again
                </MenuItem>
              )}
              {t.where !== "product" && (
                <MenuItem icon={<MapPinOff size={14} />} onSelect={() => setAsking("scope")}>
                  {t.rating.standing === "out_of_scope" ? "Take its place back into scope…" : "Take its place out of scope…"}
                </MenuItem>
              )}
              <MenuLine />
              {t.retired ? (
                <MenuItem icon={<ArchiveRestore size={14} />} onSelect={() => bringBack({ kind: "threat", of: t })}>
                  Bring it back
                </MenuItem>
              ) : (
                <MenuItem icon={<Archive size={14} />} onSelect={() => setAsking("retire")}>
                  Retire it…
                </MenuItem>
              )}
              {t.origin === "person" && (
                <MenuItem icon={<Trash2 size={14} />} danger onSelect={() => setAsking("delete")}>
                  Delete it…
                </MenuItem>
              )}
            </>
          )
        }
        about={
          <Head
            product={product}
            of={t}
            onReset={
              edit
                ? (field, name) =>
                    edits.mutate({ edits: [{ kind: "threat", object: t, set: { reset: [field] } }], text: `${name} follows the rules again` })
                : undefined
            }
          />
        }
      >
        <Tabs
          value={tab}
          onChange={setTab}
          tabs={[
            { value: "what", text: "Details", panel: <Details product={product} tree={tree} edit={edit} ask={setAsking} onOpen={onOpen} /> },
            {
              value: "why",
              text: "Why",
              panel: (
                <div className="grid gap-6">
                  <Part title="Why it is here">
                    <WhyHere product={product} why={t.why} origin={t.origin} />
                  </Part>
                  <Part title="Why this figure">
                    <WhyFigure of={tree.explanation} />
                  </Part>
                </div>
              ),
            },
            { value: "tests", text: "Evidence", panel: <EvidenceOf tree={tree} /> },
            { value: "history", text: "History", panel: <Ratings product={product} threat={id} /> },
            {
              value: "comments",
              text: <>Comments {t.comments > 0 && <Count n={t.comments} />}</>,
              panel: <Comments product={product} object={`threat/${id}`} />,
            },
          ]}
        />
      </RiskDrawer>
      {asking === "rate" && <RateDialog product={product} of={t} onClose={done} />}
      {asking === "inherent" && <InherentDialog product={product} of={t} onClose={done} />}
      {asking === "categories" && <CategoriesDialog product={product} of={t} onClose={done} />}
      {asking === "retire" && <RetireDialog product={product} thing={{ kind: "threat", of: t }} onClose={done} />}
      {asking === "delete" && <DeleteDialog product={product} thing={{ kind: "threat", of: t }} onClose={done} onGone={onClose} />}
      {asking === "scope" && <ScopeDialog product={product} of={t} onClose={done} />}
    </>
  );
}

function Head({ product, of: t, onReset }: { product: string; of: Threat; onReset?: (field: string, name: string) => void }) {
  const r = t.rating;
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <span className="text-soft">
          at <bdi className="font-medium text-text">{t.where_name}</bdi>
        </span>
        <Changed sets={t.sets} fields={{ title: "Title", retired: "Retired" }} generated={t.origin === "rule"} onReset={onReset} />
        <Link to="/products/$product/diagram" params={{ product }} search={{ threat: t.id } as never} className="link inline-flex items-center gap-1">
          <Network aria-hidden size={13} />
          Show on the diagram
        </Link>
      </div>
      {t.retired ? (
        <p className="rounded-md bg-raised px-3 py-2 text-sm">
          Retired <Ago at={t.retired.at} />: {t.retired.reason}
        </p>
      ) : (
        <>
          <RatingBar inherent={r.inherent} verified={r.verified} current={r.current} projected={r.projected} label="Ratings" />
          <Four rating={r} unrated={r.unrated} />
        </>
      )}
      <Standing of={t} />
    </div>
  );
}

function Standing({ of: t }: { of: Threat }) {
  const r = t.rating;
  const gap = r.verified - r.current;
  return (
    <>
      {t.acceptance && (
        <div className="rounded-md bg-medium-soft px-3 py-2 text-sm">
          <p className="font-medium text-medium">
            Accepted until {date(t.acceptance.ends)} by <bdi>{t.acceptance.by}</bdi>
          </p>
          <p className="whitespace-pre-wrap">{t.acceptance.reason}</p>
        </div>
      )}
      {(r.over_tolerance || gap > 0 || r.standing === "out_of_scope" || t.inherent !== undefined) && (
        <div className="flex flex-wrap gap-1.5">
          {r.over_tolerance && <Badge tone="bad">Above what the product tolerates</Badge>}
          {gap > 0 && <Badge tone="warn">{gap} claimed, not proven</Badge>}
          {r.standing === "out_of_scope" && <Badge>Its place is out of scope</Badge>}
          {t.inherent !== undefined && <Badge tone="accent">Inherent set by hand</Badge>}
        </div>
      )}
    </>
  );
}

function Details({
  product,
  tree,
  edit,
  ask,
  onOpen,
}: {
  product: string;
  tree: ThreatTree;
  edit: boolean;
  ask: (a: Asking) => void;
  onOpen: DrawerProps["onOpen"];
}) {
  const t = tree.threat;
  const edits = useEdits(product);
  const may = edit && !t.retired;
  const mark = (field: string, name: string) => (
    <SetMark
      field={field}
      name={name}
      sets={t.sets}
      generated={t.origin === "rule"}
      onReset={
        edit
          ? () => edits.mutate({ edits: [{ kind: "threat", object: t, set: { reset: [field] } }], text: `${name} follows the rules again` })
          : undefined
      }
    />
  );
  return (
    <div className="grid gap-5">
      <Rows>
        <Row name="Status" mark={mark("status", "Status")}>
          <StatusMenu product={product} of={t} />
          {t.status_reason && !["open", "accepted"].includes(t.status) && <span className="min-w-0 text-soft text-xs">{t.status_reason}</span>}
        </Row>
        <Row name="Owner" mark={mark("owner", "Owner")}>
          <OwnerPicker
            product={product}
            owner={t.owner}
            name={t.owner_name}
            what={t.title}
            onChange={
              may
                ? (owner, name) =>
                    edits.mutate({
                      edits: [{ kind: "threat", object: t, set: { owner } }],
                      text: owner ? `${name} owns it now` : "Nobody owns it now",
                    })
                : undefined
            }
          />
        </Row>
        <Row name="Categories" mark={mark("categories", "Categories")} beside>
          <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
            {(t.categories ?? []).length > 0 ? <Categories of={t.categories} long /> : <span className="text-soft">None</span>}
            {(t.capec ?? []).length > 0 && <span className="num text-soft text-xs">{(t.capec ?? []).map((n) => `CAPEC-${n}`).join(", ")}</span>}
          </span>
          {may && <EditButton label="Change the categories" onClick={() => ask("categories")} />}
        </Row>
        <Row
          name="Impact"
          mark={
            <>
              {mark("impact", "Impact")}
              {mark("ease", "Ease")}
            </>
          }
        >
          {t.severity && t.ease === 0 && Object.values(t.impact).every((v) => !v) ? (
            <span>Not given; the severity “{t.severity}” decides</span>
          ) : (
            <span className="num">
              C {t.impact.confidentiality} · I {t.impact.integrity} · A {t.impact.availability} · ease {t.ease}
            </span>
          )}
          {may && <EditButton label="Change impact and ease" onClick={() => ask("rate")} />}
        </Row>
        {t.inherent !== undefined && (
          <Row name="Inherent" mark={mark("inherent", "Inherent rating")}>
            <span className="num">{t.inherent}, set by hand</span>
            {t.sets?.inherent?.reason && <span className="text-soft text-xs">{t.sets.inherent.reason}</span>}
          </Row>
        )}
        <Row name="Comes from">
          <span>{t.origin === "rule" ? "A rule of the library" : t.origin === "import" ? "An imported file" : "Somebody, by hand"}</span>
        </Row>
      </Rows>
      <Prose
        key={t.id}
        label="What can happen"
        value={t.description ?? ""}
        empty="Nobody has described it yet."
        draft={`threat/${t.id}/description`}
        readOnly={!edit}
        maxLength={20_000}
        library={t.origin === "rule" && !t.sets?.description}
        marks={mark("description", "Description")}
        save={(description) =>
          edits.mutateAsync({ edits: [{ kind: "threat", object: t, set: { description } }], text: "The description is changed" })
        }
      />
      <Tree product={product} tree={tree} onOpen={onOpen} />
      <Part title="Tickets">
        <Tickets
          product={product}
          object={t.id}
          purpose="threat"
          tickets={t.tickets}
          instead={
            t.countermeasures?.length
              ? "Tickets are made for its countermeasures. A threat gets one of its own only while nothing is done about it."
              : undefined
          }
        />
      </Part>
    </div>
  );
}
