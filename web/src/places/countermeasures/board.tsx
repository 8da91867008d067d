import {
  type Announcements,
  type CollisionDetection,
  DndContext,
  type DragEndEvent,
  DragOverlay,
  type KeyboardCoordinateGetter,
  KeyboardSensor,
  MouseSensor,
  pointerWithin,
  rectIntersection,
  TouchSensor,
  useDraggable,
  useDroppable,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import { Lock } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { Button } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Owner } from "../../ui/parts";
import { asBand, Figure } from "../../ui/rating";
import { word } from "../../ui/words";
import { useCan } from "../product/frame";
import { costText } from "../risks/cost";
import { type Countermeasure, states } from "../risks/data";
import { many, useEdits } from "../risks/edits";
import { CommentCount, EvidenceBadge, TicketCell } from "../risks/marks";
import { ReasonDialog } from "../risks/reason";
import { needsReason, stateSet, useStateRefused } from "../risks/states";
import { byState, costs } from "./sums";

const shownFirst = 50;

/** By the keyboard a card goes from column to column, over those that take it. */
const sideways: KeyboardCoordinateGetter = (event, { currentCoordinates, context: { over, active, droppableRects, droppableContainers } }) => {
  const by = event.code === "ArrowRight" ? 1 : event.code === "ArrowLeft" ? -1 : 0;
  if (by === 0) return undefined;
  event.preventDefault();
  const open = droppableContainers.getEnabled().map((c) => String(c.id));
  const order = states.filter((s) => open.includes(s));
  const now = order.indexOf((over?.id ?? active?.data.current?.state) as (typeof states)[number]);
  const to = droppableRects.get(order[Math.max(0, Math.min(order.length - 1, now + by))] ?? "");
  return to ? { x: to.left + 8, y: currentCoordinates.y } : undefined;
};

const collide: CollisionDetection = (args) => (args.pointerCoordinates ? pointerWithin(args) : rectIntersection(args));

/** Board shows countermeasures in columns by their state; a card is moved by dragging, or by Space and the arrow keys. */
export function Board({
  product,
  rows,
  openId,
  onOpen,
}: {
  product: string;
  rows: Countermeasure[];
  openId?: string;
  onOpen: (c: Countermeasure) => void;
}) {
  const can = useCan();
  const refused = useStateRefused();
  const edits = useEdits(product);
  const [held, setHeld] = useState<Countermeasure>();
  const [asking, setAsking] = useState<{ of: Countermeasure; state: string }>();
  const columns = useMemo(() => byState(rows), [rows]);
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 220, tolerance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sideways, keyboardCodes: { start: ["Space"], cancel: ["Escape"], end: ["Space", "Enter"] } }),
  );
  const find = (id: string | number | undefined) => rows.find((c) => c.id === id);
  const set = (of: Countermeasure, state: string, reason?: string) =>
    edits.mutateAsync({
      edits: [{ kind: "countermeasure", object: of, set: stateSet(state, reason) }],
      text: `${many(1, of.title, "")} is now ${word(state).toLowerCase()}`,
    });
  const drop = ({ active, over }: DragEndEvent) => {
    setHeld(undefined);
    const of = find(active.id);
    const state = over ? String(over.id) : undefined;
    if (!of || !state || state === of.state) return;
    if (needsReason(state)) setAsking({ of, state });
    else void set(of, state).catch(() => undefined);
  };
  const announcements: Announcements = {
    onDragStart: ({ active }) => `Picked up ${find(active.id)?.title ?? ""}.`,
    onDragOver: ({ over }) => (over ? `Over ${word(String(over.id))}.` : "Over no column."),
    onDragEnd: ({ active, over }) => (over ? `${find(active.id)?.title ?? ""} was put into ${word(String(over.id))}.` : "Put back."),
    onDragCancel: () => "Put back.",
  };
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={collide}
      onDragStart={({ active }) => setHeld(find(active.id))}
      onDragCancel={() => setHeld(undefined)}
      onDragEnd={drop}
      accessibility={{
        announcements,
        screenReaderInstructions: {
          draggable:
            "Press Space to pick the card up, the left and right arrow keys to move it, Space to put it down, Escape to give up. Enter opens it.",
        },
      }}
    >
      <section
        aria-label="Countermeasures by state"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard
        tabIndex={0}
        className="relative -mx-4 grid auto-cols-[minmax(15.5rem,1fr)] grid-flow-col gap-2.5 overflow-x-auto px-4 pb-4 sm:-mx-6 sm:px-6 lg:auto-cols-[minmax(11.5rem,1fr)]"
      >
        {states.map((s) => (
          <Lane
            key={s}
            state={s}
            cards={columns.get(s) ?? []}
            refused={can("countermeasure.state") ? refused(s) : "takes the right of a developer"}
            held={held}
            fixed={!can("countermeasure.state")}
            openId={openId}
            onOpen={onOpen}
          />
        ))}
      </section>
      <DragOverlay dropAnimation={null}>{held && <Card of={held} lifted />}</DragOverlay>
      {asking && (
        <ReasonDialog
          open
          onClose={() => setAsking(undefined)}
          title={`${asking.state === "rejected" ? "Reject" : "Not applicable:"} ${many(1, asking.of.title, "")}`}
          about={`At ${asking.of.where_name}. It stops counting, and the rating of what it served shows that.`}
          verb={asking.state === "rejected" ? "Reject" : "Set not applicable"}
          submit={(reason) => set(asking.of, asking.state, reason)}
        />
      )}
    </DndContext>
  );
}

function Lane({
  state,
  cards,
  refused,
  held,
  fixed,
  openId,
  onOpen,
}: {
  state: string;
  cards: Countermeasure[];
  refused?: string;
  held?: Countermeasure;
  fixed: boolean;
  openId?: string;
  onOpen: (c: Countermeasure) => void;
}) {
  const { setNodeRef, isOver } = useDroppable({ id: state, disabled: !!refused });
  const [shown, setShown] = useState(shownFirst);
  const takes = cards.reduce((n, c) => n + c.takes, 0);
  const cost = costs(cards);
  return (
    <section
      ref={setNodeRef}
      aria-label={word(state)}
      className={cx(
        "grid min-h-64 content-start gap-2 rounded-lg bg-sunken/60 p-2 ring-1 ring-line/70 ring-inset outline-2 outline-transparent -outline-offset-2",
        isOver && held?.state !== state && "outline-accent",
        held && refused && held.state !== state && "opacity-60",
      )}
    >
      <div className="px-1">
        <h2 className="flex items-center gap-2 font-medium text-sm">
          {word(state)} <span className="num font-normal text-soft">{cards.length}</span>
          {refused && !fixed && (
            <span title={`Moving here ${refused}`} className="text-soft">
              <Lock aria-label={`Moving here ${refused}`} size={12} />
            </span>
          )}
        </h2>
        <p className="num min-h-4 text-2xs text-soft">{[takes > 0 && `${takes} off`, cost].filter(Boolean).join(" · ")}</p>
      </div>
      <ul className="grid gap-2">
        {cards.slice(0, shown).map((c) => (
          <li key={c.id}>
            <Draggable of={c} fixed={fixed || !!c.retired} open={c.id === openId} onOpen={() => onOpen(c)} />
          </li>
        ))}
      </ul>
      {cards.length === 0 && !held && <p className="px-1 py-6 text-center text-soft text-xs">{fixed || refused ? "None" : "Drag a card here"}</p>}
      {cards.length > shown && (
        <Button size="sm" look="ghost" onClick={() => setShown(shown + 100)}>
          Show {Math.min(100, cards.length - shown)} more
        </Button>
      )}
    </section>
  );
}

function Draggable({ of, fixed, open, onOpen }: { of: Countermeasure; fixed: boolean; open: boolean; onOpen: () => void }) {
  const { setNodeRef, setActivatorNodeRef, listeners, attributes, isDragging } = useDraggable({
    id: of.id,
    data: { state: of.state },
    disabled: fixed,
  });
  return (
    <div ref={setNodeRef} {...listeners} className={cx(!fixed && "cursor-grab touch-manipulation", isDragging && "opacity-40")}>
      <Card
        of={of}
        open={open}
        title={
          <button
            ref={setActivatorNodeRef}
            type="button"
            aria-describedby={fixed ? undefined : attributes["aria-describedby"]}
            onClick={onOpen}
            // Space picks the card up; the click that a browser makes of it would open it.
            onKeyUp={(e) => !fixed && e.code === "Space" && e.preventDefault()}
            className="w-full rounded-sm text-start font-medium text-sm"
          >
            <bdi className="line-clamp-3">{of.title}</bdi>
          </button>
        }
      />
    </div>
  );
}

function Card({ of: c, title, open, lifted }: { of: Countermeasure; title?: ReactNode; open?: boolean; lifted?: boolean }) {
  const cost = costText(c.cost);
  const untested = c.evidence.verdict === "untested";
  return (
    <article className={cx("card grid gap-1.5 p-2.5", open && "border-accent", lifted && "rotate-1 cursor-grabbing shadow-float")}>
      {title ?? <p className="line-clamp-3 font-medium text-sm">{c.title}</p>}
      <div className="flex min-w-0 items-center gap-2">
        <bdi className="flex-1 truncate text-soft text-xs" title={c.where_name}>
          {c.where_name}
        </bdi>
        {untested && <EvidenceBadge evidence={c.evidence} short />}
      </div>
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <Figure value={c.current} band={asBand(c.band)} />
        {c.takes > 0 && (
          <span className="num text-soft text-xs" title="What it would take off the summed current rating">
            {c.takes} off
          </span>
        )}
        {cost && <span className="num text-soft text-xs">{cost}</span>}
        {!untested && <EvidenceBadge evidence={c.evidence} short />}
        <CommentCount n={c.comments} />
      </div>
      {((c.tickets ?? []).length > 0 || c.owner) && (
        <div className="flex min-w-0 items-center justify-between gap-2 text-xs">
          <TicketCell tickets={c.tickets} />
          {c.owner && <Owner name={c.owner_name ?? c.owner} />}
        </div>
      )}
    </article>
  );
}
