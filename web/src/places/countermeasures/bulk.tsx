import { Archive, ChevronDown, Send, UserRound } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Menu, MenuItem, MenuLine } from "../../ui/menu";
import { toastError } from "../../ui/toast";
import { plural, word } from "../../ui/words";
import { useCan } from "../product/frame";
import { BulkBar } from "../risks/bulk";
import { type Countermeasure, wholeCountermeasures } from "../risks/data";
import { many, useEdits } from "../risks/edits";
import { OwnerPicker } from "../risks/people";
import { ReasonDialog } from "../risks/reason";
import { needsReason, stateSet } from "../risks/states";
import { usePublish } from "../risks/tickets";
import { sumsOf } from "./sums";

/** CountermeasureBulk requires, rejects and gives away the selected countermeasures, and says what they sum up to. */
export function CountermeasureBulk({ product, chosen, onDone }: { product: string; chosen: Countermeasure[]; onDone: () => void }) {
  const can = useCan();
  const edits = useEdits(product);
  const publish = usePublish(product);
  const [asking, setAsking] = useState<string>();
  const title = many(chosen.length, chosen[0]?.title ?? "", "countermeasure");
  const are = chosen.length === 1 ? "is" : "are";
  const retired = chosen.every((c) => c.retired);
  const set = async (fields: Record<string, unknown>, text: string) => {
    // What the table leaves out is read first: who set what decides how it is taken back.
    const whole = new Map(
      (
        await wholeCountermeasures(
          product,
          chosen.map((c) => c.id),
        )
      ).map((c) => [c.id, c]),
    );
    await edits.mutateAsync({
      edits: chosen.map((c) => ({ kind: "countermeasure" as const, object: { ...(whole.get(c.id) ?? c), version: c.version }, set: fields })),
      text,
    });
    onDone();
  };
  const setState = (state: string, reason?: string) => set(stateSet(state, reason), `${title} ${are} ${word(state).toLowerCase()}`);
  const mayState = can("countermeasure.state") && !retired;
  return (
    <BulkBar n={chosen.length} one="countermeasure" sums={chosen.length > 0 && sumsOf(chosen)} onClear={onDone}>
      {mayState && (
        <Button size="sm" look="primary" busy={edits.isPending} onClick={() => void setState("required").catch(() => undefined)}>
          Require
        </Button>
      )}
      {mayState && (
        <Menu
          label="Set the state"
          trigger={
            <Button size="sm">
              State <ChevronDown aria-hidden size={13} />
            </Button>
          }
        >
          {["recommended", "required", "implemented"].map((s) => (
            <MenuItem key={s} onSelect={() => void setState(s).catch(() => undefined)}>
              {word(s)}
            </MenuItem>
          ))}
          <MenuLine />
          {["rejected", "not_applicable"].map((s) => (
            <MenuItem key={s} disabled={!can("countermeasure.reject")} onSelect={() => setAsking(s)}>
              {word(s)}…
            </MenuItem>
          ))}
        </Menu>
      )}
      {can("model.edit") && (
        <OwnerPicker
          product={product}
          what="the selected countermeasures"
          owner={chosen.every((c) => c.owner === chosen[0]?.owner) ? chosen[0]?.owner : undefined}
          onChange={(owner, name) => void set({ owner }, owner ? `${name} owns ${title} now` : `Nobody owns ${title} now`).catch(() => undefined)}
          trigger={
            <Button size="sm" icon={<UserRound aria-hidden size={13} />}>
              Owner
            </Button>
          }
        />
      )}
      {can("tickets.publish") && !retired && (
        <Button
          size="sm"
          icon={<Send aria-hidden size={13} />}
          busy={publish.isPending}
          onClick={() =>
            publish.mutate(
              chosen.map((c) => c.id),
              { onSuccess: onDone },
            )
          }
        >
          Create tickets
        </Button>
      )}
      {can("model.edit") &&
        (retired ? (
          <Button size="sm" onClick={() => void set({ retired: false }, `${title} ${are} back`).catch(toastError)}>
            Bring back
          </Button>
        ) : (
          <Button size="sm" icon={<Archive aria-hidden size={13} />} onClick={() => setAsking("retired")}>
            Retire…
          </Button>
        ))}
      {asking && (
        <ReasonDialog
          open
          onClose={() => setAsking(undefined)}
          title={`${asking === "retired" ? "Retire" : asking === "rejected" ? "Reject" : `${word(asking)}:`} ${chosen.length === 1 ? title : plural(chosen.length, "countermeasure")}`}
          about={
            needsReason(asking)
              ? "They stop counting, and the ratings of what they served show that."
              : "They count nowhere any more, keep their history, and can be brought back."
          }
          verb={asking === "retired" ? "Retire" : asking === "rejected" ? "Reject" : "Set not applicable"}
          submit={(reason) => (asking === "retired" ? set({ retired: true, reason }, `${title} ${are} retired`) : setState(asking, reason))}
        />
      )}
    </BulkBar>
  );
}
