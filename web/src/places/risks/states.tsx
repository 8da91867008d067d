import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { cx } from "../../ui/cx";
import { Menu, MenuItem, MenuLabel, MenuLine } from "../../ui/menu";
import { word } from "../../ui/words";
import { useCan } from "../product/frame";
import { AcceptDialog } from "./accept";
import { type Countermeasure, states, type Threat } from "./data";
import { many, useEdits } from "./edits";
import { StateBadge } from "./marks";
import { ReasonDialog } from "./reason";

const means: Record<string, string> = {
  recommended: "Worth doing; nobody has decided",
  required: "To be done; counts in the projected rating",
  implemented: "Claimed to be done; counts in the current rating",
  rejected: "Will not be done; needs a reason",
  not_applicable: "Does not apply here; needs a reason",
};

const statusMeans: Record<string, string> = {
  open: "Counts in the figures",
  not_applicable: "Cannot happen here; rates 0",
  avoided: "What it was about is no longer done; rates 0",
  eliminated: "Its cause is gone; rates 0",
  transferred: "Somebody else carries it; shown apart",
};

/** What a person may not do is named, with what it would take. */
const needs = { model: "takes the right of a modeller", approve: "takes the right of an approver" };

function Choice({ name, about, refused, now }: { name: string; about?: string; refused?: string; now?: boolean }) {
  return (
    <span className="block">
      <span className={cx("block", now && "font-medium text-accent")}>
        {name}
        {now && <span className="sr-only"> (now)</span>}
      </span>
      <span className="block text-soft text-xs">{refused ?? about}</span>
    </span>
  );
}

const trigger = "inline-flex h-6 items-center gap-0.5 rounded-md pe-1 hover:bg-raised";

/** stateRefused tells why a person may not set a state, or nothing where they may. */
export function useStateRefused(): (state: string) => string | undefined {
  const can = useCan();
  return (state) => (["rejected", "not_applicable"].includes(state) && !can("countermeasure.reject") ? needs.model : undefined);
}

export const needsReason = (state: string): boolean => state === "rejected" || state === "not_applicable";

/** stateSet are the fields of an edit that sets a state. */
export const stateSet = (state: string, reason?: string): Record<string, unknown> => ({ state, state_reason: reason ?? "" });

/** StateMenu shows the state of a countermeasure and changes it in place. */
export function StateMenu({ product, of }: { product: string; of: Countermeasure }) {
  const can = useCan();
  const refused = useStateRefused();
  const edits = useEdits(product);
  const [asking, setAsking] = useState<string>();
  const set = (state: string, reason?: string) =>
    edits.mutateAsync({
      edits: [{ kind: "countermeasure", object: of, set: stateSet(state, reason) }],
      text: `${many(1, of.title, "")} is now ${word(state).toLowerCase()}`,
    });
  if (!can("countermeasure.state") || of.retired) return <StateBadge state={of.state} />;
  return (
    <>
      <Menu
        label={`State of ${of.title}`}
        trigger={
          <button type="button" aria-label={`State of ${of.title}: ${word(of.state)}. Change it`} className={trigger}>
            <StateBadge state={of.state} />
            <ChevronDown aria-hidden size={13} className="text-soft" />
          </button>
        }
      >
        {states.map((s) => (
          <MenuItem
            key={s}
            disabled={s === of.state || !!refused(s)}
            onSelect={() => (needsReason(s) ? setAsking(s) : void set(s).catch(() => undefined))}
          >
            <Choice name={word(s)} about={means[s]} refused={refused(s)} now={s === of.state} />
          </MenuItem>
        ))}
      </Menu>
      {asking && (
        <ReasonDialog
          open
          onClose={() => setAsking(undefined)}
          title={`${asking === "rejected" ? "Reject" : "Not applicable:"} ${many(1, of.title, "")}`}
          about={`At ${of.where_name}. It stops counting, and the rating of what it served shows that.`}
          verb={asking === "rejected" ? "Reject" : "Set not applicable"}
          submit={(reason) => set(asking, reason)}
        />
      )}
    </>
  );
}

/** The statuses that a person sets with a reason. */
export const closings = ["not_applicable", "avoided", "eliminated"] as const;

/** StatusMenu shows the status of a threat and changes it: open again, taken out with a reason, accepted until a date. */
export function StatusMenu({ product, of }: { product: string; of: Threat }) {
  const can = useCan();
  const edits = useEdits(product);
  const [asking, setAsking] = useState<string>();
  const carried = of.status === "accepted" || of.status === "transferred";
  const set = (status: string, reason?: string) =>
    edits.mutateAsync({
      edits: [{ kind: "threat", object: of, set: { status, status_reason: reason ?? "" } }],
      text: `${many(1, of.title, "")} is now ${word(status).toLowerCase()}`,
    });
  const mayClose = can("threat.status") && (!carried || can("threat.accept"));
  const mayCarry = can("threat.accept");
  if ((!mayClose && !mayCarry) || of.retired) return <StateBadge state={of.status} />;
  const close = mayClose ? undefined : carried ? needs.approve : needs.model;
  const carry = mayCarry ? undefined : needs.approve;
  const item = (s: string, refused: string | undefined) => (
    <MenuItem
      key={s}
      disabled={s === of.status || !!refused}
      onSelect={() => (s === "open" ? void set("open").catch(() => undefined) : setAsking(s))}
    >
      <Choice name={word(s)} about={statusMeans[s]} refused={refused} now={s === of.status} />
    </MenuItem>
  );
  return (
    <>
      <Menu
        label={`Status of ${of.title}`}
        trigger={
          <button type="button" aria-label={`Status of ${of.title}: ${word(of.status)}. Change it`} className={trigger}>
            <StateBadge state={of.status} />
            <ChevronDown aria-hidden size={13} className="text-soft" />
          </button>
        }
      >
        {item("open", close)}
        <MenuLabel>Carry it</MenuLabel>
        <MenuItem disabled={!!carry} onSelect={() => setAsking("accepted")}>
          <Choice
            name={of.status === "accepted" ? "Accept until another date…" : "Accept until a date…"}
            about="Known and carried; open again when it ends"
            refused={carry}
          />
        </MenuItem>
        {item("transferred", carry)}
        <MenuLine />
        <MenuLabel>Take it out</MenuLabel>
        {closings.map((s) => item(s, close))}
      </Menu>
      {asking === "accepted" && <AcceptDialog product={product} of={of} onClose={() => setAsking(undefined)} />}
      {asking && asking !== "accepted" && (
        <ReasonDialog
          open
          onClose={() => setAsking(undefined)}
          title={`${word(asking)}: ${many(1, of.title, "")}`}
          about={`At ${of.where_name}. ${asking === "transferred" ? "It keeps its rating and is shown apart." : "It rates 0 from now on and keeps its history."}`}
          verb={`Set ${word(asking).toLowerCase()}`}
          submit={(reason) => set(asking, reason)}
        />
      )}
    </>
  );
}
