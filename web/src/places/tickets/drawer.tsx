import { Link } from "@tanstack/react-router";
import { CircleAlert } from "lucide-react";
import { useMe } from "../../app/session";
import { Button } from "../../ui/button";
import { Drawer } from "../../ui/dialog";
import { Badge, Facts } from "../../ui/parts";
import { useCan } from "../product/frame";
import { estimateText } from "../risks/marks";
import { useTicketActs } from "./act";
import { purposes, standing, type Ticket } from "./data";
import { TicketKey } from "./key";

/** TicketDrawer is one ticket: what it is for, how it stands, and what can be done. */
export function TicketDrawer({
  product,
  ticket: t,
  connection,
  onClose,
}: {
  product: string;
  ticket: Ticket;
  connection: string;
  onClose: () => void;
}) {
  const acts = useTicketActs(product);
  const can = useCan();
  const me = useMe();
  const manages = (me?.can ?? []).includes("connection.manage" as never);
  const publishes = can("tickets.publish");
  const s = standing(t);
  const place = t.purpose === "countermeasure" || t.object.startsWith("cms_") ? "countermeasures" : "threats";
  return (
    <Drawer open onClose={onClose} title={<bdi>{t.summary || t.key}</bdi>}>
      <div className="grid gap-5">
        <Facts
          items={[
            ["Ticket", <TicketKey key="k" ticket={t} />],
            ["Tracker", connection],
            [
              "State",
              <Badge key="s" tone={s.tone}>
                {s.text}
              </Badge>,
            ],
            !!t.status && ["Status there", <bdi key="t">{t.status}</bdi>],
            !!t.estimate && [
              "Estimate there",
              <span key="e" className="num">
                {estimateText(t.estimate)}
              </span>,
            ],
            [
              "For",
              <span key="f">
                {purposes[t.purpose]}
                {t.object.startsWith("cms_") || t.object.startsWith("thr_") ? (
                  <>
                    {" "}
                    ·{" "}
                    <Link
                      to={`/products/$product/${place}` as "/products/$product/threats"}
                      params={{ product }}
                      search={{ open: t.object } as never}
                      className="link underline"
                    >
                      look at it
                    </Link>
                  </>
                ) : null}
              </span>,
            ],
          ]}
        />
        <div className={s.needs ? "flex gap-2 rounded-md bg-medium-soft px-3 py-2 text-medium text-sm" : "rounded-md bg-raised px-3 py-2 text-sm"}>
          {s.needs && <CircleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />}
          <div className="min-w-0">
            {t.note && <p className="first-letter:uppercase">{t.note}</p>}
            <p>{s.about}</p>
            {t.state === "failed" && !manages && (
              <p>
                It is tried again by itself once a day, and as soon as the ticket settings of the product change. An administrator can try it again
                now.
              </p>
            )}
          </div>
        </div>
        <div className="flex flex-wrap gap-2">
          {t.state === "held" && publishes && (
            <Button look="primary" busy={acts.publish.isPending} onClick={() => acts.publish.mutate([t.object])}>
              Release
            </Button>
          )}
          {t.state === "failed" && manages && (
            <Button look="primary" busy={acts.retry.isPending} onClick={() => acts.retry.mutate([t.connection])}>
              Try again
            </Button>
          )}
          {(t.state === "deleted" || t.state === "hidden") && publishes && (
            <Button look="primary" busy={acts.recreate.isPending} onClick={() => acts.recreate.mutate([t])}>
              Make it again
            </Button>
          )}
          {publishes && !["deleted", "undone", "failed", "hidden"].includes(t.state) && (
            <Button
              busy={acts.unpublish.isPending}
              onClick={() => acts.unpublish.mutate([t.object])}
              title="A ticket that we made and nobody touched is closed; any other is left alone"
            >
              Take back
            </Button>
          )}
          {t.key && can("tickets.edit") && (
            <Button
              busy={acts.unlink.isPending}
              onClick={() => acts.unlink.mutate([t], { onSuccess: onClose })}
              title="Nothing is read from it or written to it any more; the ticket itself stays"
            >
              Let go of it
            </Button>
          )}
          {t.state === "failed" && (
            <Link
              to="/products/$product/settings"
              params={{ product }}
              className="inline-flex h-8.5 items-center rounded-md border border-control/60 bg-surface px-3 text-sm hover:bg-raised"
            >
              Ticket settings
            </Link>
          )}
        </div>
      </div>
    </Drawer>
  );
}
