import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { planQuery } from "../../api/query";
import { useAddress } from "../../ui/address";
import { Count, Place } from "../../ui/parts";
import { Failed, Loading } from "../../ui/state";
import { Tabs } from "../../ui/tabs";
import { useProduct } from "../product/frame";
import { useHeld } from "./held";
import { sortPlan, waits } from "./plan";
import { PlanPart } from "./planpart";
import { Publish } from "./publish";

/** Review is where a person says yes or no to what the library and the policy would do. */
export function Review() {
  const p = useProduct();
  const q = useQuery({ ...planQuery(p.id), placeholderData: (old) => old });
  const held = useHeld(p.id);
  const [search, set] = useAddress();
  // How many waited when the person came, so that the progress has an end.
  const [most, setMost] = useState(0);
  const sorted = useMemo(() => q.data && sortPlan(q.data), [q.data]);
  if (!q.data || !sorted) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading />;
  const waiting = sorted.shown.filter(waits).length;
  if (waiting > most) setMost(waiting);
  const toPublish = () => set({ step: "publish" }, true);
  return (
    <Place
      title="Review"
      about="What follows from the answers and the diagram comes in only with your yes. What people set themselves is never overwritten."
    >
      <Tabs
        value={search.step === "publish" ? "publish" : "plan"}
        onChange={(step) => set({ step: step === "plan" ? undefined : step }, true)}
        tabs={[
          {
            value: "plan",
            text: <>Plan {waiting > 0 && <Count n={waiting} tone="accent" />}</>,
            panel: <PlanPart plan={q.data} sorted={sorted} waiting={waiting} most={most} toPublish={toPublish} />,
          },
          { value: "publish", text: <>Tickets {held.length > 0 && <Count n={held.length} tone="accent" />}</>, panel: <Publish /> },
        ]}
      />
    </Place>
  );
}
