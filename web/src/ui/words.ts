/** words are the page's names for what the interface calls by a code. */
const words: Record<string, string> = {
  recommended: "Recommended",
  required: "Required",
  implemented: "Implemented",
  rejected: "Rejected",
  not_applicable: "Not applicable",
  open: "Open",
  mitigated: "Mitigated",
  accepted: "Accepted",
  transferred: "Transferred",
  avoided: "Avoided",
  eliminated: "Eliminated",
  untested: "Untested",
  pass: "Passed",
  fail: "Failed",
  error: "Error",
  not_run: "Not run",
  rule: "Rule",
  person: "Person",
  import: "Import",
  tracker: "Tracker",
  test: "Test",
  pending: "Being created",
  held: "Waits for a person",
  ambiguous: "Being looked for",
  failed: "Failed",
  closed: "Closed",
  deleted: "Deleted",
  viewer: "Viewer",
  developer: "Developer",
  modeller: "Modeller",
  approver: "Approver",
  administrator: "Administrator",
  process: "Process",
  store: "Store",
  actor: "Actor",
};

/** word is the name for a code; a code that is not known is shown readably. */
export function word(code: string | undefined): string {
  if (!code) return "";
  const known = words[code];
  if (known) return known;
  const s = code.replace(/[_-]+/g, " ");
  return s.charAt(0).toUpperCase() + s.slice(1);
}

/** plural counts things: plural(2, "threat") is "2 threats". */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

/** category is the short and the long name of a threat's category, "stride:tampering". */
export function category(code: string): { method: string; name: string } {
  const [method, name] = code.includes(":") ? (code.split(":", 2) as [string, string]) : ["", code];
  return { method: method.toUpperCase(), name: word(name) };
}

/** sentence begins with a capital what the server says in lower case; names, paths and code stay as they are. */
export function sentence(text: string): string {
  return /^[a-z]+(['’][a-z]+)?([ ,;]|: )/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}
