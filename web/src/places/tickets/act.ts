import { api, ok, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { plural } from "../../ui/words";
import type { Ticket } from "./data";

const path = (product: string) => ({ params: { path: { product } } });
const link = (t: Ticket): S["LinkTicketInput"] => ({ connection: t.connection, object: t.object, purpose: t.purpose, ticket: t.id || t.key });

/** useTicketActs are what a person does with tickets; each says what it did and, where that is possible, takes it back. */
export function useTicketActs(product: string) {
  const publish = useChange(
    product,
    (objects: string[]) => ok(api.POST("/products/{product}/tickets/publish", { ...path(product), body: { objects } })),
    (done, objects) => ({
      text: done.released ? `${plural(done.released, "ticket")} released` : `${plural(objects.length, "object")} published; the tickets go out now`,
      undo: () => ok(api.POST("/products/{product}/tickets/unpublish", { ...path(product), body: { objects } })),
    }),
  );
  const unpublish = useChange(
    product,
    (objects: string[]) => ok(api.POST("/products/{product}/tickets/unpublish", { ...path(product), body: { objects } })),
    (_, objects) => ({
      text: `The publication of ${plural(objects.length, "object")} is taken back`,
      undo: () => ok(api.POST("/products/{product}/tickets/publish", { ...path(product), body: { objects } })),
    }),
  );
  const unlink = useChange(
    product,
    async (tickets: Ticket[]) => {
      for (const t of tickets) await ok(api.POST("/products/{product}/tickets/unlink", { ...path(product), body: link(t) }));
    },
    (_, tickets) => ({
      text: tickets.length === 1 ? `${tickets[0]!.key} is let go` : `${plural(tickets.length, "ticket")} let go`,
      undo: async () => {
        for (const t of tickets) await ok(api.POST("/products/{product}/tickets/link", { ...path(product), body: link(t) }));
      },
    }),
  );
  const recreate = useChange(
    product,
    async (tickets: Ticket[]) => {
      for (const t of tickets)
        await ok(api.POST("/products/{product}/tickets/recreate", { ...path(product), body: { object: t.object, purpose: t.purpose } }));
    },
    (_, tickets) => ({ text: `${plural(tickets.length, "ticket")} will be made again` }),
  );
  const retry = useChange(
    product,
    async (connections: string[]) => {
      for (const connection of new Set(connections)) await ok(api.POST("/connections/{connection}/retry", { params: { path: { connection } } }));
    },
    () => ({ text: "What failed is tried again now" }),
  );
  return { publish, unpublish, unlink, recreate, retry };
}
