// What all places share: notices, dialogs, tables whose rows open, and the rule
// that a redraw keeps what a person typed, opened or focused.

import { h, type Child } from "./dom";
import { Problem } from "./rest";

const hooks: { redraw: () => Promise<void>; signedOut: () => void } = { redraw: async () => {}, signedOut: () => {} };

/** connect tells this module how to draw the place again and what to do when the session is over. */
export function connect(redraw: () => Promise<void>, signedOut: () => void): void {
  hooks.redraw = redraw;
  hooks.signedOut = signedOut;
}

/** redraw reads the present place anew. */
export function redraw(): Promise<void> {
  return hooks.redraw();
}

const notices = h("div", { class: "notices", role: "region", "aria-label": "Notices" });
document.body.append(notices);

/** notice says what happened. What went wrong stays until it is closed or the next attempt succeeds. */
export function notice(text: string, good = false): void {
  const same = [...notices.children].find((n) => n.firstChild?.textContent === text);
  same?.remove();
  const box = h("div", { class: good ? "notice good" : "notice bad", role: good ? "status" : "alert" }, h("span", {}, text));
  box.append(h("button", { class: "quiet", "aria-label": "Close this notice", click: () => box.remove() }, "×"));
  notices.append(box);
  if (good) setTimeout(() => box.remove(), 6000);
}

/** clearNotices takes the failures away, for instance when another place is opened. */
export function clearNotices(): void {
  notices.replaceChildren();
}

/** attempt runs an action of a person's, then shows the place anew, or the failure. */
export async function attempt(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    notices.querySelectorAll(".bad").forEach((n) => n.remove());
    await hooks.redraw();
    return true;
  } catch (err) {
    fail(err);
    return false;
  }
}

export function fail(err: unknown): void {
  if (err instanceof Problem && err.status === 401) hooks.signedOut();
  else notice(err instanceof Error ? err.message : String(err));
}

/** button runs an action and cannot be pressed twice meanwhile. */
export function button(text: string, action: () => Promise<unknown>, props: Record<string, string> = {}): HTMLButtonElement {
  const b = h("button", { type: "button", ...props, click: () => void press() }, text);
  const press = async () => {
    b.disabled = true;
    await attempt(action);
    b.disabled = false;
  };
  return b;
}

/** ask opens a dialog with a form; submit may fail, then the dialog stays with what was typed. */
export function ask(title: string, about: Child[], fields: HTMLElement[], verb: string, submit: (data: Record<string, string>) => Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const wrong = h("p", { class: "wrong", role: "alert" });
    const go = h("button", { class: "main", type: "submit" }, verb);
    let done = false;
    const form = h(
      "form",
      {
        submit: (e) => {
          e.preventDefault();
          void send();
        },
      },
      h("h2", { id: "dialog-title" }, title),
      about.map((a) => h("p", { class: "soft" }, a)),
      fields,
      wrong,
      h("div", { class: "row end" }, h("button", { type: "button", click: () => dialog.close() }, "Cancel"), go),
    );
    const send = async () => {
      const data: Record<string, string> = {};
      new FormData(form).forEach((v, k) => (data[k] = typeof v === "string" ? v : ""));
      go.disabled = true;
      wrong.textContent = "";
      try {
        await submit(data);
        done = true;
        dialog.close();
      } catch (err) {
        wrong.textContent = err instanceof Error ? err.message : String(err);
        go.disabled = false;
      }
    };
    const dialog = h("dialog", { "aria-labelledby": "dialog-title", close: () => {
      dialog.remove();
      resolve(done);
      void hooks.redraw();
    } }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
}

export function field(label: string, control: HTMLElement, hint?: string): HTMLElement {
  return h("label", {}, h("span", {}, label), control, hint && h("small", {}, hint));
}

/** editing says whether a redraw would take something from under a person's hands. */
export function editing(): boolean {
  const a = document.activeElement;
  if (document.querySelector("dialog[open]")) return true;
  return (a instanceof HTMLInputElement || a instanceof HTMLTextAreaElement || a instanceof HTMLSelectElement) && !a.dataset["keep"];
}

/** opened holds what a person opened, by key, over redraws. */
export const opened = new Set<string>();
const bodies = new Map<string, Node[]>();

export interface Row {
  /** names the row over redraws; required for a detail */
  key?: string;
  cells: (Node | string | number)[];
  /** shown under the row when its first cell is pressed */
  detail?: () => Node[] | Promise<Node[]>;
}

/** table draws rows; on a narrow screen each row becomes a card with its columns named. */
export function table(label: string, head: string[], rows: Row[], numbers: number[] = []): HTMLElement {
  const body = h("tbody");
  for (const row of rows) {
    const cls = (i: number) => (numbers.includes(i) ? "num" : undefined);
    if (!row.detail || !row.key) {
      body.append(h("tr", {}, row.cells.map((c, i) => h("td", { class: cls(i), "data-label": head[i] }, c))));
      continue;
    }
    const key = row.key;
    const detail = row.detail;
    const inner = h("td", { colspan: head.length });
    const under = h("tr", { class: "detail", id: "detail-" + key }, inner);
    const press = h("button", { class: "opener", "data-key": key, "aria-expanded": "false", "aria-controls": "detail-" + key, click: () => set(!opened.has(key)) }, row.cells[0]);
    const set = (open: boolean) => {
      press.setAttribute("aria-expanded", String(open));
      under.hidden = !open;
      if (!open) {
        opened.delete(key);
        return;
      }
      opened.add(key);
      // What was read before is shown at once, and read again.
      inner.replaceChildren(...(bodies.get(key) ?? []));
      void Promise.resolve(detail()).then((nodes) => {
        bodies.set(key, nodes);
        inner.replaceChildren(...nodes);
      }, fail);
    };
    body.append(
      h("tr", { id: "row-" + key }, row.cells.map((c, i) => h("td", { class: cls(i), "data-label": head[i] }, i === 0 ? press : c))),
      under,
    );
    set(opened.has(key));
  }
  return h(
    "table",
    { "aria-label": label },
    h("thead", {}, h("tr", {}, head.map((name, i) => h("th", { scope: "col", class: numbers.includes(i) ? "num" : undefined }, name)))),
    body,
  );
}

/** fold is text that opens, and stays open over redraws. */
export function fold(key: string, summary: string, ...body: Child[]): HTMLElement {
  const d = h("details", { open: opened.has(key) }, h("summary", { "data-key": key }, summary), body);
  d.addEventListener("toggle", () => (d.open ? opened.add(key) : opened.delete(key)));
  return d;
}

/** empty says that there is nothing, and what to do next. */
export function empty(title: string, ...next: Child[]): HTMLElement {
  return h("div", { class: "card empty" }, h("strong", {}, title), h("div", {}, next));
}

const filters = new Map<string, string>();

/** filtered puts a search field over a list; what was typed stays over redraws. */
export function filtered<T>(key: string, label: string, items: T[], text: (item: T) => string, draw: (items: T[]) => HTMLElement): HTMLElement[] {
  const out = h("div");
  const tally = h("span", { class: "soft", "aria-live": "polite" });
  const input = h("input", { type: "search", placeholder: label, "aria-label": label, "data-key": "filter-" + key, "data-keep": "1" });
  input.value = filters.get(key) ?? "";
  const apply = () => {
    filters.set(key, input.value);
    const parts = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const left = items.filter((i) => {
      const t = text(i).toLowerCase();
      return parts.every((p) => t.includes(p));
    });
    tally.textContent = left.length === items.length ? `${items.length}` : `${left.length} of ${items.length}`;
    out.replaceChildren(left.length > 0 ? draw(left) : empty("Nothing matches.", "Change or clear the filter."));
  };
  input.addEventListener("input", apply);
  apply();
  return [h("div", { class: "row filter" }, input, tally), out];
}
