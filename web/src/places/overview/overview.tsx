import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ClipboardCheck, ListChecks, Network } from "lucide-react";
import type { ReactNode } from "react";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { Place } from "../../ui/parts";
import { Failed, Loading } from "../../ui/state";
import { plural } from "../../ui/words";
import { useCan, useProduct } from "../product/frame";
import { planSummaryQuery, waitingIn } from "../product/waiting";
import { Matrix } from "./matrix";
import { Exceeding, Guesses, Proof, TopThreats, Work } from "./panels";
import { RiskPicture } from "./picture";
import { Since } from "./since";
import { Trend } from "./trend";

/** Overview is a product at one glance. */
export function Overview() {
  const p = useProduct();
  const q = useQuery({
    queryKey: keys.product(p.id, "overview"),
    queryFn: ({ signal }) => ok(api.GET("/products/{product}/overview", { params: { path: { product: p.id } }, signal })),
    placeholderData: (old) => old,
  });
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading />;
  const o = q.data;
  if (o.product.risk.open.threats + o.product.risk.carried.threats + o.product.risk.closed === 0) return <Beginning />;
  return (
    <Place title="Overview" about={p.description ? <bdi className="line-clamp-3">{p.description}</bdi> : undefined}>
      <Exceeding overview={o} />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="grid min-w-0 gap-4">
          <RiskPicture overview={o} />
          <Trend overview={o} />
          <div className="grid items-start gap-4 *:min-w-0 md:grid-cols-2">
            <Matrix overview={o} />
            <div className="grid gap-4 *:min-w-0">
              <Work overview={o} />
              <Proof overview={o} />
            </div>
          </div>
          <TopThreats overview={o} />
        </div>
        <div className="grid min-w-0 gap-4 max-lg:row-start-2">
          <Since product={p.id} />
          <Guesses overview={o} />
        </div>
      </div>
    </Place>
  );
}

/** Beginning says what to do with a product that has no threats yet. */
function Beginning() {
  const p = useProduct();
  const can = useCan();
  const waiting = waitingIn(useQuery({ ...planSummaryQuery(p.id), enabled: can("plan.read") }).data);
  const edit = can("model.edit");
  return (
    <Place title="Overview" about={p.description ? <bdi className="line-clamp-3">{p.description}</bdi> : undefined}>
      <div className="card mx-auto max-w-2xl p-6 sm:p-8">
        <h2 className="font-semibold text-lg">{waiting > 0 ? "The first threats wait for you" : "There is no threat in this product yet"}</h2>
        <p className="mt-1 text-soft text-sm">
          {waiting > 0
            ? "Your answers and your diagram brought in what follows from them. Review it, and ratings, trend and matrix appear here."
            : edit
              ? "Say what the product is, by answering questions or by drawing it. The threats that follow from it then wait in the review, and nothing comes in without your yes."
              : "Somebody who may edit the model has to say what the product is first."}
        </p>
        <ul className="mt-5 grid gap-2">
          {waiting > 0 && (
            <Way
              to="review"
              icon={<ClipboardCheck size={18} />}
              title={`Review ${plural(waiting, "step")}`}
              about="See what was found, and why, and accept it"
              strong
            />
          )}
          {edit && (
            <Way
              to="questionnaire"
              icon={<ListChecks size={18} />}
              title="Answer the questionnaire"
              about="The quickest way; come back to it at any time"
              strong={waiting === 0}
            />
          )}
          {edit && (
            <Way
              to="diagram"
              icon={<Network size={18} />}
              title="Draw the data flow, or import a model"
              about="Threat Dragon, Open Threat Model and others are read"
            />
          )}
        </ul>
      </div>
    </Place>
  );
}

function Way({ to, icon, title, about, strong }: { to: string; icon: ReactNode; title: string; about: string; strong?: boolean }) {
  const p = useProduct();
  return (
    <li>
      <Link
        to={`/products/$product/${to}` as "/products/$product/review"}
        params={{ product: p.id }}
        className={`flex items-center gap-3 rounded-lg border px-4 py-3 ${strong ? "border-accent bg-accent-soft" : "border-line hover:bg-raised"}`}
      >
        <span aria-hidden className={strong ? "text-accent" : "text-soft"}>
          {icon}
        </span>
        <span>
          <span className="block font-medium">{title}</span>
          <span className="block text-soft text-sm">{about}</span>
        </span>
      </Link>
    </li>
  );
}
