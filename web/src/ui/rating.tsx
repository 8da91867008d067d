import { cx } from "./cx";

export type Band = "low" | "medium" | "high" | "critical" | "unrated";
export const bands: Band[] = ["critical", "high", "medium", "low", "unrated"];
export const bandNames: Record<Band, string> = { low: "Low", medium: "Medium", high: "High", critical: "Critical", unrated: "Unrated" };

const tone: Record<Band, string> = { low: "text-low", medium: "text-medium", high: "text-high", critical: "text-critical", unrated: "text-unrated" };
const ground: Record<Band, string> = {
  low: "bg-low-soft",
  medium: "bg-medium-soft",
  high: "bg-high-soft",
  critical: "bg-critical-soft",
  unrated: "bg-unrated-soft",
};
const steps: Record<Band, number> = { unrated: 0, low: 1, medium: 2, high: 3, critical: 4 };

/** asBand makes a band of the server's word for it. */
export function asBand(word: string | undefined): Band {
  return word === "low" || word === "medium" || word === "high" || word === "critical" ? word : "unrated";
}

/** bandOf is the band of a figure with the usual borders; the server's own word goes before it. */
export function bandOf(figure: number | undefined): Band {
  if (figure === undefined) return "unrated";
  return figure < 25 ? "low" : figure < 50 ? "medium" : figure < 75 ? "high" : "critical";
}

const fill: Record<Band, string> = {
  low: "text-low-fill",
  medium: "text-medium-fill",
  high: "text-high-fill",
  critical: "text-critical-fill",
  unrated: "text-unrated-fill",
};

/** bandFill colours areas and shapes (as the current colour); for text take bandTone. */
export const bandFill = (b: Band): string => fill[b];
export const bandTone = (b: Band): string => tone[b];
export const bandGround = (b: Band): string => ground[b];

/** Bars tells the band without colour: one to four bars, or a dashed line for unrated. */
export function Bars({ band, className }: { band: Band; className?: string }) {
  const n = steps[band];
  return (
    <svg aria-hidden viewBox="0 0 14 12" className={cx("h-3 w-3.5 shrink-0", fill[band], className)}>
      {n === 0 ? (
        <path d="M1 10h12" stroke="currentColor" strokeWidth="2" strokeDasharray="2.5 2.2" />
      ) : (
        [0, 1, 2, 3].map((i) => (
          <rect
            key={i}
            x={i * 3.6 + 0.2}
            y={8.5 - i * 2.6}
            width="2.6"
            height={3.5 + i * 2.6}
            rx="0.8"
            fill="currentColor"
            fillOpacity={i < n ? 1 : 0.22}
          />
        ))
      )}
    </svg>
  );
}

/** BandBadge is a band as a word on its colour, with the bars. */
export function BandBadge({ band, figure, className }: { band: Band; figure?: number; className?: string }) {
  return (
    <span
      className={cx(
        "num inline-flex h-5.5 items-center gap-1.5 whitespace-nowrap rounded-sm px-1.5 text-xs font-medium",
        tone[band],
        ground[band],
        className,
      )}
    >
      <Bars band={band} />
      {figure !== undefined && <span className="min-w-[2ch] text-end">{Math.round(figure)}</span>}
      <span>{bandNames[band]}</span>
    </span>
  );
}

/** Figure is a rating as a number with its bars; for the narrow columns of tables. */
export function Figure({ value, band, muted }: { value: number | undefined; band?: Band; muted?: boolean }) {
  const b = band ?? bandOf(value);
  return (
    <span className={cx("num inline-flex items-center gap-1.5 text-sm", muted ? "text-soft" : cx("font-medium", tone[b]))}>
      <Bars band={b} className={muted ? "opacity-60" : undefined} />
      <span className="min-w-[3ch] text-end">{value === undefined ? "–" : Math.round(value)}</span>
      <span className="sr-only">{bandNames[b]}</span>
    </span>
  );
}

/**
 * RatingBar draws the four ratings of one thing on the scale from 0 to 100:
 * projected <= current <= verified <= inherent. What lies between current and
 * verified is claimed and not proven, and is hatched.
 */
export function RatingBar({
  inherent,
  verified,
  current,
  projected,
  label,
}: {
  inherent: number;
  verified: number;
  current: number;
  projected: number;
  label?: string;
}) {
  const b = bandOf(current);
  const pct = (v: number) => `${Math.max(0, Math.min(100, v))}%`;
  return (
    <div
      role="img"
      aria-label={`${label ? `${label}: ` : ""}inherent ${Math.round(inherent)}, verified ${Math.round(verified)}, current ${Math.round(current)}, projected ${Math.round(projected)}`}
      className="relative h-2.5 w-full overflow-hidden rounded-full bg-sunken"
    >
      <div className="absolute inset-y-0 start-0 bg-control/30" style={{ width: pct(inherent) }} />
      <div className={cx("absolute inset-y-0 start-0 opacity-60 hatch", fill[b])} style={{ width: pct(verified) }} />
      <div className={cx("absolute inset-y-0 start-0 bg-current", fill[b])} style={{ width: pct(current) }} />
      <div className="absolute inset-y-0 w-0.5 bg-surface" style={{ insetInlineStart: pct(projected) }} />
    </div>
  );
}

/** Bandline shows how many there are per band, as one bar. */
export function Bandline({ counts, className }: { counts: Partial<Record<Band, number>>; className?: string }) {
  const total = bands.reduce((n, b) => n + (counts[b] ?? 0), 0);
  if (total === 0) return <span className="text-xs text-soft">none</span>;
  return (
    <span
      role="img"
      aria-label={bands
        .filter((b) => counts[b])
        .map((b) => `${counts[b]} ${bandNames[b].toLowerCase()}`)
        .join(", ")}
      className={cx("flex h-2 w-full gap-px overflow-hidden rounded-full", className)}
    >
      {bands.map((b) => (counts[b] ? <span key={b} className={cx("bg-current", fill[b])} style={{ flexGrow: counts[b] }} /> : null))}
    </span>
  );
}
