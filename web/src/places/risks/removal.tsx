import { useQuery } from "@tanstack/react-query";
import { api, match, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { Confirm } from "../../ui/dialog";
import { type Countermeasure, placesOf, type Threat } from "./data";
import { many, useEdits } from "./edits";
import { ReasonDialog } from "./reason";

type Thing = { kind: "threat"; of: Threat } | { kind: "countermeasure"; of: Countermeasure };

/** RetireDialog takes something out of all figures, with a reason; it keeps its history and can be brought back. */
export function RetireDialog({ product, thing: { kind, of }, onClose }: { product: string; thing: Thing; onClose: () => void }) {
  const edits = useEdits(product);
  return (
    <ReasonDialog
      open
      onClose={onClose}
      title={`Retire ${many(1, of.title, "")}`}
      about={`It counts nowhere any more, keeps its history, and can be brought back. ${of.origin === "rule" ? "The rules leave it retired." : ""}`}
      verb="Retire"
      submit={(reason) =>
        edits.mutateAsync({ edits: [{ kind, object: of, set: { retired: true, reason } }], text: `${many(1, of.title, "")} is retired` })
      }
    />
  );
}

/** useBringBack brings back what was retired. */
export function useBringBack(product: string) {
  const edits = useEdits(product);
  return ({ kind, of }: Thing) => edits.mutate({ edits: [{ kind, object: of, set: { retired: false } }], text: `${many(1, of.title, "")} is back` });
}

/** DeleteDialog asks before something that was added by hand goes for good. */
export function DeleteDialog({
  product,
  thing: { kind, of },
  onClose,
  onGone,
}: {
  product: string;
  thing: Thing;
  onClose: () => void;
  onGone: () => void;
}) {
  const header = match(of.version);
  const query = { reason: "Deleted by hand" };
  const remove = useChange(
    product,
    () =>
      kind === "threat"
        ? ok(api.DELETE("/products/{product}/threats/{threat}", { params: { path: { product, threat: of.id }, query, header } }))
        : ok(
            api.DELETE("/products/{product}/countermeasures/{countermeasure}", {
              params: { path: { product, countermeasure: of.id }, query, header },
            }),
          ),
    (done) => ({
      text: done.removed ? `${many(1, of.title, "")} is deleted` : `${many(1, of.title, "")} is retired: a ticket or a test knows it, so it is kept`,
    }),
  );
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Delete ${many(1, of.title, "")}?`}
      about="It was added by hand and goes with its links. Where a ticket or a test knows it, it is retired instead and can be brought back."
      verb="Delete"
      submit={async () => {
        const done = await remove.mutateAsync();
        if (done.removed) onGone();
      }}
    />
  );
}

/** ScopeDialog takes the place of a threat out of scope, with a reason, or back in. */
export function ScopeDialog({ product, of, onClose }: { product: string; of: Threat; onClose: () => void }) {
  const edits = useEdits(product);
  const places = useQuery(placesOf(product));
  const place = places.data?.find((p) => p.id === of.where);
  if (!place || place.kind === "product") return null;
  const object = { id: place.id, out_of_scope: place.outOfScope };
  const kind = place.kind;
  if (place.outOfScope) {
    return (
      <Confirm
        open
        onClose={onClose}
        title={`Take ${place.name} back into scope?`}
        about="Its threats count in the figures of the product again."
        verb="Take back into scope"
        submit={() =>
          edits.mutateAsync({ edits: [{ kind, object, set: { out_of_scope: false } }], text: `${place.name} is in scope again`, quiet: true })
        }
      />
    );
  }
  return (
    <ReasonDialog
      open
      onClose={onClose}
      title={`Take ${place.name} out of scope`}
      about={`Everything at this ${kind} is shown apart and counts in no figure of the product. The next review proposes to retire what the rules brought there.`}
      verb="Take out of scope"
      submit={(reason) =>
        edits.mutateAsync({
          edits: [{ kind, object, set: { out_of_scope: true, out_of_scope_reason: reason } }],
          text: `${place.name} is out of scope`,
        })
      }
    />
  );
}
