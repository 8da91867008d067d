import { expect, test } from "vitest";
import { sentence } from "./words";

test("sentence begins what the server says with a capital and leaves names alone", () => {
  expect(sentence("the product was changed meanwhile; look at it again")).toBe("The product was changed meanwhile; look at it again");
  expect(sentence("a name is needed")).toBe("A name is needed");
  expect(sentence("own/rules/x.yaml:7:17 unknown word")).toBe("own/rules/x.yaml:7:17 unknown word");
  expect(sentence("stride:tampering")).toBe("stride:tampering");
  expect(sentence("")).toBe("");
});
