/** Spot is an expression in the text of an entry, and where the cursor stands in it. */
export interface Spot {
  for: "product" | "component" | "flow" | "question" | "component-question";
  text: string;
  /** Of the cursor in the expression, in characters. */
  offset: number;
  /** Where the expression begins in the whole text. */
  start: number;
}

const line = /^(\s*(?:- +)?(?:\{?.*?[,{ ])??when:\s*)(.*)$/;

/** spotOf returns the expression that the cursor stands in, or undefined. It knows expressions on one line, plain or in double quotes. */
export function spotOf(text: string, cursor: number): Spot | undefined {
  const begin = text.lastIndexOf("\n", cursor - 1) + 1;
  const next = text.indexOf("\n", cursor);
  const whole = text.slice(begin, next < 0 ? undefined : next);
  const m = line.exec(whole);
  if (!m) return undefined;
  let start = begin + m[1]!.length;
  let expression = m[2]!;
  if (expression.startsWith('"')) {
    start++;
    expression = expression.slice(1).replace(/"[\s}]*$/, "");
  } else expression = expression.replace(/\s+#.*$/, "");
  const offset = cursor - start;
  if (offset < 0 || offset > expression.length) return undefined;
  return { for: targetOf(text, begin), text: expression, offset, start };
}

/** targetOf says what the expression on the line at begin is asked for. */
function targetOf(text: string, begin: number): Spot["for"] {
  if (/^questionnaire:/m.test(text)) return /^types:/m.test(text) ? "component-question" : "question";
  const from = text.lastIndexOf("- rule:", begin);
  const to = text.indexOf("- rule:", begin);
  const rule = text.slice(Math.max(0, from), to < 0 ? undefined : to);
  const found = /^\s*for:\s*(product|component|flow)\s*$/m.exec(rule)?.[1];
  return (found as Spot["for"] | undefined) ?? "component";
}
