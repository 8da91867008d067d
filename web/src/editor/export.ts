import { asBand, type Band, bandNames } from "../ui/rating";
import { smooth } from "./flows";
import { along, around, aroundPoints, grown, lanes, lineOf, meetings, outline, pathOf, polyline } from "./geometry";
import { boxAt, drawnOf, listOf, type State } from "./store";
import { type Box, boxOf, keyOf, type Point } from "./types";

/* The colours of the light theme: a picture is looked at on paper and in documents. */
const ink = { text: "#17191f", soft: "#565d6d", line: "#858c9b", surface: "#ffffff", accent: "#4a3fd1", zone: "#f6f5fe" };
const bandInk: Record<Band, string> = { low: "#14713f", medium: "#7d5a00", high: "#a84300", critical: "#b3132f", unrated: "#565d6d" };
const steps: Record<Band, number> = { unrated: 0, low: 1, medium: 2, high: 3, critical: 4 };

const esc = (s: string) =>
  s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!).replace(/(?![\t\n\r])\p{Cc}/gu, "");
const r = (v: number) => String(Math.round(v * 10) / 10);

/** wrapped breaks a name into lines that fit a width, as nearly as can be told without measuring. */
function wrapped(text: string, width: number, size: number, most: number): string[] {
  const fits = Math.max(4, Math.floor(width / (size * 0.54)));
  const lines: string[] = [];
  for (const part of text.split("\n")) {
    let line = "";
    for (const word of part.split(/\s+/)) {
      if (line && line.length + 1 + word.length > fits) {
        lines.push(line);
        line = word;
      } else line = line ? `${line} ${word}` : word;
    }
    lines.push(line);
  }
  const cut = lines.slice(0, most).map((l) => (l.length > fits ? `${l.slice(0, fits - 1)}…` : l));
  if (lines.length > most && cut.length > 0) cut[most - 1] = `${cut[most - 1]!.slice(0, fits - 1)}…`;
  return cut;
}

function lines(text: string[], x: number, y: number, size: number, more: string): string {
  return text.map((t, i) => `<text x="${r(x)}" y="${r(y + i * size * 1.3)}" font-size="${size}" ${more}>${esc(t)}</text>`).join("");
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
  const frame: Box = { ...grown(all, 36), y: all.y - 76, h: all.h + 112 };
  const out: string[] = [];
  const zones = items.filter((i) => i.kind === "zones").sort((a, b) => area(b.value.box) - area(a.value.box));
  for (const z of zones) {
    const b = z.value.box;
    if (!b) continue;
    out.push(
      `<rect x="${r(b.x)}" y="${r(b.y)}" width="${r(b.w)}" height="${r(b.h)}" rx="10" fill="${ink.zone}" stroke="${ink.line}" stroke-width="2" stroke-dasharray="6 4"/>`,
    );
    out.push(
      lines(
        wrapped(`${z.value.name} · trust ${z.value.trust}${z.value.guess ? " (assumed)" : ""}`, b.w - 20, 12, 1),
        b.x + 10,
        b.y + 19,
        12,
        `font-weight="600" fill="${ink.accent}"`,
      ),
    );
  }
  for (const c of items) {
    if (c.kind !== "curves" || !c.value.points?.length) continue;
    const top = c.value.points.reduce((a, b) => (b.y < a.y ? b : a));
    out.push(`<path d="${smooth(c.value.points)}" fill="none" stroke="${ink.line}" stroke-width="2" stroke-dasharray="8 6"/>`);
    if (c.value.name) out.push(lines([c.value.name], top.x + 6, top.y - 6, 12, `font-weight="600" fill="${ink.accent}" ${halo}`));
  }
  const labels: string[] = [];
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
    for (const id of crosses) {
      const i = s.doc.now.get(id);
      const border = i?.kind === "zones" ? i.value.box && outline(i.value.box) : i?.kind === "curves" ? i.value.points : undefined;
      for (const m of border ? meetings(way, border) : []) {
        out.push(
          `<g transform="translate(${r(m.x)} ${r(m.y)}) rotate(${r((m.angle * 180) / Math.PI)})"><rect x="-5" y="-8" width="10" height="16" fill="#ffffff"/><path d="M-2.5 -8V8M2.5 -8V8" stroke="${colour}" stroke-width="2"/></g>`,
        );
      }
    }
    const mid = along(way, 0.5);
    if (f.name) {
      const name = f.name.length > 48 ? `${f.name.slice(0, 47)}…` : f.name;
      labels.push(lines([name], mid.x, mid.y - 7, 12, `text-anchor="middle" fill="${ink.text}" ${halo}`));
    }
    if (band && facts?.threats)
      labels.push(
        `<g><title>${facts.threats} open, ${bandNames[band].toLowerCase()}</title>${bars(band, mid.x - 14, mid.y + 5)}${lines([String(facts.threats)], mid.x + 3, mid.y + 15, 11, `font-weight="600" fill="${bandInk[band]}" ${halo}`)}</g>`,
      );
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
    const name = wrapped(c.value.name, b.w - (band ? 48 : 24), 13, Math.max(1, Math.floor((b.h - 8) / 17)));
    out.push(
      lines(
        name,
        b.x + 14,
        b.y + b.h / 2 - ((name.length - 1) * 17) / 2 + 4.5,
        13,
        `font-weight="500" fill="${c.value.out_of_scope ? ink.soft : ink.text}"`,
      ),
    );
    if (band && facts?.threats)
      out.push(
        bars(band, b.x + b.w - 22, b.y + b.h / 2 - 12),
        lines([String(facts.threats)], b.x + b.w - 16, b.y + b.h / 2 + 12, 11, `text-anchor="middle" font-weight="600" fill="${bandInk[band]}"`),
      );
    out.push("</g>");
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${r(frame.w)}" height="${r(frame.h)}" viewBox="${r(frame.x)} ${r(frame.y)} ${r(frame.w)} ${r(frame.h)}" font-family="'Geist Variable', 'Segoe UI', Roboto, Helvetica, Arial, sans-serif" role="img"><title>${esc(title)}</title><rect x="${r(frame.x)}" y="${r(frame.y)}" width="${r(frame.w)}" height="${r(frame.h)}" fill="#ffffff"/>${lines([title], frame.x + 24, frame.y + 34, 18, `font-weight="600" fill="${ink.text}"`)}${out.join("")}${labels.join("")}</svg>`;
  return { svg, w: frame.w, h: frame.h };
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
