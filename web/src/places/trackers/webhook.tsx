import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { once } from "../../api/client";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Copyable } from "../../ui/copy";
import { Badge, Section } from "../../ui/parts";
import { instanceQuery } from "../tests/data";
import { type Connection, kindName, save } from "./data";

/** Webhook says how the tracker tells us of changes at once. */
export function Webhook({ connection: c }: { connection: Connection }) {
  const [secret, setSecret] = useState<string>();
  const base = useQuery(instanceQuery).data?.base_url || window.location.origin;
  const set = useChange(
    undefined,
    async () => {
      const fresh = once() + once();
      await save(c, { credential: { webhook_secret: fresh } });
      return fresh;
    },
    () => ({ text: "The secret is set" }),
  );
  const local = /^https?:\/\/(127\.|localhost|\[::1\])/.test(base);
  return (
    <div className="grid gap-5">
      <p className="text-sm">
        Without a webhook the tracker is asked once a minute what changed. With one, a change is here within seconds. Asking goes on either way, so a
        lost delivery loses nothing.
      </p>
      <Section title="Address">
        <Copyable text={`${base.replace(/\/$/, "")}/api/v1/connections/${c.id}/webhook`} label="Copy the address" />
        {local && (
          <p className="mt-2 text-medium text-sm">
            This server calls itself {base}, which a tracker elsewhere cannot reach. Give it its public address with --base-url.
          </p>
        )}
      </Section>
      <Section
        title="Secret"
        about="Each delivery is signed with it; without a right signature nothing is believed."
        actions={<Badge tone={c.has_webhook ? "good" : "neutral"}>{c.has_webhook ? "Set" : "Not set"}</Badge>}
      >
        {secret ? (
          <div className="grid gap-2">
            <Copyable text={secret} label="Copy the secret" />
            <p className="text-soft text-sm">It is shown this once. Put it into the tracker now; you can always make another.</p>
          </div>
        ) : (
          <Button busy={set.isPending} onClick={() => set.mutate(undefined, { onSuccess: setSecret })}>
            {c.has_webhook ? "Make a new secret" : "Make a secret"}
          </Button>
        )}
        {c.has_webhook && !secret && (
          <p className="mt-2 text-soft text-sm">A new secret ends the old one: deliveries are refused until the tracker has it too.</p>
        )}
      </Section>
      <Section title={`In ${kindName(c)}`}>
        <ol className="grid list-decimal gap-1.5 ps-5 text-sm">
          <li>As an administrator of Jira open Settings, System, WebHooks, and choose Create a WebHook.</li>
          <li>Enter the address and the secret from above.</li>
          <li>
            Under issue events tick created, updated and deleted; under comment events, created. Limit them to the projects that are used here, for
            example <code className="text-xs">project = SHOP</code>.
          </li>
          <li>Leave “Exclude body” off, and save. The next change of a ticket is here at once.</li>
        </ol>
      </Section>
    </div>
  );
}
