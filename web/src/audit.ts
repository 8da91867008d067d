import { count, h, when, words } from "./dom";
import { call, type AuditRow, type Page, type Product } from "./rest";
import { button, empty, table, type Row } from "./ui";

const lengths = new Map<string, number>(); // how many rows a person asked for

/** audit is the trail of a product, newest first, with the proof that it is whole. */
export async function audit(p: Product): Promise<Node[]> {
  const want = lengths.get(p.id) ?? 100;
  const rows: AuditRow[] = [];
  let cursor = "";
  do {
    const page: Page<AuditRow> = await call("GET", `/products/${p.id}/audit?limit=100${cursor && "&cursor=" + encodeURIComponent(cursor)}`);
    rows.push(...(page.items ?? []));
    cursor = page.next ?? "";
  } while (cursor && rows.length < want);
  const check = await call<{ whole: boolean; rows: number; text?: string }>("GET", `/products/${p.id}/audit/check`);
  if (rows.length === 0) return [empty("Nothing recorded yet", "Every change appears here with who made it.")];
  return [
    h("p", { class: check.whole ? "proof good" : "proof bad" }, check.whole ? `The trail is whole: ${count(check.rows, "row")}, each sealed with the one before.` : `The trail is not whole: ${check.text ?? "a row does not fit the one before"}`),
    table(
      "Audit trail",
      ["What", "Who", "By way of", "Object", "When", "No."],
      rows.map((a): Row => ({
        key: `audit-${a.seq}`,
        cells: [h("span", { class: "nowrap" }, words(a.action).replace(".", ": ")), h("span", { class: "nowrap" }, a.actor_name), a.source, h("span", { class: "break" }, a.object), when(a.at), a.seq],
        detail: () => [change("Before", a.old), change("After", a.new)],
      })),
      [5],
    ),
    cursor
      ? button("Show older rows", async () => {
          lengths.set(p.id, want + 200);
        }, { class: "more" })
      : h("span"),
  ];
}

function change(title: string, value: unknown): HTMLElement {
  return value === undefined || value === null ? h("span") : h("div", {}, h("h3", {}, title), h("pre", {}, JSON.stringify(value, undefined, 2)));
}
