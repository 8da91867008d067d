import { useNavigate } from "@tanstack/react-router";
import { CircleDot, MoreHorizontal, Pencil, Percent, Plus, ShieldCheck, Undo2, Unlink } from "lucide-react";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { Button, IconButton } from "../../ui/button";
import { FormDialog } from "../../ui/dialog";
import { Menu, MenuItem, MenuLine } from "../../ui/menu";
import { Disclosure } from "../../ui/parts";
import { useCan } from "../product/frame";
import { costText } from "./cost";
import type { Branch, Threat, ThreatTree, WeaknessBranch } from "./data";
import { many, useEdits } from "./edits";
import { Part } from "./frame";
import { EvidenceBadge, TicketBadge } from "./marks";
import { Scale } from "./rate";
import { Results } from "./results";
import { AddCountermeasure } from "./serve";
import { SetMark } from "./setby";
import { StateMenu } from "./states";
import { AddWeakness, WeaknessDialog } from "./weakness";

type Open = ((kind: "threat" | "countermeasure", id: string) => void) | undefined;

/** Tree shows what makes a threat possible and what is done about it, and changes both. */
export function Tree({ product, tree, onOpen }: { product: string; tree: ThreatTree; onOpen: Open }) {
  const can = useCan();
  const [adding, setAdding] = useState<"weakness" | { through?: string }>();
  const threat = tree.threat;
  const edit = can("model.edit") && !threat.retired;
  const weaknesses = tree.weaknesses ?? [];
  const direct = tree.countermeasures ?? [];
  const linked = new Set([...direct, ...weaknesses.flatMap((w) => w.countermeasures ?? [])].map((b) => b.id));
  return (
    <Part
      title="What makes it possible, and what helps"
      actions={
        edit && (
          <>
            <Button look="ghost" size="sm" icon={<Plus aria-hidden size={13} />} onClick={() => setAdding("weakness")}>
              Weakness
            </Button>
            <Button look="ghost" size="sm" icon={<Plus aria-hidden size={13} />} onClick={() => setAdding({})}>
              Countermeasure
            </Button>
          </>
        )
      }
    >
      {weaknesses.length === 0 && direct.length === 0 ? (
        <p className="text-sm text-soft">No weakness and no countermeasure is known. {edit ? "Add what helps, or the rating stays as it is." : ""}</p>
      ) : (
        <ul className="grid gap-2.5">
          {weaknesses.map((w) => (
            <li key={w.id}>
              <WeaknessNode product={product} threat={threat} of={w} edit={edit} onOpen={onOpen} onAdd={() => setAdding({ through: w.id })} />
            </li>
          ))}
          {direct.length > 0 && (
            <li className="card shadow-none">
              {weaknesses.length > 0 && <p className="px-3 pt-2.5 text-soft text-xs">Against the threat itself</p>}
              <ul>
                {direct.map((b) => (
                  <BranchRow key={b.id} product={product} threat={threat} of={b} edit={edit} onOpen={onOpen} />
                ))}
              </ul>
            </li>
          )}
        </ul>
      )}
      {adding === "weakness" && <AddWeakness product={product} of={threat} onClose={() => setAdding(undefined)} />}
      {adding && adding !== "weakness" && (
        <AddCountermeasure
          product={product}
          threat={threat}
          weakness={adding.through}
          weaknesses={weaknesses}
          linked={linked}
          onClose={() => setAdding(undefined)}
        />
      )}
    </Part>
  );
}

function WeaknessNode({
  product,
  threat,
  of: w,
  edit,
  onOpen,
  onAdd,
}: {
  product: string;
  threat: Threat;
  of: WeaknessBranch;
  edit: boolean;
  onOpen: Open;
  onAdd: () => void;
}) {
  const [editing, setEditing] = useState(false);
  const unlink = useUnlink(product);
  const branches = w.countermeasures ?? [];
  return (
    <div className="card shadow-none">
      <div className="flex items-start gap-2 px-3 pt-2.5 pb-2">
        <CircleDot aria-hidden size={14} className="mt-1 shrink-0 text-soft" />
        <div className="min-w-0 flex-1">
          <p className="text-sm">
            <bdi className="font-medium">{w.title}</bdi>{" "}
            {!!w.cwe && (
              <span className="num whitespace-nowrap text-soft text-xs" title="Common Weakness Enumeration">
                CWE-{w.cwe}
              </span>
            )}
          </p>
          {w.description && <p className="line-clamp-2 text-soft text-xs">{w.description}</p>}
          {(w.tickets ?? []).length > 0 && (
            <div className="mt-1 flex flex-wrap gap-x-3">
              {(w.tickets ?? []).map((t) => (
                <TicketBadge key={t.purpose + t.key} ticket={t} />
              ))}
            </div>
          )}
          <Results of={w.results} quiet />
        </div>
        <EvidenceBadge evidence={w.evidence} />
        {edit && (
          <Menu
            align="end"
            label={`Weakness ${w.title}`}
            trigger={
              <IconButton label={`Weakness ${w.title}`} size="sm" className="-my-1">
                <MoreHorizontal size={14} />
              </IconButton>
            }
          >
            <MenuItem icon={<Pencil size={14} />} onSelect={() => setEditing(true)}>
              Change it…
            </MenuItem>
            <MenuItem icon={<Plus size={14} />} onSelect={onAdd}>
              Add a countermeasure…
            </MenuItem>
            <MenuLine />
            <MenuItem
              icon={<Unlink size={14} />}
              danger
              onSelect={() =>
                unlink.mutate({ threat: threat.id, weakness: w.id, title: w.title, branches, bare: branches.length === 0 || w.origin === "person" })
              }
            >
              Take it off this threat
            </MenuItem>
          </Menu>
        )}
      </div>
      {branches.length > 0 ? (
        <ul className="border-line border-t">
          {branches.map((b) => (
            <BranchRow key={b.id} product={product} threat={threat} weakness={w.id} of={b} edit={edit} onOpen={onOpen} />
          ))}
        </ul>
      ) : (
        <p className="border-line border-t px-3 py-2 text-soft text-xs">Nothing is done about it yet.</p>
      )}
      {editing && <WeaknessDialog product={product} of={w} onClose={() => setEditing(false)} />}
    </div>
  );
}

/** BranchRow is a countermeasure under a threat: what it takes off here, its state, its tests and its ticket. */
function BranchRow({
  product,
  threat,
  weakness,
  of: b,
  edit,
  onOpen,
}: {
  product: string;
  threat: Threat;
  weakness?: string;
  of: Branch;
  edit: boolean;
  onOpen: Open;
}) {
  const navigate = useNavigate();
  const edits = useEdits(product);
  const unlink = useUnlink(product);
  const [sharing, setSharing] = useState(false);
  const open = () =>
    onOpen
      ? onOpen("countermeasure", b.id)
      : void navigate({ to: "/products/$product/countermeasures", params: { product }, search: { open: b.id } as never });
  const link = { id: `${threat.id}/${weakness ?? ""}/${b.id}`, origin: b.link_origin, sets: b.link_sets, share: b.share };
  const tickets = b.tickets ?? [];
  return (
    <li className="flex items-start gap-2 border-line px-3 py-2 not-first:border-t">
      <ShieldCheck aria-hidden size={14} className="mt-1 shrink-0 text-soft" />
      <div className="grid min-w-0 flex-1 gap-1">
        <button type="button" onClick={open} className="w-fit max-w-full rounded-sm text-start text-sm hover:underline">
          <bdi>{b.title}</bdi>
        </button>
        <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1 text-xs">
          <StateMenu product={product} of={b} />
          <span className="num inline-flex items-center text-soft">
            takes {b.share} % off
            <SetMark
              field="share"
              name="Share"
              sets={b.link_sets}
              generated={b.link_origin === "rule"}
              onReset={
                edit
                  ? () =>
                      edits.mutate({ edits: [{ kind: "link", object: link, set: { reset: ["share"] } }], text: "The share follows the rules again" })
                  : undefined
              }
            />
          </span>
          <EvidenceBadge evidence={b.evidence} short />
          {b.cost && <span className="num text-soft">{costText(b.cost)}</span>}
          {tickets.slice(0, 2).map((t) => (
            <TicketBadge key={t.purpose + t.key} ticket={t} />
          ))}
        </div>
        <Results of={b.results} quiet />
      </div>
      {edit && (
        <Menu
          align="end"
          label={`Countermeasure ${b.title}`}
          trigger={
            <IconButton label={`Countermeasure ${b.title}`} size="sm" className="-my-1">
              <MoreHorizontal size={14} />
            </IconButton>
          }
        >
          <MenuItem icon={<ShieldCheck size={14} />} onSelect={open}>
            Open it
          </MenuItem>
          <MenuItem icon={<Percent size={14} />} onSelect={() => setSharing(true)}>
            Change its share…
          </MenuItem>
          {b.link_sets?.share && b.link_origin === "rule" && (
            <MenuItem
              icon={<Undo2 size={14} />}
              onSelect={() =>
                edits.mutate({ edits: [{ kind: "link", object: link, set: { reset: ["share"] } }], text: "The share follows the rules again" })
              }
            >
              Give its share back to the rules
            </MenuItem>
          )}
          <MenuLine />
          <MenuItem icon={<Unlink size={14} />} danger onSelect={() => unlink.mutate({ threat: threat.id, weakness, title: b.title, branches: [b] })}>
            Take it off this threat
          </MenuItem>
        </Menu>
      )}
      {sharing && <ShareDialog product={product} link={link} title={b.title} onClose={() => setSharing(false)} />}
    </li>
  );
}

function ShareDialog({
  product,
  link,
  title,
  onClose,
}: {
  product: string;
  link: { id: string; share: number; origin: string };
  title: string;
  onClose: () => void;
}) {
  const edits = useEdits(product);
  const [share, setShare] = useState(link.share);
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Share"
      about={`How much of the threat's risk ${many(1, title, "")} takes off. Shares of one threat are summed, up to 100 %.`}
      verb="Save"
      submit={async () => {
        if (share !== link.share)
          await edits.mutateAsync({ edits: [{ kind: "link", object: link, set: { share } }], text: `The share is ${share} % now` });
      }}
    >
      <Scale label="Percent of the threat's risk" value={share} onChange={setShare} />
    </FormDialog>
  );
}

interface Unlinking {
  threat: string;
  weakness?: string;
  title: string;
  /** What hangs on a weakness goes with it, and comes back with it. */
  branches: Branch[];
  /** The weakness is linked for itself too. */
  bare?: boolean;
}

/** useUnlink takes a weakness (with what helps against it) or a countermeasure off a threat, and puts it back. */
function useUnlink(product: string) {
  const path = { product };
  return useChange(
    product,
    async (u: Unlinking) => {
      const links: { countermeasure?: string; share: number }[] = u.branches.map((b) => ({ countermeasure: b.id, share: b.share }));
      if (u.bare) links.push({ share: 0 });
      const gone: typeof links = [];
      for (const l of links) {
        await ok(
          api.POST("/products/{product}/links/removed", {
            params: { path },
            body: { threat: u.threat, weakness: u.weakness, countermeasure: l.countermeasure },
          }),
        );
        gone.push(l);
      }
      return gone;
    },
    (gone, u) => ({
      text: `${many(1, u.title, "")} is off this threat`,
      undo: async () => {
        for (const l of gone)
          await ok(
            api.PUT("/products/{product}/links", {
              params: { path },
              body: { threat: u.threat, weakness: u.weakness, countermeasure: l.countermeasure, share: l.share },
            }),
          );
      },
    }),
  );
}

/** Evidence as rows under a heading, for who wants all of it. */
export function EvidenceOf({ tree }: { tree: ThreatTree }) {
  const subjects = [
    ...(tree.weaknesses ?? []).flatMap((w) => [{ id: w.id, title: w.title, results: w.results }, ...(w.countermeasures ?? [])]),
    ...(tree.countermeasures ?? []),
  ].filter((s) => (s.results ?? []).length > 0);
  const unique = subjects.filter((s, i) => subjects.findIndex((o) => o.id === s.id) === i);
  if (unique.length === 0) return <p className="text-sm text-soft">No test has said anything about it yet.</p>;
  return (
    <div className="grid gap-3">
      {unique.map((s) => (
        <Disclosure key={s.id} open summary={<bdi className="font-normal">{s.title}</bdi>}>
          <Results of={s.results} />
        </Disclosure>
      ))}
    </div>
  );
}
