import { h, when } from "./dom";
import { prose } from "./parts";
import { call, few, type Card, type Connection } from "./rest";
import { ask, button, empty, field, notice, opened } from "./ui";

const columns = ["To do", "In progress", "Done"];
let arrived = "";

/** board is the built-in tracker: three columns of cards. */
export async function board(parts: string[]): Promise<Node[]> {
  const [id, named] = parts;
  const connections = (await few<Connection>("/connections")).filter((c) => c.kind === "builtin" && (!id || c.id === id));
  const head = [h("h1", {}, "Board"), h("p", { class: "lead" }, "The built-in tracker. Tickets of other trackers stay where your team works.")];
  if (connections.length === 0) return [...head, empty("No built-in tracker is connected", h("a", { href: "#/connections" }, "Connect it"), " to have tickets without another program.")];
  const out: Node[] = head;
  for (const c of connections) {
    const cards = await few<Card>(`/connections/${c.id}/tickets`);
    if (connections.length > 1) out.push(h("h2", {}, c.name));
    if (cards.length === 0) {
      out.push(empty("No ticket yet", "Choose this tracker under Tickets of a product, then publish."));
      continue;
    }
    if (named && arrived !== location.hash) opened.add(`card-${c.id}-${named}`);
    arrived = location.hash;
    out.push(
      h(
        "div",
        { class: "board" },
        columns.map((name) => {
          const here = cards.filter((k) => k.status === name);
          return h("section", { class: "column", "aria-label": name }, h("h2", {}, name, h("span", { class: "soft" }, here.length)), here.map((k) => card(c, k, k.key === named)), here.length === 0 && h("p", { class: "soft none" }, "Nothing here."));
        }),
      ),
    );
  }
  return out;
}

function card(c: Connection, k: Card, named: boolean): HTMLElement {
  const move = (text: string, to: object, said: string) =>
    button(
      text,
      async () => {
        await call("POST", `/connections/${c.id}/tickets/${k.id}/move`, to);
        notice(`${k.key} ${said}.`, true);
      },
      { "aria-label": `${text}: ${k.key}`, "data-key": `move-${k.id}-${text}` },
    );
  const moves: HTMLElement[] = [];
  if (k.status !== "To do") moves.push(move(k.status === "Done" ? "Reopen" : "Back", { status: "To do" }, "is to do again"));
  if (k.status === "To do") moves.push(move("Start", { status: "In progress" }, "is in progress"));
  if (k.status !== "Done") {
    moves.push(move("Done", { status: "Done", resolution: "Done" }, "is done"));
    moves.push(h("button", { "data-key": `wont-${k.id}`, "aria-label": `Won't do: ${k.key}`, click: () => void refuse(c, k) }, "Won't do"));
  }
  const key = `card-${c.id}-${k.key}`;
  const body = h("div", { class: "card-body" });
  const d = h("details", { open: opened.has(key) }, h("summary", { "data-key": key }, h("span", { class: "soft" }, k.key), " ", k.summary), body);
  let read = false;
  const load = async () => {
    if (read) return;
    read = true;
    body.replaceChildren(...text(k)); // at once; comments follow
    const whole = await call<Card>("GET", `/connections/${c.id}/tickets/${k.id}`).catch(() => undefined);
    if (whole?.comments?.length) body.append(h("h3", {}, "Comments"), ...whole.comments.map((m) => h("div", { class: "comment" }, h("small", {}, m.author, " · ", when(m.created)), h("p", { class: "pre" }, m.text))));
  };
  d.addEventListener("toggle", () => {
    if (d.open) {
      opened.add(key);
      void load();
    } else opened.delete(key);
  });
  return h("article", { class: named ? "card ticket named" : "card ticket" }, d, k.resolution && k.resolution !== "Done" && h("div", { class: "soft" }, k.resolution), h("div", { class: "row tight" }, moves));
}

/** text is a ticket's description without the lines that mark our part of it. */
function text(k: Card): Node[] {
  const marks = k.markers ?? [];
  const lines = (k.body ?? "").split("\n").filter((l) => !marks.some((m) => l.includes(m)));
  const out: Node[] = [prose(lines.join("\n").trim() || "No description.")];
  if (k.links?.length) out.push(h("p", { class: "soft" }, "Linked: ", k.links.join(", ")));
  return out;
}

async function refuse(c: Connection, k: Card): Promise<void> {
  await ask(`Won't do ${k.key}`, [k.summary], [field("Reason", h("textarea", { name: "comment", rows: 3, required: true }), "It is written on the ticket, and the countermeasure becomes rejected.")], "Won't do", async (d) => {
    await call("POST", `/connections/${c.id}/tickets/${k.id}/move`, { status: "Done", resolution: "Won't do", comment: d["comment"] });
    notice(`${k.key} will not be done.`, true);
  });
}
