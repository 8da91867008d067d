import { useQuery } from "@tanstack/react-query";
import { MoreHorizontal, Pencil, Trash2 } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";
import { api, match, ok, type S } from "../../api/client";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { Button, IconButton } from "../../ui/button";
import { cx } from "../../ui/cx";
import { Textarea } from "../../ui/field";
import { Kbd } from "../../ui/kbd";
import { Menu, MenuItem } from "../../ui/menu";
import { Avatar } from "../../ui/parts";
import { ErrorText, Skeleton } from "../../ui/state";
import { Ago, dateTime } from "../../ui/time";
import { useCan } from "../product/frame";
import { commentsOn } from "./data";
import { useDraft } from "./drafts";
import { Meanwhile } from "./inline";

type Comment = S["CommentView"];

/** So many comments are on the page at first, the latest ones. */
const latest = 50;

/** Comments are what people say of an object ("threat/ID"): read, write, change, delete. */
export function Comments({ product, object }: { product: string; object: string }) {
  const list = useQuery(commentsOn(product, object));
  const can = useCan();
  const [most, setMost] = useState(latest);
  const shown = list.data?.slice(-most) ?? [];
  const earlier = (list.data?.length ?? 0) - shown.length;
  return (
    <div className="grid gap-4">
      {list.isPending && <Skeleton className="h-16 w-full" />}
      {list.error && !list.data && <ErrorText error={list.error} />}
      {earlier > 0 && (
        <Button size="sm" className="justify-self-start" onClick={() => setMost(most + latest)}>
          Show earlier comments ({earlier.toLocaleString("en")})
        </Button>
      )}
      {shown.length > 0 && (
        <ol className="grid gap-4">
          {shown.map((c) => (
            <li key={c.id}>
              <One product={product} comment={c} mayManage={can("comment.manage")} mayWrite={can("comment.write")} />
            </li>
          ))}
        </ol>
      )}
      {list.data?.length === 0 && <p className="text-sm text-soft">Nobody has said anything yet.</p>}
      {can("comment.write") ? (
        <Write product={product} object={object} />
      ) : (
        <p className="text-soft text-xs">Writing comments takes the right of a developer.</p>
      )}
    </div>
  );
}

function One({ product, comment: c, mayManage, mayWrite }: { product: string; comment: Comment; mayManage: boolean; mayWrite: boolean }) {
  const [draft, setDraft] = useDraft(`comment/${c.id}`);
  const path = { product, comment: c.id };
  const edit = useChange(product, (text: string) =>
    ok(api.PATCH("/products/{product}/comments/{comment}", { params: { path, header: match(c.version) }, body: { text } })),
  );
  const remove = useChange(
    product,
    () => ok(api.DELETE("/products/{product}/comments/{comment}", { params: { path } })),
    () => ({
      text: c.mine ? "The comment is deleted" : `The comment of ${c.author_name} is deleted`,
      undo: () => ok(api.POST("/products/{product}/comments/{comment}/restore", { params: { path } })),
    }),
  );
  const save = async (text: string) => {
    await edit.mutateAsync(text).then(
      () => setDraft(undefined),
      () => undefined,
    );
  };
  const mine = c.mine && mayWrite;
  return (
    <article className="grid grid-cols-[auto_1fr] gap-x-2.5" aria-label={`Comment by ${c.author_name}`}>
      <Avatar name={c.author_name || "?"} size={24} />
      <div className="min-w-0">
        <div className="flex min-h-6 items-center gap-2 text-sm">
          <bdi className="truncate font-medium">{c.author_name}</bdi>
          <Ago at={c.at} className="shrink-0 text-soft text-xs" />
          {c.edited_at && (
            <span className="shrink-0 text-soft text-xs" title={dateTime(c.edited_at)}>
              edited
            </span>
          )}
          {(mine || mayManage) && !draft && (
            <span className="ms-auto">
              <Menu
                align="end"
                label="This comment"
                trigger={
                  <IconButton label="This comment" size="sm">
                    <MoreHorizontal size={14} />
                  </IconButton>
                }
              >
                {mine && (
                  <MenuItem icon={<Pencil size={14} />} onSelect={() => setDraft({ text: c.text, base: c.text })}>
                    Change
                  </MenuItem>
                )}
                <MenuItem icon={<Trash2 size={14} />} danger onSelect={() => remove.mutate()}>
                  Delete
                </MenuItem>
              </Menu>
            </span>
          )}
        </div>
        {draft ? (
          <Box
            label="Change the comment"
            text={draft.text}
            onText={(text) => setDraft({ ...draft, text })}
            onSend={() => void save(draft.text.trim())}
            onCancel={() => setDraft(undefined)}
            verb="Save"
            busy={edit.isPending}
            autoFocus
            meanwhile={draft.base !== c.text ? c.text : undefined}
          />
        ) : (
          <p dir="auto" className="whitespace-pre-wrap text-sm">
            {c.text}
          </p>
        )}
      </div>
    </article>
  );
}

function Write({ product, object }: { product: string; object: string }) {
  const me = useMe();
  const [draft, setDraft] = useDraft(`comment on ${object}`);
  const text = draft?.text ?? "";
  const add = useChange(product, () =>
    ok(api.POST("/products/{product}/comments", { params: { path: { product } }, body: { object, text: text.trim() } })),
  );
  const send = () => {
    if (!text.trim() || add.isPending) return;
    add.mutate(undefined, { onSuccess: () => setDraft(undefined) });
  };
  return (
    <div className="grid grid-cols-[auto_1fr] gap-x-2.5">
      <Avatar name={me?.name || "?"} size={24} />
      <Box
        label="Write a comment"
        text={text}
        onText={(t) => setDraft(t ? { text: t, base: "" } : undefined)}
        onSend={send}
        verb="Comment"
        busy={add.isPending}
      />
    </div>
  );
}

function Box({
  label,
  text,
  onText,
  onSend,
  onCancel,
  verb,
  busy,
  autoFocus,
  meanwhile,
}: {
  label: string;
  text: string;
  onText: (t: string) => void;
  onSend: () => void;
  onCancel?: () => void;
  verb: string;
  busy: boolean;
  autoFocus?: boolean;
  meanwhile?: string;
}) {
  const id = useId();
  const onKey = (e: KeyboardEvent) => {
    if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) {
      e.preventDefault();
      onSend();
    } else if (e.key === "Escape") {
      e.stopPropagation();
      e.nativeEvent.stopImmediatePropagation();
      (e.target as HTMLElement).blur();
    }
  };
  const open = text !== "" || !!onCancel;
  return (
    <div className="grid min-w-0 gap-2">
      <label htmlFor={id} className="sr-only">
        {label}
      </label>
      <Textarea
        id={id}
        rows={open ? 3 : 1}
        dir="auto"
        autoFocus={autoFocus}
        value={text}
        maxLength={10_000}
        placeholder={label}
        onChange={(e) => onText(e.target.value)}
        onKeyDown={onKey}
        className={cx("field-sizing-content max-h-80", !open && "min-h-0")}
      />
      {meanwhile !== undefined && onCancel && <Meanwhile now={meanwhile} onTake={onCancel} />}
      {open && (
        <div className="flex items-center gap-2">
          <Button size="sm" look="primary" busy={busy} disabled={!text.trim()} onClick={onSend}>
            {verb}
          </Button>
          {onCancel && (
            <Button size="sm" look="ghost" onClick={onCancel}>
              Cancel
            </Button>
          )}
          <span className="text-soft text-xs">
            <Kbd keys="mod+enter" /> sends
          </span>
        </div>
      )}
    </div>
  );
}
