import { Archive, ChevronDown, Send, UserRound } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Menu, MenuItem, MenuLine } from "../../ui/menu";
import { toastError } from "../../ui/toast";
import { plural, word } from "../../ui/words";
import { useCan } from "../product/frame";
import { BulkBar } from "../risks/bulk";
import { type Threat, wholeThreats } from "../risks/data";
import { many, useEdits } from "../risks/edits";
import { OwnerPicker } from "../risks/people";
import { ReasonDialog } from "../risks/reason";
import { closings } from "../risks/states";
import { usePublish } from "../risks/tickets";

/** ThreatBulk changes the selected threats: all of them, or none where one of them cannot be changed. */
export function ThreatBulk({ product, chosen, onDone }: { product: string; chosen: Threat[]; onDone: () => void }) {
  const can = useCan();
  const edits = useEdits(product);
  const publish = usePublish(product);
  const [asking, setAsking] = useState<string>();
  const title = many(chosen.length, chosen[0]?.title ?? "", "threat");
  const carried = chosen.some((t) => t.status === "accepted" || t.status === "transferred");
  const mayClose = can("threat.status") && (!carried || can("threat.accept"));
  const set = async (fields: Record<string, unknown>, text: string) => {
    // What the table leaves out is read first: who set what decides how it is taken back.
    const whole = new Map(
      (
        await wholeThreats(
          product,
          chosen.map((t) => t.id),
        )
      ).map((t) => [t.id, t]),
    );
    await edits.mutateAsync({
      edits: chosen.map((t) => ({ kind: "threat" as const, object: { ...(whole.get(t.id) ?? t), version: t.version }, set: fields })),
      text,
    });
    onDone();
  };
  const retired = chosen.every((t) => t.retired);
  const are = chosen.length === 1 ? "is" : "are";
  // A threat has a ticket of its own only while nothing is done about it.
  const bare = chosen.filter((t) => !t.countermeasures?.length).map((t) => t.id);
  return (
    <BulkBar
      n={chosen.length}
      one="threat"
      onClear={onDone}
      sums={chosen.length > 1 ? `highest ${Math.max(...chosen.map((t) => t.rating.current))}` : undefined}
    >
      {(can("threat.status") || can("threat.accept")) && !retired && (
        <Menu
          label="Set the status"
          trigger={
            <Button size="sm">
              Status <ChevronDown aria-hidden size={13} />
            </Button>
          }
        >
          <MenuItem
            disabled={!mayClose}
            onSelect={() => void set({ status: "open", status_reason: "" }, `${title} ${are} open`).catch(() => undefined)}
          >
            Open
          </MenuItem>
          <MenuItem disabled={!can("threat.accept")} onSelect={() => setAsking("transferred")}>
            Transferred…
          </MenuItem>
          <MenuLine />
          {closings.map((s) => (
            <MenuItem key={s} disabled={!mayClose} onSelect={() => setAsking(s)}>
              {word(s)}…
            </MenuItem>
          ))}
        </Menu>
      )}
      {can("model.edit") && (
        <OwnerPicker
          product={product}
          what="the selected threats"
          owner={chosen.every((t) => t.owner === chosen[0]?.owner) ? chosen[0]?.owner : undefined}
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
          disabled={bare.length === 0}
          title={bare.length === 0 ? "Tickets are made for their countermeasures" : undefined}
          onClick={() => publish.mutate(bare, { onSuccess: onDone })}
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
          title={`${asking === "retired" ? "Retire" : `${word(asking)}:`} ${chosen.length === 1 ? title : plural(chosen.length, "threat")}`}
          about={
            asking === "retired"
              ? "They count nowhere any more, keep their history, and can be brought back."
              : asking === "transferred"
                ? "They keep their ratings and are shown apart."
                : "They rate 0 from now on and keep their history."
          }
          verb={asking === "retired" ? "Retire" : `Set ${word(asking).toLowerCase()}`}
          submit={(reason) =>
            set(
              asking === "retired" ? { retired: true, reason } : { status: asking, status_reason: reason },
              `${title} ${are} ${word(asking).toLowerCase()}`,
            )
          }
        />
      )}
    </BulkBar>
  );
}
