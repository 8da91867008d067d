const rel = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const brief = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const dayOnly = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** ago is a time as people say it: "5 minutes ago"; in few letters "5 min. ago". */
export function ago(at: string | Date | undefined, now = Date.now(), short = false): string {
  const said = short ? brief : rel;
  if (!at) return "never";
  const s = (new Date(at).getTime() - now) / 1000;
  const a = Math.abs(s);
  if (a < 45) return "just now";
  if (a < 3000) return said.format(Math.round(s / 60), "minute");
  if (a < 79_000) return said.format(Math.round(s / 3600), "hour");
  if (a < 2_400_000) return said.format(Math.round(s / 86_400), "day");
  if (a < 29_000_000) return said.format(Math.round(s / 2_629_800), "month");
  return said.format(Math.round(s / 31_557_600), "year");
}

export const dateTime = (at: string | Date): string => full.format(new Date(at));
export const date = (at: string | Date): string => dayOnly.format(new Date(at));

/** Ago shows how long ago something was, with the exact time as its title; short where there is little room. */
export function Ago({ at, className, short }: { at?: string; className?: string; short?: boolean }) {
  if (!at) return <span className={className ?? "text-soft"}>never</span>;
  return (
    <time dateTime={at} title={dateTime(at)} className={className}>
      {ago(at, undefined, short)}
    </time>
  );
}
