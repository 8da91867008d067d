import { expect, test } from "vitest";
import { match } from "./choices";

test("match looks for every word in what is shown, not in ids", () => {
  expect(match("zon_q1rd9", "rd", ["DMZ", "Trust zone"])).toBe(0);
  expect(match("cmp_1", "orders da", ["Orders database", "Store"])).toBe(1);
  expect(match("cmp_1", "api", ["Orders API", "Process"])).toBe(0.8);
  expect(match("cmp_1", "process", ["Orders API", "Process"])).toBe(0.3);
  expect(match("cmp_1", "resume", ["Résumé store", ""])).toBe(1);
  expect(match("web-api", "web-api", ["Web API"])).toBe(0.3);
});
