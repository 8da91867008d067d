// Elements are made from text, never from markup, so that nothing in a model or
// a report can become part of the page.

export type Child = Node | string | number | undefined | null | false;
type Props = Record<string, string | number | boolean | ((e: Event) => void) | undefined>;

function fill<E extends Element>(el: E, props: Props, children: (Child | Child[])[]): E {
  for (const [k, v] of Object.entries(props)) {
    if (typeof v === "function") el.addEventListener(k, v);
    else if (v === true) el.setAttribute(k, "");
    else if (v !== undefined && v !== false) el.setAttribute(k, String(v));
  }
  for (const c of children.flat()) {
    if (c !== undefined && c !== null && c !== false) el.append(c instanceof Node ? c : String(c));
  }
  return el;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: (Child | Child[])[]): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), props, children);
}

/** svg makes drawings; their geometry is in attributes, which the content security policy allows. */
export function svg(tag: string, props: Props = {}, ...children: (Child | Child[])[]): SVGElement {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

/** safeLink returns the address if it is http(s), so that a tracker cannot plant a script. */
export function safeLink(url: string | undefined): string | undefined {
  return url && /^https?:\/\//.test(url) ? url : undefined;
}

export function when(at: string | undefined): HTMLElement {
  if (!at) return h("span", { class: "soft" }, "never");
  const d = new Date(at);
  const today = d.toDateString() === new Date().toDateString();
  const text = today
    ? d.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" })
    : d.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: at, title: d.toLocaleString(), class: "nowrap" }, text);
}

/** words turns a name of the interface into one for people. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** count says "1 ticket", "2 tickets". */
export function count(n: number, one: string, many = one + "s"): string {
  return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}
