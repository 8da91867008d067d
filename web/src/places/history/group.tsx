import { Bot, History as Clock, FlaskConical, Globe, RotateCcw, Ticket, Webhook } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Avatar, Disclosure } from "../../ui/parts";
import { dateTime } from "../../ui/time";
import { word } from "../../ui/words";
import { differences, type Titles } from "../product/difference";
import { type Change, type Group, headline, verb } from "./groups";
import { restorable } from "./restore";

const sources: Record<string, { icon: typeof Bot; text: string }> = {
  api: { icon: Bot, text: "over the interface" },
  web: { icon: Globe, text: "on the page" },
  webhook: { icon: Webhook, text: "told by the tracker" },
  tracker: { icon: Ticket, text: "by the tracker" },
  test: { icon: FlaskConical, text: "by test results" },
  system: { icon: Clock, text: "by itself" },
};

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const people = (g: Group) => g.actor.startsWith("usr_");

interface Saying {
  titles?: Titles;
  restore?: (c: Change) => void;
  busy: boolean;
}

/** GroupRow is what one request did: who, when, what, and each change in words. */
export function GroupRow({ group: g, ...rest }: { group: Group } & Saying) {
  const source = sources[g.source] ?? { icon: Bot, text: `by ${g.source}` };
  const Icon = source.icon;
  return (
    <li className="grid grid-cols-[1.5rem_minmax(0,1fr)_auto] gap-x-3 px-4 py-3 [contain-intrinsic-size:auto_72px] [content-visibility:auto]">
      {people(g) ? (
        <Avatar name={g.actorName} />
      ) : (
        <span aria-hidden className="grid size-5.5 place-items-center rounded-full bg-raised text-soft">
          <Icon size={13} />
        </span>
      )}
      <div className="min-w-0">
        <h3 className="text-sm">
          <bdi className="font-medium">{headline(g)}</bdi>
        </h3>
        <p className="text-soft text-xs">
          {people(g) && (
            <>
              <bdi>{g.actorName}</bdi>,{" "}
            </>
          )}
          {source.text}
        </p>
        <Changes group={g} {...rest} />
      </div>
      <time dateTime={g.at} title={dateTime(g.at)} className="num whitespace-nowrap text-soft text-xs leading-5">
        {clock.format(new Date(g.at))}
      </time>
    </li>
  );
}

const few = 12;

function Changes({ group: g, ...rest }: { group: Group } & Saying) {
  const [all, setAll] = useState(false);
  const single = g.changes.length === 1;
  // Links say least: they stand last.
  const changes = [...g.changes.filter((c) => c.kind !== "link"), ...g.changes.filter((c) => c.kind === "link")];
  const list = (
    <ul className="grid gap-2">
      {changes.slice(0, all ? undefined : few).map((c) => (
        <ChangeRow key={`${c.action} ${c.kind} ${c.id}`} change={c} named={!single} {...rest} />
      ))}
      {g.changes.length > few && !all && (
        <li>
          <Button look="ghost" size="sm" onClick={() => setAll(true)}>
            Show the other {g.changes.length - few}
          </Button>
        </li>
      )}
      {g.more > 0 && <li className="text-soft text-xs">{g.more.toLocaleString("en")} more changes of this request are not shown here.</li>}
    </ul>
  );
  if (single) return list;
  return (
    <Disclosure summary={<span className="py-0.5 font-normal text-soft text-xs">{(g.changes.length + g.more).toLocaleString("en")} changes</span>}>
      {list}
    </Disclosure>
  );
}

function ChangeRow({ change: c, named, titles, restore, busy }: { change: Change; named: boolean } & Saying) {
  const news = !c.action.startsWith("model.") && !c.old;
  const list = (c.old && c.now) || news ? differences(c.old, c.now, titles) : [];
  return (
    <li className="text-sm">
      {named && (
        <p>
          <span className="text-soft">
            {verb(c.action)} {c.kind !== "product" && word(c.kind).toLowerCase()}{" "}
          </span>
          {c.kind !== "link" && <bdi>{c.name || (c.kind === "product" ? "" : c.id)}</bdi>}
        </p>
      )}
      {list.length > 0 && (
        <dl className="mt-1 grid gap-1 border-line border-s-2 ps-3">
          {list.map((d) => (
            <div key={d.field} className="flex flex-wrap items-baseline gap-x-2">
              <dt className="text-soft text-xs">{d.field}</dt>
              <dd className="min-w-0">
                {d.to === "moved" || news ? (
                  <bdi>{d.to}</bdi>
                ) : (
                  <>
                    <bdi className="text-soft line-through decoration-soft/60">{d.from}</bdi>
                    <span aria-hidden className="text-soft">
                      {" → "}
                    </span>
                    <span className="sr-only"> became </span>
                    <bdi>{d.to}</bdi>
                  </>
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {restore && restorable(c) && (
        <Button look="ghost" size="sm" className="-ms-2 mt-1" icon={<RotateCcw aria-hidden size={12} />} disabled={busy} onClick={() => restore(c)}>
          {c.now === undefined ? "Bring it back" : "Put the earlier state back"}
        </Button>
      )}
    </li>
  );
}
