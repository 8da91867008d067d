import { asBand, type Band, bandNames } from "../ui/rating";
import { smooth } from "./flows";
import { along, around, aroundPoints, grown, labelOf, lanes, lineOf, meetings, outline, pathOf, polyline } from "./geometry";
import { namePlaces } from "./names";
import { boxAt, drawnOf, listOf, type State } from "./store";
import { type Box, boxOf, keyOf, type Point } from "./types";

/* The colours of the light theme: a picture is looked at on paper and in documents. */
const ink = { text: "#17191f", soft: "#565d6d", line: "#858c9b", surface: "#ffffff", accent: "#4a3fd1", zone: "#f6f5fe" };
const bandInk: Record<Band, string> = { low: "#14713f", medium: "#7d5a00", high: "#a84300", critical: "#b3132f", unrated: "#565d6d" };
const steps: Record<Band, number> = { unrated: 0, low: 1, medium: 2, high: 3, critical: 4 };

const esc = (s: string) =>
  s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!).replace(/(?![\t\n\r])\p{Cc}/gu, "");
const r = (v: number) => String(Math.round(v * 10) / 10);

const family = "'Geist Variable', 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
/** Other viewers have other fonts, up to so much wider than ours. */
const slack = 1.14;

let pen: OffscreenCanvasRenderingContext2D | null | undefined;

/** widthOf is how wide a line of text is drawn; an estimate where there is no browser. */
function widthOf(text: string, size: number, weight = 400): number {
  pen ??= typeof OffscreenCanvas === "undefined" ? null : new OffscreenCanvas(1, 1).getContext("2d");
  if (!pen) return [...text].reduce((w, c) => w + (c > "\u2e80" ? 1 : 0.58), 0) * size;
  pen.font = `${weight} ${size}px ${family}`;
  return pen.measureText(text).width * slack;
}

/** shortened cuts a line that is wider than there is room. */
function shortened(text: string, width: number, size: number, weight?: number): string {
  if (widthOf(text, size, weight) <= width) return text;
  const all = [...text];
  let fits = 0;
  for (let over = all.length; over - fits > 1; ) {
    const n = (fits + over) >> 1;
    if (widthOf(`${all.slice(0, n).join("")}…`, size, weight) <= width) fits = n;
    else over = n;
  }
  return `${all.slice(0, fits).join("").trimEnd()}…`;
}

/** wrapped breaks a name into lines that fit a width, at spaces, and within a word that is too long by itself. */
export function wrapped(text: string, width: number, size: number, most: number, weight?: number): string[] {
  const lines: string[] = [];
  for (const part of text.split("\n")) {
    let line = "";
    for (const word of part.split(/\s+/)) {
      const longer = line ? `${line} ${word}` : word;
      if (widthOf(longer, size, weight) <= width) {
        line = longer;
        continue;
      }
      if (line) lines.push(line);
      line = "";
      for (const c of word) {
        if (line && widthOf(line + c, size, weight) > width) {
          lines.push(line);
          line = "";
        }
        line += c;
      }
      if (lines.length > most) break;
    }
    lines.push(line);
    if (lines.length > most) break;
  }
  if (lines.length > most) lines.splice(most - 1, lines.length, shortened(`${lines[most - 1]}…`, width, size, weight));
  return lines;
}

/** lines writes text line by line. A name in a script that is written from the right is laid out as such. */
function lines(text: string[], x: number, y: number, size: number, more: string): string {
  return text
    .map((t, i) => `<text x="${r(x)}" y="${r(y + i * size * 1.3)}" font-size="${size}" unicode-bidi="plaintext" ${more}>${esc(t)}</text>`)
    .join("");
}

const halo = `paint-order="stroke" stroke="#ffffff" stroke-width="4" stroke-linejoin="round"`;

function bars(band: Band, x: number, y: number): string {
  return [0, 1, 2, 3]
    .map(
      (i) =>
        `<rect x="${r(x + i * 3.4)}" y="${r(y + 7 - i * 2.2)}" width="2.4" height="${r(3 + i * 2.2)}" fill="${bandInk[band]}"${i < steps[band] ? "" : ` opacity="0.25"`}/>`,
    )
    .join("");
}

/** svgOf writes a drawing, or what is chosen of it, as a picture that needs nothing else. */
export function svgOf(s: State, chosen?: ReadonlySet<string>): { svg: string; w: number; h: number } {
  const items = drawnOf(s.doc).filter((i) => !chosen || chosen.has(i.id));
  const flows = listOf(s.doc, "flows").filter((f) => !chosen || chosen.has(f.id) || (f.from && f.to && chosen.has(f.from) && chosen.has(f.to)));
  const lane = lanes(listOf(s.doc, "flows"));
  const partOf = namePlaces(s.doc.now);
  const ways = flows.flatMap((f) => {
    const line = lineOf(f, boxAt(s, f.from), boxAt(s, f.to), lane.get(f.id));
    return line ? [{ f, line }] : [];
  });
  const all = around([
    ...items.map(boxOf).filter((b) => !!b),
    ...items.map((i) => (i.kind === "curves" ? aroundPoints(i.value.points ?? []) : undefined)).filter((b) => !!b),
    ...ways.map(({ line }) => aroundPoints(line.points)!),
  ]) ?? { x: 0, y: 0, w: 200, h: 100 };
  const diagram = s.diagram ? s.doc.now.get(keyOf("diagrams", s.diagram)) : undefined;
  const title = diagram?.kind === "diagrams" ? diagram.value.title : "Diagram";
  const out: string[] = [];
  // What is written beside the elements is part of the picture too.
  const written: Box[] = [];
  const beside = (text: string, x: number, y: number, anchor: 0 | 0.5) => {
    const w = widthOf(text, 12, 600);
    written.push({ x: x - w * anchor, y: y - 12, w, h: 16 });
  };
  // What is written lies above what is drawn: no flow goes through a title or a name.
  const labels: string[] = [];
  const shown = new Set<Band>();
  let crossed = false;
  const zones = items.filter((i) => i.kind === "zones").sort((a, b) => area(b.value.box) - area(a.value.box));
  for (const z of zones) {
    const b = z.value.box;
    if (!b) continue;
    out.push(
      `<rect x="${r(b.x)}" y="${r(b.y)}" width="${r(b.w)}" height="${r(b.h)}" rx="10" fill="${ink.zone}" stroke="${ink.line}" stroke-width="2" stroke-dasharray="6 4"/>`,
    );
    labels.push(
      lines(
        [shortened(`${z.value.name} · trust ${z.value.trust}${z.value.guess ? " (assumed)" : ""}`, b.w - 20, 12, 600)],
        b.x + 10,
        b.y + 19,
        12,
        `font-weight="600" fill="${ink.accent}" paint-order="stroke" stroke="${ink.zone}" stroke-width="4" stroke-linejoin="round"`,
      ),
    );
  }
  for (const c of items) {
    if (c.kind !== "curves" || !c.value.points?.length) continue;
    const top = c.value.points.reduce((a, b) => (b.y < a.y ? b : a));
    out.push(`<path d="${smooth(c.value.points)}" fill="none" stroke="${ink.line}" stroke-width="2" stroke-dasharray="8 6"/>`);
    if (c.value.name) {
      const name = shortened(c.value.name, 320, 12, 600);
      beside(name, top.x + 6, top.y - 6, 0);
      labels.push(lines([name], top.x + 6, top.y - 6, 12, `font-weight="600" fill="${ink.accent}" ${halo}`));
    }
  }
  for (const { f, line } of ways) {
    const facts = s.facts[f.id];
    const band = facts?.band && !f.out_of_scope ? asBand(facts.band) : undefined;
    const colour = band ? bandInk[band] : ink.line;
    const way = polyline(line);
    const crosses = facts?.crosses ?? [];
    out.push(
      `<path d="${pathOf(line)}" fill="none" stroke="${colour}" stroke-width="${crosses.length ? 2.75 : 1.5}"${f.out_of_scope ? ` stroke-dasharray="4 4"` : ""}/>`,
    );
    out.push(head(way, colour));
    if (f.bidirectional) out.push(head([...way].reverse(), colour));
    if (crosses.length > 0) crossed = true;
    for (const id of crosses) {
      const i = s.doc.now.get(id);
      const border = i?.kind === "zones" ? i.value.box && outline(i.value.box) : i?.kind === "curves" ? i.value.points : undefined;
      for (const m of border ? meetings(way, border) : []) {
        out.push(
          `<g transform="translate(${r(m.x)} ${r(m.y)}) rotate(${r((m.angle * 180) / Math.PI)})"><rect x="-5" y="-8" width="10" height="16" fill="#ffffff"/><path d="M-2.5 -8V8M2.5 -8V8" stroke="${colour}" stroke-width="2"/></g>`,
        );
      }
    }
    const part = partOf(f.id);
    const mid = along(way, part);
    if (f.name) {
      const label = labelOf(f.name, way, [boxAt(s, f.from), boxAt(s, f.to)], part);
      label.lines.forEach((l, i) => {
        beside(l, label.x, label.y + i * 15.6, 0.5);
      });
      labels.push(lines(label.lines, label.x, label.y, 12, `text-anchor="middle" fill="${ink.text}" ${halo}`));
    }
    if (band && facts?.threats) {
      shown.add(band);
      written.push({ x: mid.x - 14, y: mid.y, w: 40, h: 20 });
      labels.push(
        `<g><title>${facts.threats} open, ${bandNames[band].toLowerCase()}</title><rect x="${r(mid.x - 18)}" y="${r(mid.y + 4)}" width="${r(26 + widthOf(String(facts.threats), 11, 600))}" height="15" rx="4" fill="#ffffff" stroke="${bandInk[band]}" stroke-opacity="0.5"/>${bars(band, mid.x - 14, mid.y + 6)}${lines([String(facts.threats)], mid.x + 3, mid.y + 15, 11, `font-weight="600" fill="${bandInk[band]}" ${halo}`)}</g>`,
      );
    }
  }
  for (const c of items) {
    if (c.kind === "texts" && c.value.box) {
      out.push(
        lines(
          wrapped(c.value.text, c.value.box.w - 8, 13, Math.max(1, Math.floor(c.value.box.h / 16))),
          c.value.box.x + 6,
          c.value.box.y + 16,
          13,
          `fill="${ink.soft}"`,
        ),
      );
      continue;
    }
    if (c.kind !== "components" || !c.value.box) continue;
    const b = c.value.box;
    const facts = s.facts[c.id];
    const band = facts?.band && !c.value.out_of_scope ? asBand(facts.band) : undefined;
    const dash = c.value.out_of_scope ? ` stroke-dasharray="5 4"` : "";
    const rect = (rx: number, w: number) =>
      `<rect x="${r(b.x)}" y="${r(b.y)}" width="${r(b.w)}" height="${r(b.h)}" rx="${rx}" fill="${ink.surface}" stroke="${ink.line}" stroke-width="${w}"${dash}/>`;
    out.push(`<g><title>${esc(c.value.name)}</title>`);
    if (c.value.kind === "store") {
      out.push(`<rect x="${r(b.x)}" y="${r(b.y)}" width="${r(b.w)}" height="${r(b.h)}" fill="${ink.surface}"/>`);
      for (const y of [b.y, b.y + 3.5, b.y + b.h - 3.5, b.y + b.h]) out.push(`<path d="M${r(b.x)} ${r(y)}h${r(b.w)}" stroke="${ink.line}"${dash}/>`);
    } else out.push(rect(c.value.kind === "process" ? 18 : 2, c.value.kind === "actor" ? 1.5 : 1));
    if (band) {
      const inset = c.value.kind === "process" ? 14 : 0;
      out.push(`<rect x="${r(b.x)}" y="${r(b.y + inset)}" width="5" height="${r(b.h - 2 * inset)}" fill="${bandInk[band]}"/>`);
    }
    const name = wrapped(c.value.name, b.w - (band ? 42 : 24), 13, Math.max(1, Math.floor((b.h - 8) / 17)), 500);
    out.push(
      lines(
        name,
        b.x + 14,
        b.y + b.h / 2 - ((name.length - 1) * 17) / 2 + 4.5,
        13,
        `font-weight="500" fill="${c.value.out_of_scope ? ink.soft : ink.text}"`,
      ),
    );
    if (band && facts?.threats) {
      shown.add(band);
      out.push(
        bars(band, b.x + b.w - 22, b.y + b.h / 2 - 12),
        lines([String(facts.threats)], b.x + b.w - 16, b.y + b.h / 2 + 12, 11, `text-anchor="middle" font-weight="600" fill="${bandInk[band]}"`),
      );
    }
    out.push("</g>");
  }
  const key = legend([...shown], crossed);
  const heading = shortened(title, 900, 18, 600);
  const body = around([all, ...written])!;
  const frame: Box = { ...grown(body, 36), y: body.y - 76, h: body.h + 112 + (key ? 34 : 0) };
  // The text keeps the room beside it that the drawing has.
  frame.w = Math.max(frame.w, 48 + widthOf(heading, 18, 600), key ? 48 + key.w : 0);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${r(frame.w)}" height="${r(frame.h)}" viewBox="${r(frame.x)} ${r(frame.y)} ${r(frame.w)} ${r(frame.h)}" font-family="${family}" role="img"><title>${esc(title)}</title><rect x="${r(frame.x)}" y="${r(frame.y)}" width="${r(frame.w)}" height="${r(frame.h)}" fill="#ffffff"/>${lines([heading], frame.x + 24, frame.y + 34, 18, `font-weight="600" fill="${ink.text}"`)}${out.join("")}${labels.join("")}${key ? key.at(frame.x + 24, frame.y + frame.h - 24) : ""}</svg>`;
  return { svg, w: frame.w, h: frame.h };
}

/** legend says what colours, bars and marks of a picture mean; none where there is nothing to explain. */
function legend(shown: Band[], crossed: boolean): { w: number; at: (x: number, y: number) => string } | undefined {
  const entries = shown
    .sort((a, b) => steps[b] - steps[a])
    .map((band) => ({ mark: (x: number, y: number) => bars(band, x, y - 10), room: 18, text: bandNames[band] }));
  if (entries.length > 0)
    entries.push({ mark: (x, y) => lines(["3"], x, y, 11, `font-weight="600" fill="${ink.soft}"`), room: 12, text: "open threats" });
  if (crossed)
    entries.push({
      mark: (x, y) =>
        `<path d="M${r(x)} ${r(y - 4)}h18" stroke="${ink.line}" stroke-width="2.75"/><rect x="${r(x + 5)}" y="${r(y - 10)}" width="8" height="12" fill="#ffffff"/><path d="M${r(x + 6.5)} ${r(y - 10)}v12M${r(x + 11.5)} ${r(y - 10)}v12" stroke="${ink.line}" stroke-width="2"/>`,
      room: 24,
      text: "crosses a trust boundary",
    });
  if (entries.length === 0) return undefined;
  const gap = 22;
  const width = (e: (typeof entries)[number]) => e.room + widthOf(e.text, 11) + gap;
  return {
    w: entries.reduce((w, e) => w + width(e), -gap),
    at: (x, y) => {
      let left = x;
      return entries
        .map((e) => {
          const one = e.mark(left, y) + lines([e.text], left + e.room, y, 11, `fill="${ink.soft}"`);
          left += width(e);
          return one;
        })
        .join("");
    },
  };
}

const area = (b: Box | undefined) => (b ? b.w * b.h : 0);

function head(way: readonly Point[], colour: string): string {
  const z = way.at(-1)!;
  const y = way.at(-2) ?? z;
  const a = Math.atan2(z.y - y.y, z.x - y.x);
  const at = (turn: number) => `${r(z.x - Math.cos(a + turn) * 11)} ${r(z.y - Math.sin(a + turn) * 11)}`;
  return `<path d="M${r(z.x)} ${r(z.y)}L${at(0.42)}L${at(-0.42)}Z" fill="${colour}"/>`;
}

/** pngOf makes a picture of pixels of it, twice as fine; smaller where the browser could not hold it. */
export async function pngOf(s: State, chosen?: ReadonlySet<string>): Promise<Blob> {
  const { svg, w, h } = svgOf(s, chosen);
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    await new Promise((done, failed) => {
      image.onload = done;
      image.onerror = () => failed(new Error("The picture could not be drawn."));
      image.src = url;
    });
    const scale = Math.min(2, 16_000 / w, 16_000 / h, Math.sqrt(120e6 / (w * h)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(w * scale);
    canvas.height = Math.round(h * scale);
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, failed) =>
      canvas.toBlob((b) => (b ? done(b) : failed(new Error("The picture is too large for this browser; export SVG instead."))), "image/png"),
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** save hands a file to the person. */
export function save(name: string, blob: Blob): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(blob);
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

export async function saveDrawing(s: State, kind: "svg" | "png", selectionOnly: boolean): Promise<void> {
  const chosen = selectionOnly ? s.selection : undefined;
  const diagram = s.diagram ? s.doc.now.get(keyOf("diagrams", s.diagram)) : undefined;
  const title = (diagram?.kind === "diagrams" && diagram.value.title) || "diagram";
  const name = `${
    title
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-|-$/g, "")
      .toLowerCase() || "diagram"
  }.${kind}`;
  save(name, kind === "svg" ? new Blob([svgOf(s, chosen).svg], { type: "image/svg+xml" }) : await pngOf(s, chosen));
}
