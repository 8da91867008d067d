import { describe, expect, it } from "vitest";
import { svgOf } from "./export";
import { makeEditor } from "./store";
import type { Drawing } from "./types";

describe("svgOf", () => {
  const box = (x: number, y: number, w: number, h: number) => ({ x, y, w, h });
  const drawing = {
    components: [
      { id: "a", kind: "process", name: "A", box: box(0, 300, 100, 60) },
      { id: "b", kind: "process", name: "B", box: box(0, -300, 100, 60) },
    ],
    flows: [{ id: "f", name: "Orders", from: "a", to: "b" }],
    zones: [{ id: "z", name: "Our network", trust: 50, box: box(-60, 0, 220, 200) }],
    curves: [
      {
        id: "k",
        name: "Edge",
        points: [
          { x: 0, y: -100 },
          { x: 200, y: -100 },
        ],
      },
    ],
    texts: [],
    versions: {},
    diagrams: [],
    assets: [],
    facts: { f: { threats: 3, band: "high" } },
    diagram: null,
  } as unknown as Drawing;
  const { svg } = svgOf(makeEditor("p", drawing).store.getState());
  const flow = svg.indexOf('stroke="#a84300" stroke-width="1.5"');
  it.each([["Our network · trust 50"], ["Edge"], ["Orders"]])("writes %s above the flows, on a ground of its own", (text) => {
    const at = svg.indexOf(`>${text}<`);
    expect(flow).toBeGreaterThan(0);
    expect(at).toBeGreaterThan(flow);
    expect(svg.slice(svg.lastIndexOf("<text", at), at)).toContain('paint-order="stroke"');
  });
  it("puts the threats of a flow on a ground of their own", () => {
    expect(svg).toMatch(/<title>3 open, high<\/title><rect [^>]*fill="#ffffff"/);
  });
});
