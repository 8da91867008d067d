import { queryOptions, useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { api, ok } from "../../api/client";
import { keys } from "../../api/query";
import { Dialog } from "../../ui/dialog";
import { Failed, Skeleton } from "../../ui/state";
import { Ago } from "../../ui/time";
import { formatsQuery } from "../new/formats";
import type { Product } from "./frame";

const sourcesOf = (product: string) =>
  queryOptions({
    queryKey: keys.product(product, "sources"),
    queryFn: async ({ signal }) => (await ok(api.GET("/products/{product}/sources", { params: { path: { product } }, signal }))).items ?? [],
  });

/** bytes is the size of a file as people read it. */
const bytes = (n: number): string => (n < 1024 ? `${n} bytes` : n < 1048576 ? `${Math.round(n / 1024)} KiB` : `${(n / 1048576).toFixed(1)} MiB`);

/** ExportDialog gives the model as a file in each format that is written, and the files that it was made of as they were given. */
export function ExportDialog({ product: p, onClose }: { product: Product; onClose: () => void }) {
  const formats = useQuery(formatsQuery);
  const edits = (p.can ?? []).includes("model.edit");
  const sources = useQuery({ ...sourcesOf(p.id), enabled: edits });
  const base = `/api/v1/products/${encodeURIComponent(p.id)}`;
  // Our own first: it is the one that loses nothing.
  const written = (formats.data ?? []).filter((f) => f.export).sort((a, b) => Number(b.export === "threatloop") - Number(a.export === "threatloop"));
  const name = (format: string) => formats.data?.find((f) => f.name === format)?.title ?? format;
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        <>
          Download the model of <bdi>{p.name}</bdi>
        </>
      }
    >
      {formats.error && !formats.data ? (
        <Failed error={formats.error} retry={() => void formats.refetch()} />
      ) : (
        <div className="grid gap-5">
          <section aria-label="As it is now" className="grid gap-2">
            <h3 className="overline">As it is now</h3>
            {!formats.data && <Skeleton className="h-28 w-full" />}
            <ul className="divide-y divide-line rounded-lg border border-line empty:hidden">
              {written.map((f) => (
                <File
                  key={f.name}
                  href={`${base}/export?format=${encodeURIComponent(f.export ?? "")}`}
                  name={f.title}
                  about={
                    f.export === "threatloop"
                      ? "The complete model, made to be kept in git."
                      : f.export === "threat-dragon"
                        ? "Opens in Threat Dragon; what it does not know goes along."
                        : "What the format can say of the model."
                  }
                />
              ))}
            </ul>
          </section>
          {edits && (sources.data ?? []).length > 0 && (
            <section aria-label="As it was given" className="grid gap-2">
              <h3 className="overline">As it was given</h3>
              <ul className="divide-y divide-line rounded-lg border border-line">
                {(sources.data ?? []).map((s) => (
                  <File
                    key={s.id}
                    href={`${base}/sources/${encodeURIComponent(s.id)}`}
                    name={s.name}
                    about={
                      <>
                        {name(s.format)}, {bytes(s.size)}, imported <Ago at={s.at} />
                      </>
                    }
                  />
                ))}
              </ul>
            </section>
          )}
        </div>
      )}
    </Dialog>
  );
}

function File({ href, name, about }: { href: string; name: string; about: React.ReactNode }) {
  return (
    <li>
      <a href={href} download className="flex items-center gap-3 px-3 py-2.5 text-sm -outline-offset-2 hover:bg-raised/60">
        <span className="min-w-0 flex-1">
          <bdi className="block truncate font-medium" title={name}>
            {name}
          </bdi>
          <span className="block text-soft text-xs">{about}</span>
        </span>
        <Download aria-hidden size={15} className="shrink-0 text-soft" />
      </a>
    </li>
  );
}
