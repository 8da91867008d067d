import type { Column } from "../../ui/table";
import { plural, word } from "../../ui/words";
import { type Clause, statuses } from "./data";
import { ClauseStatus } from "./marks";

/** clauseColumns are the columns of the table of a standard's clauses; the level only where there are some. */
export function clauseColumns(levels: boolean): Column<Clause>[] {
  const all: (Column<Clause> | false)[] = [
    {
      id: "id",
      name: "Clause",
      width: "5.5rem",
      narrow: "below",
      sort: (c) => c.id,
      text: (c) => c.id,
      cell: (c) => <bdi className="num whitespace-nowrap text-soft">{c.id}</bdi>,
    },
    {
      id: "title",
      name: "What it asks",
      width: "minmax(14rem,5fr)",
      narrow: "title",
      text: (c) => c.title,
      cell: (c) => (
        <bdi className="line-clamp-2" title={c.title}>
          {c.title}
        </bdi>
      ),
    },
    levels && {
      id: "level",
      name: "Level",
      width: "4rem",
      narrow: "hide",
      sort: (c) => c.level,
      text: (c) => c.level,
      cell: (c) => <span className="num text-soft">{c.level}</span>,
    },
    {
      id: "status",
      name: "Status",
      width: "8.5rem",
      narrow: "end",
      sort: (c) => statuses.indexOf(c.status),
      text: (c) => word(c.status),
      cell: (c) => <ClauseStatus status={c.status} />,
    },
    {
      id: "served",
      name: "Served by",
      width: "minmax(9rem,3fr)",
      sort: (c) => -(c.countermeasures ?? []).length,
      text: (c) => (c.countermeasures ?? []).map((m) => `${m.title} at ${m.where_name} (${word(m.state)})`).join("; "),
      cell: (c) => <Served of={c} />,
    },
    {
      id: "evidence",
      name: "Evidence",
      width: "0",
      hidden: true,
      text: (c) =>
        evident(c)
          .map((m) => m.evidence)
          .join("; "),
      cell: () => null,
    },
    {
      id: "evidence-of",
      name: "Evidence of",
      width: "0",
      hidden: true,
      text: (c) =>
        evident(c)
          .map((m) => `${m.title} at ${m.where_name}: ${word(m.verdict)}${m.stale ? ", out of date" : ""}`)
          .join("; "),
      cell: () => null,
    },
  ];
  return all.filter((c) => c !== false);
}

/** evident are the countermeasures of a clause that have evidence, in the order of both columns on it. */
const evident = (c: Clause) => (c.countermeasures ?? []).filter((m) => m.evidence);

function Served({ of: c }: { of: Clause }) {
  const here = c.countermeasures ?? [];
  if (here.length === 0) {
    const n = (c.library ?? []).length;
    return <span className="text-soft text-xs">{n > 0 ? `Nothing here; the library knows ${plural(n, "way")}` : "Nothing here"}</span>;
  }
  return (
    <span className="flex min-w-0 items-baseline gap-1.5 text-xs">
      <bdi className="truncate" title={here[0]!.title}>
        {here[0]!.title}
      </bdi>
      {here.length > 1 && <span className="num shrink-0 text-soft">+{here.length - 1}</span>}
    </span>
  );
}
