import {
  DndContext,
  type DragEndEvent,
  DragOverlay,
  KeyboardCode,
  type KeyboardCoordinateGetter,
  KeyboardSensor,
  MouseSensor,
  TouchSensor,
  useDroppable,
  useSensor,
  useSensors,
} from "@dnd-kit/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ChevronRight, Columns3 } from "lucide-react";
import { useEffect, useState } from "react";
import { api, everything, ok, type S } from "../../api/client";
import { keys } from "../../api/query";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { cx } from "../../ui/cx";
import { FilterBar, useFiltered } from "../../ui/filters";
import { Count, Place } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { BoardCard, CardFace } from "./boardcard";
import { boardQuery, type Card, productOf, statuses, useMove } from "./boarddata";
import { CardDrawer } from "./carddrawer";
import { connectionQuery } from "./data";

/** step moves a lifted card to the column beside it. */
const step: KeyboardCoordinateGetter = (e, { context, currentCoordinates }) => {
  const dir = e.code === KeyboardCode.Right || e.code === KeyboardCode.Down ? 1 : e.code === KeyboardCode.Left || e.code === KeyboardCode.Up ? -1 : 0;
  if (!dir) return undefined;
  const rects = [...context.droppableRects.values()].sort((a, b) => a.left - b.left || a.top - b.top);
  const here = context.collisionRect;
  if (!here) return undefined;
  const x = here.left + here.width / 2;
  const y = here.top + here.height / 2;
  const now = rects.findIndex((r) => x >= r.left && x <= r.right && y >= r.top && y <= r.bottom);
  const to = rects[Math.max(0, Math.min(rects.length - 1, Math.max(0, now) + dir))];
  return to ? { x: to.left + 12, y: Math.max(to.top + 40, Math.min(currentCoordinates.y, to.bottom - 40)) } : undefined;
};

/** Board shows the tickets of a built-in tracker by their status. */
export function Board() {
  const { connection: id } = useParams({ from: "/board/$connection" });
  const q = useQuery(boardQuery(id));
  const about = useQuery(connectionQuery(id)).data;
  const me = useMe();
  const movable = (me?.can ?? []).includes("board.work" as never);
  const products = useQuery({
    queryKey: keys.products("names"),
    queryFn: ({ signal }) =>
      everything<S["ProductView"]>((cursor) => ok(api.GET("/products", { params: { query: { cursor, limit: 1000 } }, signal }))),
    staleTime: 300_000,
  }).data;
  const [search, set] = useAddress();
  const [lifted, lift] = useState<string>();
  const move = useMove(id);
  const sensors = useSensors(
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 220, tolerance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter: step, keyboardCodes: { start: ["Space"], cancel: ["Escape"], end: ["Space", "Enter"] } }),
  );
  const cards = q.data ?? [];
  const shown = useFiltered(cards, (t) => [t.key, t.summary, t.assignee, ...(t.labels ?? [])].join(" "), {
    project: (t) => t.project,
    label: (t) => t.labels ?? [],
    product: productOf,
  });
  const name = about?.name;
  useEffect(() => {
    document.title = [name, "Board", "Threatloop"].filter(Boolean).join(" · ");
  }, [name]);
  if (!q.data)
    return q.error ? (
      <Failed
        error={q.error}
        retry={() => void q.refetch()}
        way={
          <Link to="/trackers" className="link text-sm">
            To the trackers
          </Link>
        }
      />
    ) : (
      <Loading />
    );
  const titled = (p: string) => products?.find((x) => x.id === p)?.name ?? p;
  const options = (values: string[], text: (v: string) => string = (v) => v) =>
    [...new Set(values.filter(Boolean))].sort().map((value) => ({ value, text: text(value) }));
  const find = (key: unknown) => cards.find((t) => t.key === key);
  const drop = (e: DragEndEvent) => {
    lift(undefined);
    const card = find(e.active.id);
    const status = e.over ? String(e.over.id) : undefined;
    if (card && status && status !== card.status) move.mutate({ card, move: { status, resolution: status === "Done" ? "Done" : undefined } });
  };
  const active = find(lifted);
  return (
    <Place
      wide
      title={
        <span className="flex flex-wrap items-center gap-1">
          {about && (
            <>
              <Link to="/trackers/$connection" params={{ connection: id }} className="min-w-0 truncate font-normal text-soft hover:text-text">
                <bdi>{about.name}</bdi>
              </Link>
              <ChevronRight aria-hidden size={16} className="text-soft" />
            </>
          )}
          Board
        </span>
      }
      about={
        movable
          ? "Drag a card, or lift it with Space and move it with the arrow keys. What happens here moves the model."
          : "You can read this board; an administrator moves its cards."
      }
    >
      {cards.length === 0 ? (
        <Empty icon={<Columns3 size={20} />} title="No ticket is here yet">
          They come when a product sends its tickets to this tracker, as its settings say.
        </Empty>
      ) : (
        <>
          <FilterBar
            label="Search the board"
            shown={shown.length}
            total={cards.length}
            filters={[
              { key: "product", name: "Product", options: options(cards.map(productOf), titled) },
              { key: "project", name: "Project", options: options(cards.map((t) => t.project)) },
              { key: "label", name: "Label", options: options(cards.flatMap((t) => t.labels ?? [])) },
            ]}
          />
          <DndContext
            sensors={sensors}
            onDragStart={(e) => lift(String(e.active.id))}
            onDragCancel={() => lift(undefined)}
            onDragEnd={drop}
            accessibility={{
              screenReaderInstructions: {
                draggable:
                  "Press Enter to open the card. Press Space to lift it, the arrow keys to move it to another column, Space to put it down, Escape to leave it where it was.",
              },
              announcements: {
                onDragStart: ({ active: a }) => `${a.id} is lifted.`,
                onDragOver: ({ active: a, over }) => (over ? `${a.id} is over ${over.id}.` : undefined),
                onDragEnd: ({ active: a, over }) => (over ? `${a.id} is put into ${over.id}.` : `${a.id} stays where it was.`),
                onDragCancel: ({ active: a }) => `${a.id} stays where it was.`,
              },
            }}
          >
            <div className="grid gap-4 md:grid-cols-3">
              {statuses.map((s) => (
                <Column
                  key={s}
                  status={s}
                  cards={shown.filter((t) => t.status === s)}
                  open={search.ticket}
                  movable={movable}
                  onOpen={(key) => set({ ticket: key }, true)}
                />
              ))}
            </div>
            <DragOverlay dropAnimation={null}>{active && <CardFace card={active} lifted />}</DragOverlay>
          </DndContext>
        </>
      )}
      {search.ticket && (
        <CardDrawer
          key={search.ticket}
          connection={id}
          ticket={search.ticket}
          movable={movable}
          known={cards}
          onClose={() => set({ ticket: undefined })}
        />
      )}
    </Place>
  );
}

const atFirst = 60;

function Column({
  status,
  cards,
  open,
  movable,
  onOpen,
}: {
  status: string;
  cards: Card[];
  open?: string;
  movable: boolean;
  onOpen: (key: string) => void;
}) {
  const { setNodeRef, isOver } = useDroppable({ id: status });
  const [many, setMany] = useState(atFirst);
  return (
    <section
      ref={setNodeRef}
      aria-label={status}
      className={cx(
        "flex min-h-40 min-w-0 flex-col rounded-xl p-2 ring-1 ring-line/70 ring-inset transition-colors md:min-h-[60dvh]",
        isOver ? "bg-accent-soft" : "bg-sunken/60",
      )}
    >
      <h2 className="flex items-center gap-2 px-1.5 pt-1 pb-2 font-medium text-sm">
        {status} <Count n={cards.length} />
      </h2>
      <ul className="grid gap-2">
        {cards.slice(0, many).map((t) => (
          <li key={t.key}>
            <BoardCard card={t} open={t.key === open} movable={movable} onOpen={() => onOpen(t.key)} />
          </li>
        ))}
      </ul>
      {cards.length > many && (
        <Button look="ghost" size="sm" className="mt-2 self-start" onClick={() => setMany(many + 200)}>
          Show more of {cards.length.toLocaleString("en")}
        </Button>
      )}
      {cards.length === 0 && <p className="px-1.5 py-2 text-soft text-xs">Nothing here.</p>}
    </section>
  );
}
