import { useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { Problem } from "../../api/client";
import { Place } from "../../ui/parts";
import { useCan, useProduct } from "../product/frame";
import { CustomSection } from "./custom";
import { useDraft } from "./draft";
import { General, Method, Where, Worth } from "./head";
import { Members } from "./members";
import { names, useSave, valuesOf } from "./product";
import { SaveBar } from "./savebar";
import { TicketSettings } from "./tickets";
import { Whole } from "./whole";

/** Settings are what is decided about a product as a whole. */
export function Settings() {
  const p = useProduct();
  const can = useCan();
  const stored = valuesOf(p);
  const draft = useDraft(`product/${p.id}`, stored);
  const save = useSave(p, draft);
  const problem = save.error instanceof Problem ? save.error : undefined;
  const may = can("product.edit");
  const hash = useRouterState({ select: (s) => s.location.hash });
  useEffect(() => {
    if (hash) document.getElementById(hash)?.scrollIntoView({ block: "start" });
  }, [hash]);
  return (
    <Place title="Settings" about={may ? undefined : "You may read these settings. To change them you need the right to edit this product."}>
      <div className="grid max-w-3xl grid-cols-[minmax(0,1fr)] gap-4">
        <form
          className="grid grid-cols-[minmax(0,1fr)] gap-4"
          onSubmit={(e) => {
            e.preventDefault();
            if (draft.dirty.length && !draft.conflicts.length) save.mutate(undefined);
          }}
        >
          <General draft={draft} problem={problem} may={may} />
          <CustomSection draft={draft} problem={problem} may={may} />
          <Worth draft={draft} problem={problem} may={may} />
          <Method draft={draft} problem={problem} may={may} approve={can("product.tolerance")} />
          <Where draft={draft} problem={problem} may={may} />
          <SaveBar draft={draft} stored={stored} names={names} save={() => save.mutate(undefined)} busy={save.isPending} error={save.error} />
        </form>
        {(p.can ?? []).includes("tickets.read" as never) && <TicketSettings />}
        {(p.can ?? []).includes("role.read" as never) && <Members />}
        <Whole />
      </div>
    </Place>
  );
}
