// Elements are made from text, never from markup, so that nothing in a model or
// a report can become part of the page.

type Child = Node | string | number | undefined | false;
type Props = Record<string, string | boolean | ((e: Event) => void) | undefined>;

export function h(tag: string, props: Props = {}, ...children: (Child | Child[])[]): HTMLElement {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (typeof v === "function") el.addEventListener(k, v);
    else if (v === true) el.setAttribute(k, "");
    else if (typeof v === "string") el.setAttribute(k, v);
  }
  for (const c of children.flat()) {
    if (c !== undefined && c !== false) el.append(c instanceof Node ? c : String(c));
  }
  return el;
}

/** safeLink returns the address if it is http(s), so that a tracker cannot plant a script. */
export function safeLink(url: string | undefined): string | undefined {
  return url && /^https?:\/\//.test(url) ? url : undefined;
}

export function when(at: string): HTMLElement {
  const d = new Date(at);
  return h("time", { datetime: at, title: d.toLocaleString() }, d.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));
}
