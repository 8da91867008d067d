import { Fragment, type ReactNode } from "react";

/** spans writes `code` and **strong** words of a line. */
function spans(text: string): ReactNode[] {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part, i) => {
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) {
      return (
        <code key={`${i}-${part}`} className="-mx-0.5 rounded-sm bg-raised px-0.5 text-xs">
          {part.slice(1, -1)}
        </code>
      );
    }
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) {
      return (
        <strong key={`${i}-${part}`} className="font-medium">
          {part.slice(2, -2)}
        </strong>
      );
    }
    return <Fragment key={`${i}-${part}`}>{part}</Fragment>;
  });
}

/** blocks takes a library's text apart: paragraphs, whose lines are joined, and lists. */
export function blocks(text: string): { list: boolean; lines: string[] }[] {
  const out: { list: boolean; lines: string[] }[] = [];
  for (const paragraph of text.trim().split(/\n\s*\n/)) {
    let last: { list: boolean; lines: string[] } | undefined;
    for (const raw of paragraph.split("\n")) {
      const line = raw.trim();
      const item = /^[-*] +(.*)$/.exec(line);
      if (item) {
        if (!last?.list) {
          last = { list: true, lines: [] };
          out.push(last);
        }
        last.lines.push(item[1]!);
      } else if (last && last.lines.length > 0) {
        last.lines[last.lines.length - 1] += ` ${line}`;
      } else {
        last = { list: false, lines: [line] };
        out.push(last);
      }
    }
  }
  return out;
}

/** Light shows a text of the library: paragraphs, lists, code and strong words, nothing else. */
export function Light({ text }: { text: string }) {
  return (
    <div className="grid gap-2 text-sm">
      {blocks(text).map((b, i) =>
        b.list ? (
          <ul key={`${i}-list`} className="grid list-disc gap-1 ps-4.5">
            {b.lines.map((l) => (
              <li key={l}>{spans(l)}</li>
            ))}
          </ul>
        ) : (
          <p key={`${i}-text`}>{spans(b.lines[0] ?? "")}</p>
        ),
      )}
    </div>
  );
}
