import { useDraggable } from "@dnd-kit/core";
import { cx } from "../../ui/cx";
import { Avatar, Badge } from "../../ui/parts";
import { Ago } from "../../ui/time";
import type { Card } from "./boarddata";

/** CardFace is what a card shows. */
export function CardFace({ card: t, lifted }: { card: Card; lifted?: boolean }) {
  const labels = (t.labels ?? []).filter((l) => l !== "threatloop");
  return (
    <div className={cx("card grid gap-1.5 px-3 py-2.5 text-start", lifted && "rotate-1 shadow-float")}>
      <bdi className={cx("line-clamp-3 text-sm", t.status === "Done" && "text-soft")}>{t.summary}</bdi>
      <div className="flex flex-wrap items-center gap-1.5 text-soft text-xs">
        <span className={cx("num font-medium", t.status === "Done" && "line-through")}>{t.key}</span>
        {t.priority && <Badge>{t.priority}</Badge>}
        {t.status === "Done" && t.resolution && t.resolution !== "Done" && <Badge>{t.resolution}</Badge>}
        {labels.slice(0, 2).map((l) => (
          <Badge key={l} className="max-w-28">
            <bdi className="truncate">{l}</bdi>
          </Badge>
        ))}
        <span className="ms-auto inline-flex items-center gap-1.5">
          {t.assignee && <Avatar name={t.assignee} size={18} />}
          <Ago at={t.updated} />
        </span>
      </div>
    </div>
  );
}

/** BoardCard is a card that can be opened, and dragged by mouse, finger or keyboard. */
export function BoardCard({ card, open, movable, onOpen }: { card: Card; open: boolean; movable: boolean; onOpen: () => void }) {
  const drag = useDraggable({ id: card.key, disabled: !movable, attributes: { roleDescription: "card" } });
  const { onKeyDown, ...pointer } = (drag.listeners ?? {}) as Record<string, (e: unknown) => void>;
  return (
    <button
      type="button"
      ref={drag.setNodeRef}
      data-card={card.key}
      aria-roledescription={movable ? "card" : undefined}
      aria-describedby={movable ? drag.attributes["aria-describedby"] : undefined}
      aria-current={open || undefined}
      onClick={onOpen}
      onKeyDown={(e) => {
        // Enter opens; Space lifts, and while it is lifted the keys move it.
        if (e.key === "Enter" && !drag.isDragging) return;
        onKeyDown?.(e);
      }}
      {...pointer}
      className={cx("block w-full touch-manipulation rounded-lg", drag.isDragging && "invisible", open && "ring-2 ring-accent")}
    >
      <CardFace card={card} />
    </button>
  );
}
