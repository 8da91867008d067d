import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Field } from "../../ui/field";
import { Badge } from "../../ui/parts";
import { ErrorText } from "../../ui/state";
import { plural } from "../../ui/words";
import { revisionMatch } from "./data";
import { Problems } from "./draft";

const acts = {
  added: ["good", "Comes in"],
  changed: ["accent", "Changes"],
  same: ["neutral", "The same"],
  refused: ["bad", "Refused"],
} as const;

/** ImportLibrary takes files into the draft, after showing line by line what that would do. */
export function ImportLibrary({ open, onClose, revision }: { open: boolean; onClose: () => void; revision: number }) {
  const [file, setFile] = useState<File>();
  const send = (f: File, preview: boolean) =>
    ok(
      api.POST("/library/import", {
        params: { query: { preview, name: f.name }, header: revisionMatch(revision) },
        body: f as unknown as string,
        bodySerializer: (b) => b as unknown as BodyInit,
        headers: { "Content-Type": "application/octet-stream" },
      }),
    );
  const look = useMutation({ mutationFn: (f: File) => send(f, true) });
  const take = useChange(
    undefined,
    (f: File) => send(f, false),
    (r) => ({ text: `${plural(r.added + r.changed, "entry", "entries")} came into the draft` }),
  );
  const close = () => {
    setFile(undefined);
    look.reset();
    onClose();
  };
  const found: S["LibraryImport"] | undefined = look.data;
  return (
    <Dialog open={open} onClose={close} title="Import into the draft" about="A zip of YAML files, as the export makes it, or one YAML file." wide>
      <div className="grid gap-4">
        <Field label="File">
          <input
            type="file"
            accept=".zip,.yaml,.yml"
            className="control file:me-3 file:rounded-sm file:border-0 file:bg-raised file:px-2 file:py-0.5 file:text-sm file:text-text"
            onChange={(e) => {
              const f = e.target.files?.[0];
              setFile(f);
              if (f) look.mutate(f);
            }}
          />
        </Field>
        {look.error && <ErrorText error={look.error} />}
        {take.error && <ErrorText error={take.error} />}
        {found && (
          <>
            <p role="status" className="font-medium text-sm">
              {[
                found.added && `${found.added} would come in`,
                found.changed && `${found.changed} would change`,
                found.same && `${found.same} are the same`,
                found.refused && `${found.refused} are refused`,
              ]
                .filter(Boolean)
                .join(", ") || "There is nothing in it."}
            </p>
            <ul className="grid max-h-72 gap-1 overflow-y-auto">
              {(found.items ?? [])
                .filter((i) => i.action !== "same")
                .map((i, n) => (
                  <li key={n} className="flex items-start gap-2 text-sm">
                    <Badge tone={acts[i.action][0]}>{acts[i.action][1]}</Badge>
                    <span className="min-w-0">
                      <bdi>{i.title || i.ref}</bdi>{" "}
                      <code className="text-soft text-xs">
                        {i.file}:{i.line}
                      </code>
                      {i.text && <span className="block text-critical text-xs">{i.text}</span>}
                    </span>
                  </li>
                ))}
            </ul>
            {(found.problems ?? []).length > 0 && (
              <section>
                <h3 className="font-medium text-sm">What the check would say then</h3>
                <Problems list={found.problems ?? []} onLeave={close} />
              </section>
            )}
          </>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>Cancel</Button>
          <Button
            look="primary"
            disabled={!file || !found || found.added + found.changed === 0}
            busy={take.isPending}
            onClick={() => file && take.mutate(file, { onSuccess: close })}
          >
            Take in
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
