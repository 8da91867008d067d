import { useQuery } from "@tanstack/react-query";
import { GitCompare, History, RotateCcw } from "lucide-react";
import { useState } from "react";
import { api, ok, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Confirm, Dialog } from "../../ui/dialog";
import { Field, Select } from "../../ui/field";
import { Badge } from "../../ui/parts";
import { Empty, Failed, Loading } from "../../ui/state";
import { dateTime } from "../../ui/time";
import { plural } from "../../ui/words";
import { draftQuery, revisionMatch, versionsQuery } from "./data";
import { Difference } from "./difference";

type Version = S["VersionView"];

/** Versions are what was published, what lies between them, and the way back. */
export function Versions({ edits }: { edits: boolean }) {
  const q = useQuery(versionsQuery);
  const draft = useQuery(draftQuery).data;
  const [pair, setPair] = useState<{ from: string; to: string }>();
  const [back, setBack] = useState<Version>();
  const restore = useChange(
    undefined,
    (v: Version) =>
      ok(api.POST("/library/versions/{number}/restore", { params: { path: { number: v.number }, header: revisionMatch(draft?.revision ?? 0) } })),
    (_, v) => ({ text: `The draft is version ${v.number} now. Publish it to put it in force` }),
  );
  if (!q.data) return q.error ? <Failed error={q.error} retry={() => void q.refetch()} /> : <Loading />;
  if (q.data.length === 0)
    return (
      <Empty icon={<History size={20} />} title="Nothing was published yet">
        The built-in library is in force. What you change becomes a version when you publish it.
      </Empty>
    );
  const states = [
    { value: "built-in", text: "Built in" },
    ...[...q.data].sort((a, b) => a.number - b.number).map((v) => ({ value: String(v.number), text: `${v.number}: ${v.name}` })),
    { value: "draft", text: "Draft" },
  ];
  return (
    <>
      <ul className="card divide-y divide-line">
        {q.data.map((v, i) => (
          <li key={v.number} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
            <div className="min-w-0 flex-1 basis-64">
              <p className="flex flex-wrap items-center gap-2 font-medium">
                <span className="num text-soft">{v.number}</span> <bdi>{v.name}</bdi> {v.in_force && <Badge tone="good">In force</Badge>}
              </p>
              {v.comment && <p className="whitespace-pre-line text-sm">{v.comment}</p>}
              <p className="text-soft text-xs">
                {dateTime(v.at)} by <bdi>{v.by_name}</bdi> · {plural(v.entries, "entry", "entries")} of your own
              </p>
            </div>
            <Button
              size="sm"
              icon={<GitCompare aria-hidden size={13} />}
              onClick={() => setPair({ from: String(q.data[i + 1]?.number ?? "built-in"), to: String(v.number) })}
            >
              Difference
            </Button>
            {edits && !v.in_force && (
              <Button size="sm" icon={<RotateCcw aria-hidden size={13} />} onClick={() => setBack(v)}>
                Into the draft
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Dialog open={pair !== undefined} onClose={() => setPair(undefined)} title="Difference" wide>
        {pair && (
          <div className="grid gap-4">
            <div className="grid gap-3 sm:grid-cols-2">
              <Field label="From">
                <Select value={pair.from} onChange={(e) => setPair({ ...pair, from: e.target.value })}>
                  {states.map((s) => (
                    <option key={s.value} value={s.value}>
                      {s.text}
                    </option>
                  ))}
                </Select>
              </Field>
              <Field label="To">
                <Select value={pair.to} onChange={(e) => setPair({ ...pair, to: e.target.value })}>
                  {states.map((s) => (
                    <option key={s.value} value={s.value}>
                      {s.text}
                    </option>
                  ))}
                </Select>
              </Field>
            </div>
            <Difference from={pair.from} to={pair.to} onLeave={() => setPair(undefined)} />
          </div>
        )}
      </Dialog>
      <Confirm
        open={back !== undefined}
        onClose={() => setBack(undefined)}
        title={`Put version ${back?.number} into the draft?`}
        about="What is drafted now is replaced. Nothing is in force before you publish."
        verb="Into the draft"
        submit={() => restore.mutateAsync(back!)}
      />
    </>
  );
}
