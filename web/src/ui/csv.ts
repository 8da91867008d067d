import type { Column } from "./table";

/** csv writes rows as a spreadsheet reads them; what would run there as a formula is made text. */
export function csv<T>(rows: T[], columns: Column<T>[]): string {
  const cell = (v: string | number | undefined) => {
    if (typeof v === "number") return String(v);
    let s = v ?? "";
    if (/^[=+\-@\t\r]/.test(s)) s = `'${s}`;
    return /[",\n\r]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s;
  };
  const out = columns.filter((c) => c.text);
  const lines = [out.map((c) => cell(c.name)), ...rows.map((r) => out.map((c) => cell(c.text?.(r))))];
  return `${lines.map((l) => l.join(",")).join("\r\n")}\r\n`;
}

/** save gives a person a file. */
export function save(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
