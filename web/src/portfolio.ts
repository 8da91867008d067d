import { count, h } from "./dom";
import { all, call, type Product } from "./rest";
import { ask, empty, field } from "./ui";
import { band } from "./parts";

/** portfolio shows the products, the riskiest first. */
export async function portfolio(): Promise<Node[]> {
  const products = await all<Product>("/products");
  products.sort((a, b) => b.risk.open.highest.current - a.risk.open.highest.current || a.name.localeCompare(b.name));
  const add = h("button", { class: products.length === 0 ? "main" : "", click: () => void define() }, "New product");
  return [
    h("div", { class: "row head" }, h("div", { class: "grow" }, h("h1", {}, "Products"), h("p", { class: "lead" }, "The highest open threat of each, as claimed and as proven by tests.")), products.length > 0 && add),
    products.length === 0
      ? empty(
          "No product yet",
          h("p", {}, "Define one here and import its diagram, or keep it in a file and run ", h("code", {}, "threatloop apply"), "."),
          h("p", {}, "To look around first, ", h("code", {}, "threatloop demo"), " makes a sample shop that went round the whole loop."),
          add,
        )
      : h("div", { class: "cards" }, products.map(card)),
  ];
}

function card(p: Product): HTMLElement {
  const { highest, threats } = p.risk.open;
  return h(
    "a",
    { class: "card", href: `#/product/${p.id}` },
    h("strong", {}, p.name),
    threats === 0
      ? h("p", { class: "soft" }, "No open threat. ", p.risk.closed === 0 && "Import a diagram to begin.")
      : h(
          "dl",
          { class: "pair" },
          h("div", {}, h("dt", {}, "Current"), h("dd", {}, band(p.risk.band, highest.current))),
          h("div", {}, h("dt", {}, "Verified"), h("dd", {}, highest.verified)),
          h("div", {}, h("dt", {}, "Open threats"), h("dd", {}, threats)),
        ),
    h("p", { class: p.vulnerabilities > 0 ? "alarm" : "soft" }, p.vulnerabilities > 0 ? count(p.vulnerabilities, "open vulnerability", "open vulnerabilities") : "No open vulnerability"),
  );
}

async function define(): Promise<void> {
  await ask(
    "New product",
    ["A product is what has one threat model: an application, a service, a device."],
    [field("Name", h("input", { name: "name", required: true, maxlength: 200 })), field("Description", h("textarea", { name: "description", rows: 3 }))],
    "Create",
    async (d) => {
      const made = await call<Product>("POST", "/products", { name: d["name"], description: d["description"] });
      location.hash = `#/product/${made.id}`;
    },
  );
}
