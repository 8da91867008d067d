import { count, h, when, words } from "./dom";
import { tag } from "./parts";
import { all, call, upload, type Countermeasure, type Difference, type Evidence, type EvidenceItem, type Product, type Run, type Weakness } from "./rest";
import { ask, empty, fail, field, notice, redraw, table, type Row } from "./ui";

// What is being uploaded and what the last upload changed, by product; kept over redraws.
interface Upload {
  name: string;
  part: number;
  run?: Run;
  error?: string;
  bar?: HTMLProgressElement;
  text?: HTMLElement;
}
const uploads = new Map<string, Upload>();
const sources = new Map<string, string>();

const ended = ["open", "done", "rejected", "failed"];

/** tests takes reports and shows what they changed. */
export async function tests(p: Product): Promise<Node[]> {
  const runs = await all<Run>(`/products/${p.id}/runs`);
  return [
    dropzone(p),
    state(p),
    runs.length === 0
      ? empty("No test run yet", "Drop a report above, or let CI upload it with ", h("code", {}, "threatloop results upload"), ".")
      : table(
          "Test runs",
          ["Report", "Source", "When", "Failed", "Passed", "Not run", "State"],
          runs.map((r): Row => ({
            key: r.id,
            cells: [r.name || r.format || "report", h("span", {}, r.source, h("small", {}, r.tool || r.format)), when(r.at), r.counts.fail, r.counts.pass, r.counts.error + r.counts.not_run, tag("run-" + r.state, words(r.state) + (r.complete || r.state !== "done" ? "" : ", incomplete"))],
            detail: async () => [outcome(await call<Run>("GET", `/products/${p.id}/runs/${r.id}`))],
          })),
          [3, 4, 5],
        ),
  ];
}

function dropzone(p: Product): HTMLElement {
  const pick = h("input", { type: "file", class: "hidden", "aria-label": "Report of a test tool", "data-report": "1" });
  const source = h("input", { type: "text", name: "source", maxlength: 200, placeholder: "for example unit-tests", "data-key": "source", "data-keep": "1" });
  source.value = sources.get(p.id) ?? "";
  source.addEventListener("input", () => sources.set(p.id, source.value));
  const zone = h(
    "div",
    { class: "drop" },
    h("div", {}, h("strong", {}, "Drop a report here"), h("div", { class: "soft" }, "JUnit, Cucumber, ZAP, SARIF or Fortify; the format is recognised from the content.")),
    h("div", { class: "row" }, field("Source", source, "A report replaces only what the same source said. Empty: the format."), pick, h("button", { class: "main", "data-key": "choose-report", click: () => pick.click() }, "Choose a file")),
  );
  const take = (file: File | undefined | null) => void (file && send(p, file, source.value.trim()));
  pick.addEventListener("change", () => take(pick.files?.[0]));
  zone.addEventListener("dragover", (e) => {
    e.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (e) => {
    e.preventDefault();
    zone.classList.remove("over");
    take(e.dataTransfer?.files[0]);
  });
  return zone;
}

async function send(p: Product, file: File, source: string): Promise<void> {
  const up: Upload = { name: file.name, part: 0 };
  uploads.set(p.id, up);
  const again = () => redraw().catch(fail);
  await again();
  try {
    const query = new URLSearchParams({ wait: "20", name: file.name });
    if (source) query.set("source", source);
    up.run = await upload<Run>(`/products/${p.id}/results?${query}`, file, (part) => {
      up.part = part;
      progress(up);
    });
    while (!ended.includes(up.run.state)) {
      await new Promise((r) => setTimeout(r, 1000));
      up.run = await call<Run>("GET", `/products/${p.id}/runs/${up.run.id}`);
    }
  } catch (err) {
    up.error = err instanceof Error ? err.message : String(err);
  }
  await again();
}

function progress(up: Upload): void {
  if (up.text) up.text.textContent = up.part < 1 ? `Sending ${up.name}, ${Math.floor(up.part * 100)} %` : `Reading ${up.name}`;
  if (up.bar) {
    if (up.part < 1) up.bar.value = up.part;
    else up.bar.removeAttribute("value");
  }
}

/** state shows the upload that runs, or what the last one changed. */
function state(p: Product): HTMLElement {
  const up = uploads.get(p.id);
  if (!up) return h("span");
  const box = h("section", { class: "card upload", "aria-live": "polite" });
  if (!up.run && !up.error) {
    up.bar = h("progress", { max: 1, "aria-label": "Upload" });
    up.text = h("strong", {});
    box.append(up.text, up.bar);
    progress(up);
    return box;
  }
  const close = h("button", { class: "quiet", "aria-label": "Close this result", click: () => {
    uploads.delete(p.id);
    void redraw().catch(fail);
  } }, "×");
  box.append(h("div", { class: "row" }, h("h2", { class: "grow" }, up.run?.name || up.name), close));
  if (up.error) box.append(h("p", { class: "wrong" }, up.error), h("p", { class: "soft" }, "Nothing was changed. Choose the file again to repeat it."));
  else if (up.run) box.append(outcome(up.run));
  return box;
}

const groups: [keyof Difference, string, string][] = [
  ["reopened", "Fail again", "bad"],
  ["new", "Fail for the first time", "bad"],
  ["still_failing", "Still fail", "bad"],
  ["passed_now", "Pass now", "good"],
  ["not_tested_now", "Not tested now: absence is no evidence, nothing is closed", ""],
  ["ambiguous", "About several things; a person decides in the triage", ""],
  ["unmatched", "About nothing in the model; a person decides in the triage", ""],
];

/** outcome says what a report was and what it changed. */
function outcome(r: Run): HTMLElement {
  const out = h("div", { class: "outcome" });
  if (r.error) {
    out.append(h("p", { class: "wrong" }, r.error), h("p", { class: "soft" }, "Nothing was changed."));
    return out;
  }
  out.append(h("p", {}, `${r.tool || r.format}: ${r.counts.fail} failed, ${r.counts.pass} passed, ${r.counts.error + r.counts.not_run} not run.`));
  if (!r.complete) out.append(h("p", { class: "alarm" }, "The report is not whole, so what it does not name stays as it was. ", (r.reasons ?? []).join("; ")));
  const d = r.diff;
  if (r.repeat || d?.repeat) out.append(h("p", {}, "This report was read before; nothing changed."));
  let any = false;
  for (const [key, title, cls] of groups) {
    const items = (d?.[key] ?? []) as EvidenceItem[];
    if (items.length === 0) continue;
    any = true;
    out.append(
      h("section", { class: "difference " + cls }, h("h3", {}, `${title} (${items.length})`), h("ul", {}, items.slice(0, 50).map((i) => h("li", {}, i.name || i.key, h("small", {}, i.reason))), items.length > 50 && h("li", { class: "soft" }, `and ${items.length - 50} more`))),
    );
  }
  if (!any && d) out.append(h("p", { class: "soft" }, "It changed nothing: all is as it was before."));
  for (const text of [...(d?.asks ?? []), ...(r.notes ?? [])]) out.append(h("p", { class: "soft" }, text));
  return out;
}

/** triage lists failures that wait for a person. */
export async function triage(p: Product): Promise<Node[]> {
  const rows = await all<Evidence>(`/products/${p.id}/evidence?triage=true`);
  if (rows.length === 0) return [empty("Nothing waits", "Each failing result is about something in the model. What cannot be matched waits here for a person.")];
  return [
    h("p", { class: "lead" }, `${count(rows.length, "failing result")} could not be matched. Until somebody decides, they change no rating.`),
    table(
      "Results that wait",
      ["Result", "From", "Where", "Severity", "Why it waits", ""],
      rows.map((e): Row => ({
        key: e.id,
        cells: [
          e.result.name || e.result.id,
          h("span", {}, e.source, h("small", {}, e.tool)),
          h("span", { class: "break" }, place(e)),
          e.result.severity ?? "",
          e.state === "ambiguous" ? "about several things" : "about nothing in the model",
          h("button", { "data-key": "decide-" + e.id, "aria-label": "Decide about " + (e.result.name || e.result.id), click: () => void decide(p, e).catch(fail) }, "Decide"),
        ],
        detail: () => [h("p", {}, e.result.detail ?? "The tool gives no detail."), h("p", { class: "soft" }, e.state_reason ?? "")],
      })),
    ),
  ];
}

function place(e: Evidence): string {
  const l = e.result.locations?.[0];
  return l ? [l.uri ?? l.method ?? "", l.line ? `:${l.line}` : ""].join("") : "";
}

async function decide(p: Product, e: Evidence): Promise<void> {
  const [weaknesses, cms] = await Promise.all([all<Weakness>(`/products/${p.id}/weaknesses`), all<Countermeasure>(`/products/${p.id}/countermeasures`)]);
  const proposed = new Set((e.proposed ?? []).flatMap((m) => [m.weakness, m.countermeasure]));
  const option = (x: { id: string; title: string; where_name: string }) => h("option", { value: x.id }, `${x.title} (${x.where_name})`);
  const group = (label: string, list: { id: string; title: string; where_name: string }[]) => list.length > 0 && h("optgroup", { label }, list.map(option));
  const subject = h(
    "select",
    { name: "subject" },
    h("option", { value: "" }, "Choose"),
    group("Proposed", [...weaknesses, ...cms].filter((x) => proposed.has(x.id))),
    group("Weaknesses", weaknesses),
    group("Countermeasures", cms),
  );
  const about = field("About", subject);
  const choice = (value: string, title: string, text: string, needs: boolean) => {
    const input = h("input", { type: "radio", name: "decision", value, required: true, checked: value === "match" });
    input.addEventListener("change", () => {
      about.hidden = !needs;
      subject.required = needs;
    });
    return h("label", { class: "choice" }, input, h("span", {}, h("strong", {}, title), h("small", {}, text)));
  };
  subject.required = true;
  await ask(
    e.result.name || e.result.id,
    [place(e)],
    [
      h(
        "fieldset",
        {},
        h("legend", { class: "sr" }, "Decision"),
        choice("match", "It is about something in the model", "All results of this rule count for it from now on.", true),
        choice("dismiss", "It is evidence of nothing here", "It does not come back.", false),
        choice("retest", "It was looked at again and is fixed", "It comes back if it fails again.", false),
      ),
      about,
      field("Reason", h("textarea", { name: "reason", rows: 2, required: true, minlength: 3, maxlength: 2000 })),
    ],
    "Decide",
    async (d) => {
      await call("POST", `/products/${p.id}/triage`, { evidence: e.id, decision: d["decision"], subject: d["decision"] === "match" ? d["subject"] : undefined, reason: d["reason"] });
      notice("Decided.", true);
    },
  );
}
