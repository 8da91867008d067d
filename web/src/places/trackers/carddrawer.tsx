import { useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { Button } from "../../ui/button";
import { Drawer } from "../../ui/dialog";
import { Field, Input, Select, Textarea } from "../../ui/field";
import { Avatar, Badge, Facts } from "../../ui/parts";
import { Failed, Loading } from "../../ui/state";
import { Ago, dateTime } from "../../ui/time";
import { type Card, cardQuery, resolutions, statuses, useMove } from "./boarddata";

/** text is a description without the lines by which Threatloop finds its part of it. */
const text = (body: string | undefined) =>
  (body ?? "")
    .split("\n")
    .filter((l) => !/^Threatloop (keeps the text from here up to date|block ends here): /.test(l))
    .join("\n")
    .replace(/\*\*(.+?)\*\*/g, "$1")
    .trim();

/** local is the part of an address that is ours. */
function local(url: string): string | undefined {
  try {
    const u = new URL(url, window.location.origin);
    return /^\/(products|board|trackers)\//.test(u.pathname) ? u.pathname + u.search : undefined;
  } catch {
    return undefined;
  }
}

/** CardDrawer is one ticket of the board: its text, what was said, and moving it. */
export function CardDrawer({
  connection,
  ticket,
  movable,
  known,
  onClose,
}: {
  connection: string;
  ticket: string;
  movable: boolean;
  known: Card[];
  onClose: () => void;
}) {
  const q = useQuery(cardQuery(connection, ticket));
  const router = useRouter();
  const t = q.data;
  const linked = (t?.links ?? []).map((l) => known.find((k) => k.id === l || k.key === l) ?? { key: l, summary: "" });
  return (
    <Drawer
      open
      onClose={onClose}
      title={
        <>
          <span className="num me-2 text-soft">{ticket}</span>
          <bdi>{t?.summary}</bdi>
        </>
      }
    >
      {!t ? (
        q.error ? (
          <Failed error={q.error} retry={() => void q.refetch()} />
        ) : (
          <Loading rows={3} />
        )
      ) : (
        <div className="grid gap-6">
          <Facts
            items={[
              [
                "Status",
                <span key="s">
                  {t.status}
                  {t.resolution && t.resolution !== "Done" ? `, ${t.resolution}` : ""}
                </span>,
              ],
              ["Project", t.project],
              !!t.priority && ["Priority", t.priority],
              !!t.assignee && ["Assigned to", <bdi key="a">{t.assignee}</bdi>],
              (t.labels ?? []).length > 0 && [
                "Labels",
                <span key="l" className="flex flex-wrap gap-1">
                  {(t.labels ?? []).map((l) => (
                    <Badge key={l}>{l}</Badge>
                  ))}
                </span>,
              ],
              (t.pages ?? []).length > 0 && [
                "In the model",
                <span key="p" className="grid gap-0.5">
                  {(t.pages ?? []).map((p) => {
                    const to = local(p.url);
                    return to ? (
                      <a
                        key={p.id}
                        href={to}
                        className="link"
                        onClick={(e) => {
                          e.preventDefault();
                          router.history.push(to);
                        }}
                      >
                        <bdi>{p.title}</bdi>
                      </a>
                    ) : (
                      <bdi key={p.id}>{p.title}</bdi>
                    );
                  })}
                </span>,
              ],
              linked.length > 0 && [
                "Linked tickets",
                <span key="k" className="grid gap-0.5">
                  {linked.map((l) => (
                    <span key={l.key}>
                      <span className="num font-medium">{l.key}</span> <bdi>{l.summary}</bdi>
                    </span>
                  ))}
                </span>,
              ],
              ["Changed", <Ago key="c" at={t.updated} />],
            ]}
          />
          {movable && <MoveForm connection={connection} card={t} />}
          <section>
            <h3 className="mb-1.5 font-medium text-sm">Description</h3>
            {text(t.body) ? (
              <p dir="auto" className="whitespace-pre-wrap text-sm">
                {text(t.body)}
              </p>
            ) : (
              <p className="text-soft text-sm">None.</p>
            )}
          </section>
          <section>
            <h3 className="mb-2 font-medium text-sm">Comments</h3>
            <ol className="grid gap-4">
              {(t.comments ?? []).map((c) => (
                <li key={c.id} className="flex gap-2.5">
                  <Avatar name={c.author || "?"} />
                  <div className="min-w-0 flex-1 text-sm">
                    <p>
                      <bdi className="font-medium">{c.author || "Threatloop"}</bdi> <Ago at={c.created} className="text-soft text-xs" />
                    </p>
                    <p dir="auto" className="whitespace-pre-wrap" title={dateTime(c.created)}>
                      {c.text}
                    </p>
                  </div>
                </li>
              ))}
            </ol>
            {(t.comments ?? []).length === 0 && <p className="text-soft text-sm">Nobody said anything yet.</p>}
            {movable && <CommentForm connection={connection} ticket={t.key} />}
          </section>
        </div>
      )}
    </Drawer>
  );
}

function MoveForm({ connection, card }: { connection: string; card: Card }) {
  const move = useMove(connection);
  const [status, setStatus] = useState<string>();
  const [resolution, setResolution] = useState("Done");
  const [duplicate, setDuplicate] = useState("");
  const [comment, setComment] = useState("");
  const to = status ?? card.status;
  const changed = to !== card.status || (to === "Done" && resolution !== (card.resolution || "Done"));
  const send = (e: FormEvent) => {
    e.preventDefault();
    move.mutate(
      {
        card,
        move: {
          status: to,
          resolution: to === "Done" ? resolution : undefined,
          duplicate_of: to === "Done" && resolution === "Duplicate" ? duplicate.trim() : undefined,
          comment: comment.trim() || undefined,
        },
      },
      {
        onSuccess: () => {
          setStatus(undefined);
          setComment("");
          setDuplicate("");
        },
      },
    );
  };
  return (
    <form onSubmit={send} className="grid gap-3 rounded-md border border-line p-3">
      <div className="grid items-start gap-3 sm:grid-cols-2">
        <Field label="Move to">
          <Select value={to} onChange={(e) => setStatus(e.target.value)}>
            {statuses.map((s) => (
              <option key={s}>{s}</option>
            ))}
          </Select>
        </Field>
        {to === "Done" && (
          <Field label="As" hint={resolution === "Won't do" ? "The countermeasure counts as rejected; say why below." : undefined}>
            <Select value={resolution} onChange={(e) => setResolution(e.target.value)}>
              {resolutions.map((r) => (
                <option key={r}>{r}</option>
              ))}
            </Select>
          </Field>
        )}
        {to === "Done" && resolution === "Duplicate" && (
          <Field label="Duplicate of">
            <Input required value={duplicate} onChange={(e) => setDuplicate(e.target.value)} placeholder="SHOP-12" />
          </Field>
        )}
      </div>
      {changed && (
        <Field label="Comment" optional={resolution !== "Won't do"}>
          <Textarea
            rows={2}
            maxLength={10000}
            required={to === "Done" && resolution === "Won't do"}
            value={comment}
            onChange={(e) => setComment(e.target.value)}
          />
        </Field>
      )}
      {changed && (
        <Button type="submit" look="primary" busy={move.isPending} className="justify-self-start">
          Move
        </Button>
      )}
    </form>
  );
}

function CommentForm({ connection, ticket }: { connection: string; ticket: string }) {
  const [value, setValue] = useState("");
  const add = useChange(
    undefined,
    () =>
      ok(api.POST("/connections/{connection}/tickets/{ticket}/comments", { params: { path: { connection, ticket } }, body: { text: value.trim() } })),
    () => ({ text: "Comment added" }),
  );
  return (
    <form
      className="mt-4 grid gap-2"
      onSubmit={(e) => {
        e.preventDefault();
        add.mutate(undefined, { onSuccess: () => setValue("") });
      }}
    >
      <Field label="Add a comment">
        <Textarea required rows={3} maxLength={10000} value={value} onChange={(e) => setValue(e.target.value)} />
      </Field>
      <Button type="submit" busy={add.isPending} disabled={!value.trim()} className="justify-self-start">
        Comment
      </Button>
    </form>
  );
}
