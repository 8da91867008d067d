import { useQuery } from "@tanstack/react-query";
import { Terminal, Upload } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { useWhole } from "../../api/whole";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Count, Place } from "../../ui/parts";
import { Tabs } from "../../ui/tabs";
import { useCan, useProduct } from "../product/frame";
import { PipelineDialog } from "./ci";
import { instanceQuery, runRows, triageRows } from "./data";
import { UploadOptions } from "./options";
import { Runs } from "./runs";
import { SentList } from "./sent";
import { Triage } from "./triage";
import { bytes, send, useUploads } from "./uploads";

/** Tests takes reports of test tools, says what they change, and keeps what came before. */
export function Tests() {
  const { id, archived } = useProduct();
  const may = useCan()("results.upload");
  const [search, set] = useAddress();
  const [over, setOver] = useState(0);
  const [pipeline, showPipeline] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const limit = useQuery(instanceQuery).data?.upload_limit;
  const sent = useUploads((s) => s.sent).filter((u) => u.product === id);
  const runs = useWhole(runRows(id)).rows;
  const triage = useWhole(triageRows(id));
  const waiting = triage.reading?.total ?? triage.rows?.length ?? 0;
  const take = (files: FileList | null) => {
    if (files && files.length > 0) send(id, [...files], limit);
  };
  const hasFiles = (e: DragEvent) => may && e.dataTransfer.types.includes("Files");
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be dropped anywhere; the button does the same by keyboard
    <div
      className="relative min-h-full"
      onDragEnter={(e) => hasFiles(e) && setOver((n) => n + 1)}
      onDragLeave={(e) => hasFiles(e) && setOver((n) => Math.max(0, n - 1))}
      onDragOver={(e) => hasFiles(e) && e.preventDefault()}
      onDrop={(e) => {
        setOver(0);
        if (!hasFiles(e)) return;
        e.preventDefault();
        take(e.dataTransfer.files);
      }}
    >
      {over > 0 && (
        <div className="pointer-events-none fixed inset-3 z-30 grid place-items-center rounded-xl border-2 border-accent border-dashed bg-accent-soft/90 font-medium text-accent text-lg">
          Drop the reports here
        </div>
      )}
      <Place
        title="Tests"
        about="What tests say is held against what is claimed: a failure takes a claim back, a pass proves it."
        actions={
          <Button icon={<Terminal size={14} />} onClick={() => showPipeline(true)}>
            From a pipeline
          </Button>
        }
      >
        <div className="grid grid-cols-[minmax(0,1fr)] gap-5">
          {may ? (
            <div className="card border-dashed p-4">
              <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
                <div className="grid size-10 shrink-0 place-items-center rounded-lg bg-raised text-soft">
                  <Upload aria-hidden size={18} />
                </div>
                <div className="min-w-0 flex-1 basis-60">
                  <h2 className="font-medium">Drop reports anywhere on this page</h2>
                  <p className="text-soft text-sm">
                    JUnit, Cucumber, OWASP ZAP, SARIF or Fortify, also as gzip or zip{limit ? `, up to ${bytes(limit)}` : ""}. The format is
                    recognised from the content.
                  </p>
                </div>
                <Button look="primary" data-choose onClick={() => file.current?.click()}>
                  Choose files
                </Button>
                <input
                  ref={file}
                  type="file"
                  multiple
                  hidden
                  aria-label="Reports of test tools"
                  onChange={(e) => {
                    take(e.target.files);
                    e.target.value = "";
                  }}
                />
              </div>
              <div className="mt-3 border-line border-t pt-2">
                <UploadOptions product={id} sources={[...new Set((runs ?? []).map((r) => r.source).filter(Boolean))].sort()} />
              </div>
            </div>
          ) : (
            <p className="text-soft text-sm">
              {archived
                ? "This product is archived; bring it back to send reports."
                : "Your role shows results here; it does not let you send reports."}
            </p>
          )}
          <SentList sent={sent} />
          <Tabs
            value={search.view === "triage" ? "triage" : "runs"}
            onChange={(view) =>
              set({
                view: view === "runs" ? undefined : view,
                q: undefined,
                sort: undefined,
                source: undefined,
                state: undefined,
                branch: undefined,
                by: undefined,
                severity: undefined,
                why: undefined,
                run: undefined,
                evidence: undefined,
              })
            }
            tabs={[
              { value: "runs", text: "Runs", panel: <Runs product={id} /> },
              {
                value: "triage",
                text: <>Triage {waiting > 0 && <Count n={waiting} tone="accent" />}</>,
                panel: <Triage product={id} />,
              },
            ]}
          />
        </div>
      </Place>
      <PipelineDialog product={id} open={pipeline} onClose={() => showPipeline(false)} />
    </div>
  );
}
