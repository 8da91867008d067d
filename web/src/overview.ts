import { count, h, svg, when } from "./dom";
import { band, bandOf } from "./parts";
import { all, call, type Figures, type Product, type RatingChange, type Page, type Threat } from "./rest";
import { attempt, empty, fold, notice } from "./ui";

/** overview says how the product stands, and what moved it. */
export async function overview(p: Product): Promise<Node[]> {
  const [threats, history] = await Promise.all([
    all<Threat>(`/products/${p.id}/threats`),
    call<Page<RatingChange>>("GET", `/products/${p.id}/ratings/history?limit=200`),
  ]);
  if (threats.length === 0) return [begin(p)];
  const open = threats.filter((t) => t.rating.standing === "open" && !t.rating.unrated);
  open.sort((a, b) => b.rating.current - a.rating.current || a.title.localeCompare(b.title));
  return [
    picture(p),
    h(
      "div",
      { class: "two" },
      h("section", { class: "card" }, h("h2", {}, "Open threats"), bands(p.risk.open.bands, p.risk.open.threats), facts(p)),
      h(
        "section",
        { class: "card" },
        h("h2", {}, "Look at these first"),
        open.length === 0 && h("p", { class: "soft" }, "No threat is open."),
        h(
          "ol",
          { class: "top" },
          open.slice(0, 5).map((t) => h("li", {}, band(t.rating.band, t.rating.current), h("a", { href: `#/product/${p.id}/threats/${t.id}` }, t.title), h("small", {}, t.where_name))),
        ),
      ),
    ),
    moved(history.items ?? []),
  ];
}

/** begin is what a product without a model shows. */
function begin(p: Product): HTMLElement {
  const pick = h("input", { type: "file", accept: ".json,.yaml,.yml,.zip", class: "hidden", "aria-label": "Model file" });
  pick.addEventListener("change", () => {
    const file = pick.files?.[0];
    if (!file) return;
    void attempt(async () => {
      await call("POST", `/products/${p.id}/imports?name=${encodeURIComponent(file.name)}`, file);
      notice(`${file.name} is taken in. This is what the library makes of it.`, true);
      location.hash = `#/product/${p.id}/review`;
    });
  });
  return empty(
    "No threat yet",
    h("p", {}, "Import a data-flow diagram (Threat Dragon) or a model file; then look at what the library proposes in the ", h("a", { href: `#/product/${p.id}/review` }, "review"), "."),
    h("p", {}, pick, h("button", { class: "main", click: () => pick.click() }, "Choose a file")),
  );
}

const meanings: [keyof Figures, string, string][] = [
  ["inherent", "Inherent", "nothing helps"],
  ["verified", "Verified", "what passing tests prove"],
  ["current", "Current", "what is done and not contradicted"],
  ["projected", "Projected", "when the required work is done"],
];

/** picture is the four ratings, of the highest threat and of all together, with the gap between claim and proof. */
function picture(p: Product): HTMLElement {
  const { highest, sum } = p.risk.open;
  const gap = p.risk.assurance_gap;
  const most = Math.max(sum.inherent, 1);
  return h(
    "section",
    { class: "card picture", "aria-label": "Four ratings" },
    h("div", { class: "picture-head" }, h("span", {}), h("span", {}, "Highest open threat, of 100"), h("span", {}, `All ${count(p.risk.open.threats, "open threat")} together`)),
    meanings.map(([key, name, text]) =>
      h(
        "div",
        { class: "picture-row" },
        h("div", {}, h("strong", {}, name), h("small", {}, text)),
        h("div", { class: "measure", "data-label": "Highest, of 100" }, h("b", {}, highest[key]), bar(highest[key] / 100, 0, bandOf(highest[key]))),
        h("div", { class: "measure wide", "data-label": "All together" }, h("b", {}, sum[key].toLocaleString()), bar(sum[key] / most, key === "current" ? Math.max(0, sum.verified - sum.current) / most : 0, "plain")),
      ),
    ),
    h(
      "p",
      { class: "gap" },
      gap > 0
        ? [h("span", { class: "swatch" }, bar(0, 1, "plain")), h("strong", {}, `Assurance gap ${gap}: `), "claimed as done, and not yet proven by a passing test."]
        : [h("strong", {}, "No assurance gap: "), "all that is claimed as done is proven by passing tests."],
    ),
  );
}

let hatches = 0;

/** bar draws a part of 1, then a hatched part that is claimed and not proven. */
function bar(part: number, claimed: number, cls: string): SVGElement {
  const id = "hatch" + hatches++;
  const pct = (n: number) => `${Math.max(0, Math.min(1, n)) * 100}%`;
  return svg(
    "svg",
    { class: "bar " + cls, height: 12, width: "100%", "aria-hidden": "true" },
    claimed > 0 &&
      svg("pattern", { id, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("rect", { width: 2.5, height: 5, class: "ink" })),
    svg("rect", { class: "rail", width: "100%", height: 12, rx: 3 }),
    svg("rect", { class: "ink", width: pct(part), height: 12, rx: 3 }),
    claimed > 0 && svg("rect", { x: pct(part), width: pct(claimed), height: 12, fill: `url(#${id})` }),
  );
}

const order = ["critical", "high", "medium", "low", "unrated"];

function bands(tally: Record<string, number>, total: number): HTMLElement {
  let x = 0;
  const parts = order.filter((b) => (tally[b] ?? 0) > 0);
  return h(
    "div",
    { class: "bands" },
    svg(
      "svg",
      { height: 14, width: "100%", "aria-hidden": "true", class: "bandbar" },
      parts.map((b) => {
        const w = (100 * tally[b]!) / Math.max(1, total);
        const r = svg("rect", { x: `${x}%`, width: `${w}%`, height: 14, class: "ink-" + b });
        x += w;
        return r;
      }),
    ),
    h("div", { class: "row legend" }, parts.map((b) => band(b, tally[b]))),
  );
}

function facts(p: Product): HTMLElement {
  const list: [number, string][] = [
    [p.vulnerabilities, "shown by a failing test"],
    [p.risk.contradicted, "claimed as done, contradicted by a test"],
    [p.risk.over_tolerance, "above what is tolerated"],
    [p.risk.unrated, "without a rating"],
    [p.risk.closed, "closed"],
  ];
  return h("ul", { class: "facts" }, list.filter(([n], i) => n > 0 || i < 2).map(([n, text]) => h("li", { class: n === 0 ? "soft" : undefined }, h("b", {}, n), text)));
}

function move(before: number, after: number): Node {
  if (before === after) return h("span", { class: "soft" }, after);
  return h("span", { class: after < before ? "fell" : "rose" }, `${before} → ${after}`, h("span", { class: "sr" }, after < before ? " fell" : " rose"));
}

/** moved groups what one cause did: the product's highest first, then the threats. */
function moved(changes: RatingChange[]): HTMLElement {
  const groups: RatingChange[][] = [];
  for (const c of changes) {
    const last = groups.at(-1)?.[0];
    if (last && last.at === c.at && last.cause.text === c.cause.text) groups.at(-1)!.push(c);
    else groups.push([c]);
  }
  const line = (c: RatingChange) => [h("span", {}, c.threat ? (c.title ?? "a threat") : "The highest threat of the product"), h("span", {}, "current ", move(c.before.current, c.after.current)), h("span", {}, "verified ", move(c.before.verified, c.after.verified))];
  return h(
    "section",
    {},
    h("h2", {}, "What moved"),
    groups.length === 0
      ? empty("Nothing moved yet", "Each change of a rating appears here with its cause: an edit, a closed ticket, a test.")
      : h(
          "ul",
          { class: "moved card" },
          groups.slice(0, 30).map((g) => {
            const whole = g.find((c) => !c.threat);
            const threats = g.filter((c) => c.threat);
            const first = g[0]!;
            const few = threats.length <= 3;
            return h(
              "li",
              {},
              when(first.at),
              h(
                "div",
                {},
                h("strong", {}, first.cause.text),
                whole && h("div", { class: "moved-line" }, line(whole)),
                few
                  ? threats.map((c) => h("div", { class: "moved-line" }, line(c)))
                  : fold(`moved-${first.at}`, count(threats.length, "threat"), ...threats.map((c) => h("div", { class: "moved-line" }, line(c)))),
              ),
            );
          }),
        ),
  );
}
