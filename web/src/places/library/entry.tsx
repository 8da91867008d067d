import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Copy, Info, Lock, RotateCcw, Trash2, TriangleAlert, Undo2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { api, match, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { Button } from "../../ui/button";
import { Confirm, FormDialog } from "../../ui/dialog";
import { Field, Input } from "../../ui/field";
import { Menu, MenuItem } from "../../ui/menu";
import { Badge, Place, Section } from "../../ui/parts";
import { ErrorText, Failed, Loading } from "../../ui/state";
import { Tabs } from "../../ui/tabs";
import { dateTime } from "../../ui/time";
import { plural } from "../../ui/words";
import { Code, type CodeHandle } from "./code";
import { drafts, type Entry, entryQuery, kinds, layers, slug } from "./data";
import { Lines } from "./difference";
import { PatternWords } from "./pattern";
import { TryPlan } from "./tryplan";
import { TryQuestions } from "./tryquestions";
import { useText } from "./usetext";

const how = {
  brings: "brings it",
  for: "is for it",
  asks: "asks it",
  reads: "reads what it says",
  serves: "serves it",
  includes: "includes it",
  uses: "uses it",
} as const;

const does = {
  brings: "it brings",
  for: "it is for",
  asks: "it asks",
  reads: "it reads",
  serves: "it serves",
  includes: "it includes",
  uses: "it uses",
} as const;

/** LibraryEntry is one entry of the library: what it says, where it is used, and its text. */
export function LibraryEntry() {
  const { kind, ref } = useParams({ strict: false }) as { kind: string; ref: string };
  const q = useQuery(entryQuery(kind, ref));
  if (!q.data)
    return q.error ? (
      <Failed
        error={q.error}
        retry={() => void q.refetch()}
        way={
          <Link to="/library" className="link text-sm">
            To the library
          </Link>
        }
      />
    ) : (
      <Loading />
    );
  return <Sheet key={`${kind}/${ref}`} entry={q.data} />;
}

function Sheet({ entry: e }: { entry: Entry }) {
  const me = useMe();
  const edits = (me?.can ?? []).includes("library.edit" as never);
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [search, set] = useAddress();
  const [asking, ask] = useState<"remove" | "copy">();
  // What comes with the program is read until somebody says that it is to be changed.
  const [changing, change] = useState(false);
  const code = useRef<CodeHandle>(null);
  const path = { kind: e.kind, ref: e.ref };
  const text = useText(e);
  const own = e.version !== undefined;
  const removed = e.layer === "removed";
  const closed = edits && !own && !removed && !changing;

  const line = Number(search.line ?? 0);
  useEffect(() => {
    if (line > 0) code.current?.go(line);
  }, [line]);

  const base = () => (e.version === undefined ? { "If-None-Match": "*" } : match(e.version));
  const remove = useChange(
    undefined,
    () => ok(api.PUT("/library/entries/{kind}/{ref}", { params: { path, header: base() }, body: { removed: true } })),
    () => ({ text: `“${e.title}” is removed in the draft` }),
  );
  const drop = useChange(
    undefined,
    () => ok(api.DELETE("/library/entries/{kind}/{ref}", { params: { path, header: match(e.version) } })),
    () => ({ text: e.built_in ? "The entry is as built in again" : "The entry is gone from the draft" }),
  );
  const revert = useChange(
    undefined,
    () => ok(api.POST("/library/entries/{kind}/{ref}/revert", { params: { path, header: match(e.version) } })),
    () => ({ text: "The entry is as published again" }),
  );

  const found = e.found ?? [];
  const tabs = [
    {
      value: "text",
      text: "Text",
      panel: (
        <div className="grid gap-3">
          {text.clash && (
            <div role="alert" className="grid gap-2 rounded-md bg-medium-soft px-3 py-2 text-medium text-sm">
              <p>Somebody else changed this entry meanwhile. What you wrote is kept here and not stored yet.</p>
              <Lines before={text.clash.text} after={text.value} />
              <div className="flex flex-wrap gap-2">
                <Button size="sm" onClick={text.mine}>
                  Store mine
                </Button>
                <Button size="sm" onClick={text.theirs}>
                  Take theirs
                </Button>
              </div>
            </div>
          )}
          {text.error !== undefined && !text.clash && <ErrorText error={text.error} />}
          {closed && (
            <div className="flex flex-wrap items-center gap-2 rounded-md bg-raised px-3 py-2 text-sm">
              <Lock aria-hidden size={14} className="shrink-0 text-soft" />
              <p className="min-w-0 flex-1 basis-72">
                This comes with the program and can be read here.{" "}
                {e.kind === "head" ? "An overlay is" : "To change it, put an overlay over it, or edit a copy under a name of its own. Both are"} your
                organisation's and {e.kind === "head" ? "stays" : "stay"} when the program is updated.
              </p>
              <Button
                size="sm"
                onClick={() => {
                  change(true);
                  requestAnimationFrame(() => code.current?.go(1));
                }}
              >
                Change by an overlay
              </Button>
              {e.kind !== "head" && (
                <Button size="sm" onClick={() => ask("copy")}>
                  Edit a copy
                </Button>
              )}
            </div>
          )}
          {removed ? (
            <p className="rounded-md bg-raised px-3 py-2 text-sm">
              The draft takes this entry out of the library. {edits && "Bring it back with “As built in”."}
            </p>
          ) : (
            <Code
              label={`Text of ${e.title}`}
              value={text.value}
              readOnly={!edits || closed}
              onChange={text.write}
              onSave={text.save}
              problems={text.dirty ? [] : found.filter((p) => !p.warning)}
              handle={code}
            />
          )}
          {found.length > 0 && (
            <ul aria-label="Problems" className="grid gap-1.5">
              {found.map((p, i) => (
                <li key={i} className="flex gap-2 text-sm">
                  {p.warning ? (
                    <Info aria-hidden size={14} className="mt-0.75 shrink-0 text-soft" />
                  ) : (
                    <TriangleAlert aria-hidden size={14} className="mt-0.75 shrink-0 text-critical" />
                  )}
                  <span className="min-w-0">
                    {p.line ? (
                      <button type="button" className="link" onClick={() => code.current?.go(p.line!, p.column)}>
                        Line {p.line}
                      </button>
                    ) : null}{" "}
                    <bdi>{p.text}</bdi>
                  </span>
                </li>
              ))}
            </ul>
          )}
          {edits && !removed && !closed && (
            <p className="text-soft text-xs">
              Stored in the draft as you write. In a condition, what can be written is proposed while you type, or with Ctrl+Space.
            </p>
          )}
        </div>
      ),
    },
    ...(e.kind === "pattern" && e.layer !== "removed" && !(e.draft === "new")
      ? [{ value: "words", text: "In words", panel: <PatternWords refOf={e.ref} /> }]
      : []),
    ...(e.built_in && own ? [{ value: "built-in", text: "Against built in", panel: <Lines before={e.built_in} after={text.value} /> }] : []),
    ...(e.published && e.draft === "changed"
      ? [{ value: "published", text: "Against published", panel: <Lines before={e.published} after={text.value} /> }]
      : []),
    ...(edits && e.kind === "questionnaire" && !removed
      ? [{ value: "ask", text: "Try it out", panel: <TryQuestions refOf={e.ref} version={e.version} /> }]
      : edits
        ? [{ value: "try", text: "Try on a product", panel: <TryPlan only={e} /> }]
        : []),
  ];
  return (
    <Place
      wide
      title={
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Link to="/library" className="font-normal text-soft hover:text-text">
            Library
          </Link>
          <span aria-hidden className="text-soft">
            ›
          </span>
          <bdi>{e.title}</bdi>
          {e.layer !== "built-in" && <Badge tone="accent">{layers[e.layer]}</Badge>}
          {e.draft && <Badge tone="warn">{drafts[e.draft]}</Badge>}
        </span>
      }
      about={
        <>
          {kinds[e.kind].one} <code>{e.ref}</code>
          {e.products > 0 && <> · in {plural(e.products, "product")}</>}
          {e.at && (
            <>
              {" "}
              · changed {dateTime(e.at)} by <bdi>{e.by_name}</bdi>
            </>
          )}
        </>
      }
      actions={
        edits && (
          <>
            <span role="status" className="text-soft text-xs empty:-me-2">
              {text.saving ? "Storing…" : text.dirty ? "Not stored yet" : own ? "Stored in the draft" : changing ? "Nothing changed yet" : ""}
            </span>
            {e.kind !== "head" && (
              <Button icon={<Copy size={14} />} onClick={() => ask("copy")}>
                Copy
              </Button>
            )}
            <Menu label="More about this entry" align="end" trigger={<Button>More</Button>}>
              {own && e.published && e.draft && (
                <MenuItem icon={<Undo2 size={15} />} onSelect={() => revert.mutate(undefined)}>
                  As published
                </MenuItem>
              )}
              {own && e.built_in && (
                <MenuItem icon={<RotateCcw size={15} />} onSelect={() => drop.mutate(undefined)}>
                  As built in
                </MenuItem>
              )}
              {!removed && e.kind !== "head" && (
                <MenuItem icon={<Trash2 size={15} />} danger onSelect={() => ask("remove")}>
                  Remove from the library
                </MenuItem>
              )}
            </Menu>
          </>
        )
      }
    >
      <div className="grid gap-5 xl:grid-cols-[minmax(0,1fr)_18rem]">
        <div className="min-w-0">
          <Tabs
            value={tabs.some((t) => t.value === search.tab) ? search.tab! : "text"}
            onChange={(v) => set({ tab: v === "text" ? undefined : v })}
            tabs={tabs}
          />
        </div>
        <aside className="grid content-start gap-4">
          {(e.names ?? []).length > 0 && (
            <Section title="What it names">
              <Uses of={e.names ?? []} text={(u) => `${kinds[u.kind].one.toLowerCase()} ${does[u.how]}`} />
            </Section>
          )}
          <Section title="Where it is used">
            {(e.used_by ?? []).length === 0 ? (
              <p className="text-soft text-sm">{e.kind === "rule" ? "Rules are asked for every model." : "Nothing names it."}</p>
            ) : (
              <Uses of={e.used_by ?? []} text={(u) => `${kinds[u.kind].one.toLowerCase()} ${how[u.how]}`} />
            )}
          </Section>
        </aside>
      </div>
      <Confirm
        open={asking === "remove"}
        onClose={() => ask(undefined)}
        title={`Remove “${e.title}” from the library?`}
        about={
          e.built_in || e.published
            ? "Once published, what it brought is retired in each product's next plan. It can be brought back at any time."
            : "It was never published, and goes from the draft."
        }
        verb="Remove"
        submit={async () => {
          if (!e.built_in && !e.published && own) {
            // First away from here, where an entry that is gone would be asked for again.
            await navigate({ to: "/library" });
            await drop.mutateAsync(undefined);
          } else await remove.mutateAsync(undefined);
        }}
      />
      <CopyEntry
        entry={e}
        open={asking === "copy"}
        onClose={() => ask(undefined)}
        done={(ref) => {
          void cache.invalidateQueries({ queryKey: entryQuery(e.kind, ref).queryKey });
          void navigate({ to: "/library/$kind/$ref", params: { kind: e.kind, ref } });
        }}
      />
    </Place>
  );
}

type Use = NonNullable<Entry["used_by"]>[number];

/** Uses are entries that one goes by or that go by it, with how. */
function Uses({ of, text }: { of: Use[]; text: (u: Use) => string }) {
  return (
    <ul className="grid gap-1.5">
      {of.map((u) => (
        <li key={`${u.kind}/${u.ref}/${u.how}`} className="text-sm">
          <Link to="/library/$kind/$ref" params={{ kind: u.kind, ref: u.ref }} className="link">
            <bdi>{u.title}</bdi>
          </Link>{" "}
          <span className="text-soft text-xs">{text(u)}</span>
        </li>
      ))}
    </ul>
  );
}

function CopyEntry({ entry: e, open, onClose, done }: { entry: Entry; open: boolean; onClose: () => void; done: (ref: string) => void }) {
  const [name, setName] = useState(`${e.title} (copy)`);
  const [own, setOwn] = useState<string>();
  const ref = own ?? (name === `${e.title} (copy)` ? `${e.ref}-copy` : slug(name));
  const copy = useChange(undefined, () =>
    ok(api.POST("/library/entries/{kind}/{ref}/copy", { params: { path: { kind: e.kind, ref: e.ref } }, body: { ref, name: name.trim() } })),
  );
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title={`Copy “${e.title}”`}
      about="The copy is an entry of your own. The one that is copied stays as it is."
      verb="Copy"
      submit={async () => {
        await copy.mutateAsync(undefined);
        done(ref);
      }}
    >
      {(problem) => (
        <>
          <Field label="Name of the copy" error={problem?.field("name")}>
            <Input required value={name} onChange={(x) => setName(x.target.value)} maxLength={200} autoFocus />
          </Field>
          <Field
            label="Ref of the copy"
            hint="Lower case letters, digits and hyphens. It is the entry's identity: another ref is another entry."
            error={problem?.field("ref")}
          >
            <Input required value={ref} pattern="[a-z0-9]+(-[a-z0-9]+)*" onChange={(x) => setOwn(x.target.value)} />
          </Field>
        </>
      )}
    </FormDialog>
  );
}
