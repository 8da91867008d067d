import { describe, expect, it } from "vitest";
import { ago } from "./time";

const now = Date.parse("2026-03-01T12:00:00Z");
const before = (s: number) => new Date(now - s * 1000);

describe("ago", () => {
  it.each([
    [0, "just now"],
    [44, "just now"],
    [120, "2 minutes ago"],
    [3600, "1 hour ago"],
    [86_400, "yesterday"],
    [-86_400, "tomorrow"],
    [86_400 * 60, "2 months ago"],
    [86_400 * 800, "2 years ago"],
  ])("says %d seconds as %s", (s, want) => {
    expect(ago(before(s), now)).toBe(want);
  });
  it("knows what never was", () => expect(ago(undefined)).toBe("never"));
});
