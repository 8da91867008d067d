import { useState } from "react";
import { api, match, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Textarea } from "../../ui/field";
import { date } from "../../ui/time";
import type { Threat } from "./data";
import { many } from "./edits";
import { OwnerField } from "./people";

const day = (d: Date): string => `${d.getFullYear()}-${String(d.getMonth() + 1).padStart(2, "0")}-${String(d.getDate()).padStart(2, "0")}`;
const inDays = (n: number): string => day(new Date(Date.now() + n * 86_400_000));

/** AcceptDialog records the decision to carry a threat's risk until a date. */
export function AcceptDialog({ product, of, onClose }: { product: string; of: Threat; onClose: () => void }) {
  const me = useMe();
  const [reason, setReason] = useState("");
  const [owner, setOwner] = useState(of.owner ?? me?.id ?? "");
  const [ends, setEnds] = useState(inDays(90));
  const accept = useChange(
    product,
    (version: number) =>
      ok(
        api.POST("/products/{product}/threats/{threat}/acceptance", {
          params: { path: { product, threat: of.id }, header: match(version) },
          // The day is carried to its end, as its person reads the calendar.
          body: { reason: reason.trim(), owner, ends: new Date(`${ends}T23:59:59`).toISOString() },
        }),
      ),
    (after) => ({
      text: `${many(1, of.title, "")} is accepted until ${date(after.acceptance?.ends ?? ends)}`,
      undo:
        of.status === "accepted"
          ? undefined
          : () =>
              ok(
                api.PATCH("/products/{product}/threats/{threat}", {
                  params: { path: { product, threat: of.id }, header: match(after.version) },
                  body:
                    of.sets?.status || of.origin !== "rule"
                      ? { status: (of.status === "accepted" ? "open" : of.status) as "open", reason: "Taken back" }
                      : { reset: ["status"], reason: "Taken back" },
                }),
              ),
    }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title={`Accept ${many(1, of.title, "")}`}
      about={`Its current rating of ${of.rating.current} at ${of.where_name} is carried knowingly. It is shown apart until the day below, then it is open again.`}
      verb="Accept the risk"
      submit={() => accept.mutateAsync(of.version)}
      disabled={reason.trim().length < 3 || !owner || !ends}
    >
      {(problem) => (
        <>
          <Field label="Why it is carried" error={problem?.field("reason")}>
            <Textarea value={reason} onChange={(e) => setReason(e.target.value)} rows={3} maxLength={5000} autoFocus required />
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <OwnerField label="Who answers for it" product={product} value={owner} onChange={setOwner} error={problem?.field("owner")} />
            <Field label="Until" error={problem?.field("ends")}>
              <Input type="date" value={ends} min={inDays(1)} onChange={(e) => setEnds(e.target.value)} required />
            </Field>
          </div>
        </>
      )}
    </FormDialog>
  );
}
