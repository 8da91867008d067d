import { h, safeLink, words, type Child } from "./dom";
import type { Ticket, Why } from "./rest";

/** The bands and where they begin; the shape says the same as the colour. */
export function bandOf(rating: number): string {
  return rating >= 75 ? "critical" : rating >= 50 ? "high" : rating >= 25 ? "medium" : "low";
}

export function band(name: string, rating?: number): HTMLElement {
  return h("span", { class: "band " + name }, rating === undefined ? name : [rating, " ", h("span", {}, name)]);
}

/** ticketLinks shows tickets with their states, also those that wait or failed. */
export function ticketLinks(list: Ticket[] | undefined | null): HTMLElement | string {
  if (!list || list.length === 0) return "";
  return h("span", { class: "stack" }, list.map((t) => h("span", { class: "row tight", title: t.note }, ticketKey(t), tag(t.state))));
}

export function ticketKey(t: Ticket): HTMLElement {
  const url = safeLink(t.url);
  return url ? h("a", { href: url, class: "nowrap" }, t.key || "ticket") : h("span", { class: "nowrap" }, t.key || "no ticket yet");
}

export function tag(state: string, text = words(state), title?: string): HTMLElement {
  return h("span", { class: "tag " + state, title }, text);
}

/** reasons says why something generated is there. */
export function reasons(list: Why[] | undefined | null, origin: string): HTMLElement {
  if (!list || list.length === 0) return h("p", {}, origin === "rule" ? "The reason is not recorded." : "A person or an imported file put it here.");
  return h(
    "ul",
    { class: "reasons" },
    list.map((w) =>
      h(
        "li",
        {},
        w.text,
        h("small", {}, ["rule " + w.rule, w.pattern && "pattern " + w.pattern, w.library.replace(/\+.*/, "")].filter(Boolean).join(" · ")),
        w.facts && w.facts.length > 0 && h("small", {}, "because ", w.facts.map((f) => `${f.name} = ${f.value}`).join(", ")),
      ),
    ),
  );
}

/** prose shows text with its paragraphs, lists and bold words; it is never markup. */
export function prose(text: string | undefined): HTMLElement {
  const inline = (line: string): Child[] =>
    line.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => (part.startsWith("**") ? h("strong", {}, part.slice(2, -2)) : part.startsWith("`") ? h("code", {}, part.slice(1, -1)) : part));
  const out = h("div", { class: "prose" });
  for (const block of (text ?? "").split(/\n\s*\n/)) {
    const lines = block.split("\n").filter((l) => l.trim() !== "");
    let list: HTMLElement | undefined;
    for (const line of lines) {
      if (/^[-*] /.test(line)) {
        if (!list) out.append((list = h("ul")));
        list.append(h("li", {}, inline(line.slice(2))));
      } else {
        list = undefined;
        out.append(h("p", {}, inline(line)));
      }
    }
  }
  return out;
}

/** part is a titled piece of a detail. */
export function part(title: string, ...body: Child[]): HTMLElement {
  return h("section", { class: "part" }, h("h3", {}, title), body);
}
