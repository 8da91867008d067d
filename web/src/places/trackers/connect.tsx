import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ok } from "../../api/client";
import { arrive } from "../../app/arrive";
import { useChange } from "../../app/change";
import { FormDialog } from "../../ui/dialog";
import { ConnectionFields, credentialOf, entered, type Kind, KindChoice, names, settingsOf } from "./form";

/** Connect makes a connection; what comes next is its check list. */
export function Connect({ onClose }: { onClose: () => void }) {
  const [e, set] = useState(() => ({ ...entered(), name: names.cloud }));
  const navigate = useNavigate();
  const add = useChange(undefined, () =>
    ok(
      api.POST("/connections", {
        body: { name: e.name.trim(), kind: e.kind === "builtin" ? "builtin" : "jira", settings: settingsOf(e), credential: credentialOf(e) },
      }),
    ),
  );
  const choose = (kind: Kind) => set({ ...e, kind, token: "", name: Object.values(names).includes(e.name) ? names[kind] : e.name });
  return (
    <FormDialog
      open
      wide
      onClose={onClose}
      title="Connect a tracker"
      about="Tickets go out to it and their status comes back. Nothing is sent before a product's settings say so."
      verb="Connect"
      submit={async () => {
        const made = await add.mutateAsync();
        await navigate({ to: "/trackers/$connection", params: { connection: made.id }, search: { view: "check" } as never });
        arrive();
      }}
    >
      {(problem) => (
        <>
          <KindChoice value={e.kind} onChange={choose} />
          <ConnectionFields value={e} onChange={set} problem={problem} />
        </>
      )}
    </FormDialog>
  );
}
