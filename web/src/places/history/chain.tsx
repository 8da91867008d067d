import { useMutation } from "@tanstack/react-query";
import { ShieldAlert, ShieldCheck } from "lucide-react";
import { api, ok } from "../../api/client";
import { Button } from "../../ui/button";
import { ErrorText } from "../../ui/state";

/** ChainCheck proves that nobody changed the trail afterwards, or says where it does not fit. */
export function ChainCheck({ product }: { product: string }) {
  const check = useMutation({ mutationFn: () => ok(api.GET("/products/{product}/audit/check", { params: { path: { product } } })) });
  const r = check.data;
  return (
    <div className="card mb-4 flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-64 text-sm">
        <p className="font-medium">Every row carries the fingerprint of the one before it</p>
        <p className="text-soft text-xs">So a row that was changed or taken out later shows. The check reads the whole trail of this product.</p>
      </div>
      <Button busy={check.isPending} onClick={() => check.mutate()}>
        Check the trail
      </Button>
      <div role="status" className="w-full empty:hidden">
        {r?.whole && (
          <p className="flex items-center gap-2 rounded-md bg-low-soft px-3 py-2 text-low text-sm">
            <ShieldCheck aria-hidden size={16} /> The trail is whole: {r.rows.toLocaleString("en")} rows, and each fits the one before it.
          </p>
        )}
        {r && !r.whole && (
          <p className="flex items-center gap-2 rounded-md bg-critical-soft px-3 py-2 text-critical text-sm">
            <ShieldAlert aria-hidden size={16} className="shrink-0" /> The trail does not fit together: {r.text ?? "a row was changed or is missing"}.
            Keep the database as it is, and compare it with a backup.
          </p>
        )}
        {check.error && <ErrorText error={check.error} />}
      </div>
    </div>
  );
}
