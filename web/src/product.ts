import { h } from "./dom";
import { audit } from "./audit";
import { overview } from "./overview";
import { call, type Product } from "./rest";
import { review } from "./review";
import { countermeasures, threats } from "./risks";
import { tests, triage } from "./tests";
import { tickets } from "./tickets";

type Tab = (p: Product, named: string) => Promise<Node[]>;

const tabs: [string, string, Tab][] = [
  ["", "Overview", overview],
  ["threats", "Threats", threats],
  ["countermeasures", "Countermeasures", countermeasures],
  ["review", "Review", review],
  ["tickets", "Tickets", tickets],
  ["tests", "Tests", tests],
  ["triage", "Triage", triage],
  ["audit", "Audit", audit],
];

/** product shows one product; the address names the tab and, in it, a thing to open. */
export async function product(parts: string[]): Promise<Node[]> {
  const [id = "", tab = "", named = ""] = parts;
  const p = await call<Product>("GET", "/products/" + encodeURIComponent(id));
  const current = tabs.find(([key]) => key === tab) ?? tabs[0]!;
  return [
    h("h1", {}, p.name),
    p.description ? h("p", { class: "lead" }, p.description) : h("span"),
    h(
      "nav",
      { class: "tabs", "aria-label": "Parts of the product" },
      tabs.map(([key, name]) => h("a", { href: `#/product/${id}${key && "/" + key}`, "data-key": "tab-" + key, "aria-current": key === current[0] ? "page" : undefined }, name)),
    ),
    ...(await current[2](p, named)),
  ];
}
