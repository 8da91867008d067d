import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, FlaskConical, GitCompare, Info, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { api, ok, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Confirm, Dialog, FormDialog } from "../../ui/dialog";
import { Field, Input, Textarea } from "../../ui/field";
import { ErrorText, Loading } from "../../ui/state";
import { plural } from "../../ui/words";
import { checkQuery, draftQuery, drafts, type Found, revisionMatch } from "./data";
import { Difference } from "./difference";
import { TryPlan } from "./tryplan";

type Draft = S["DraftView"];

/** DraftBar says how the draft stands to what is in force, and what can be done with it. */
export function DraftBar({ draft: d, edits }: { draft: Draft; edits: boolean }) {
  const [asking, ask] = useState<"check" | "difference" | "try" | "publish" | "discard">();
  const [, set] = useAddress();
  const close = () => ask(undefined);
  const discard = useChange(
    undefined,
    () => ok(api.DELETE("/library/draft", { params: { header: revisionMatch(d.revision) } })),
    () => ({ text: "The draft is as published again" }),
  );
  const bad = d.in_force.condition !== "current";
  return (
    <>
      {bad && (
        <div role="alert" className="mb-4 rounded-md bg-medium-soft px-3 py-2 text-medium text-sm">
          <p className="font-medium">
            {d.in_force.condition === "kept"
              ? "What you published does not fit the library inside this version of the program. The library that it was published on stays in force."
              : "What you published cannot be read by this version of the program. The built-in library stands alone, and no plan is applied."}
          </p>
          {edits && <Problems list={d.in_force.problems ?? []} />}
        </div>
      )}
      {edits && d.changed > 0 && (
        <div className="mb-4 flex flex-wrap items-center gap-2 rounded-lg border border-accent/30 bg-accent-soft px-3 py-2 text-sm">
          <p className="me-auto min-w-0" role="status">
            <span className="font-medium text-accent">
              The draft changes{" "}
              <button
                type="button"
                className="underline underline-offset-3"
                onClick={() => set({ view: undefined, q: undefined, draft: Object.keys(drafts).join(",") })}
              >
                {plural(d.changed, "entry", "entries")}
              </button>
              .
            </span>{" "}
            {d.problems > 0 ? (
              <button type="button" className="link underline" onClick={() => set({ view: undefined, draft: "problems" })}>
                {plural(d.problems, "problem")}
              </button>
            ) : (
              "Products follow it once it is published."
            )}
          </p>
          <Button size="sm" icon={<CircleCheck aria-hidden size={13} />} onClick={() => ask("check")}>
            Check
          </Button>
          <Button size="sm" icon={<GitCompare aria-hidden size={13} />} onClick={() => ask("difference")}>
            Difference
          </Button>
          <Button size="sm" icon={<FlaskConical aria-hidden size={13} />} onClick={() => ask("try")}>
            Try on a product
          </Button>
          <Button size="sm" look="ghost" onClick={() => ask("discard")}>
            Discard
          </Button>
          <Button size="sm" look="primary" onClick={() => ask("publish")}>
            Publish
          </Button>
        </div>
      )}
      <Dialog open={asking === "check"} onClose={close} title="Check of the draft" wide>
        {asking === "check" && <Checked revision={d.revision} onLeave={close} />}
      </Dialog>
      <Dialog open={asking === "difference"} onClose={close} title="What publishing would change" wide>
        {asking === "difference" && <Difference from="in-force" to="draft" onLeave={close} />}
      </Dialog>
      <Dialog open={asking === "try"} onClose={close} title="Try the draft on a product" about="Nothing is stored." wide>
        {asking === "try" && <TryPlan />}
      </Dialog>
      <Publish open={asking === "publish"} onClose={close} draft={d} />
      <Confirm
        open={asking === "discard"}
        onClose={close}
        title="Discard the draft?"
        about={`${plural(d.changed, "entry", "entries")} go back to what is published. This cannot be undone.`}
        verb="Discard"
        submit={() => discard.mutateAsync(undefined)}
      />
    </>
  );
}

/** Problems is a list of what is wrong, each leading to its entry. */
export function Problems({ list, onLeave }: { list: (Found & { rule?: string; test?: string })[]; onLeave?: () => void }) {
  return (
    <ul className="mt-1 grid gap-1.5">
      {list.map((p, i) => (
        <li key={i} className="flex gap-2 text-sm">
          {p.warning ? (
            <Info aria-hidden size={14} className="mt-0.75 shrink-0 text-soft" />
          ) : (
            <TriangleAlert aria-hidden size={14} className="mt-0.75 shrink-0 text-critical" />
          )}
          <span className="min-w-0">
            {p.kind && p.ref ? (
              <Link
                to="/library/$kind/$ref"
                params={{ kind: p.kind, ref: p.ref }}
                search={(p.line ? { line: String(p.line) } : {}) as never}
                onClick={onLeave}
                className="link"
              >
                {p.ref}
                {p.line ? `, line ${p.line}` : ""}
              </Link>
            ) : (
              p.file && (
                <code className="text-xs">
                  {p.file}
                  {p.line ? `:${p.line}` : ""}
                </code>
              )
            )}{" "}
            {p.test && <span className="text-soft">test “{p.test}”: </span>}
            <bdi>{p.text}</bdi>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Checked({ revision, onLeave }: { revision: number; onLeave: () => void }) {
  const q = useQuery(checkQuery(revision));
  if (!q.data) return q.error ? <ErrorText error={q.error} /> : <Loading rows={3} />;
  const c = q.data;
  const wrong = [...(c.problems ?? []), ...(c.failures ?? [])];
  return (
    <div className="grid gap-4">
      <p role="status" className={c.passes ? "font-medium text-low" : "font-medium text-critical"}>
        {c.passes
          ? `All is well: ${plural(c.rules, "rule")}, ${plural(c.tests, "test")}, none fails.`
          : `${plural(wrong.length, "thing")} must be mended before the draft can be published.`}
      </p>
      {wrong.length > 0 && <Problems list={wrong} onLeave={onLeave} />}
      {(c.warnings ?? []).length > 0 && (
        <section>
          <h3 className="font-medium text-sm">Worth a look</h3>
          <Problems list={c.warnings ?? []} onLeave={onLeave} />
        </section>
      )}
    </div>
  );
}

function Publish({ open, onClose, draft: d }: { open: boolean; onClose: () => void; draft: Draft }) {
  const [name, setName] = useState("");
  const [comment, setComment] = useState("");
  const cache = useQueryClient();
  const publish = useChange(
    undefined,
    () =>
      ok(
        api.POST("/library/publish", {
          params: { header: revisionMatch(d.revision) },
          body: { name: name.trim(), comment: comment.trim() || undefined },
        }),
      ),
    (v) => ({ text: `Version ${v.number} is in force. Each product shows in its review what changes` }),
  );
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title="Publish the draft"
      about="Every product gets a plan that follows the new version. States, tickets and what people set are kept, and nothing changes before somebody accepts the plan."
      verb="Publish"
      submit={async () => {
        await publish.mutateAsync(undefined);
        setName("");
        setComment("");
        void cache.invalidateQueries({ queryKey: draftQuery.queryKey });
      }}
    >
      <Field label="Name" hint="As your people will call it: “Autumn review”, “Payments team”.">
        <Input required maxLength={200} value={name} onChange={(e) => setName(e.target.value)} autoFocus />
      </Field>
      <Field label="What changed, and why" optional>
        <Textarea rows={3} maxLength={4000} value={comment} onChange={(e) => setComment(e.target.value)} />
      </Field>
    </FormDialog>
  );
}
