import { once, Problem } from "../api/client";
import type { Change as News } from "../app/events";
import { type Doc, difference, dirty, type Kept, kept, receive, sent, unsent } from "./document";
import type { Transport } from "./transport";
import type { Change, Facts, Theirs } from "./types";

/** Save is what is known of where the work is. */
export interface Save {
  state: "saved" | "saving" | "unsaved" | "offline" | "conflict" | "refused";
  /** What the server said when it refused. */
  text?: string;
}

/**
 * standing is what a person is told of it. Where the browser has no room to keep work that the server has not got,
 * that is lost with the tab: "fragile" while the server answers, "lonely" while it does not.
 */
export function standing(state: Save["state"], keeps: boolean): Save["state"] | "fragile" | "lonely" {
  if (keeps) return state;
  if (state === "offline") return "lonely";
  return state === "unsaved" || state === "saving" ? "fragile" : state;
}

/** Board is what the synchronisation works on: the document of an open drawing, wherever it lives. */
export interface Board {
  doc: () => Doc;
  setDoc: (doc: Doc) => void;
  facts: (change: Record<string, Facts>, removed: string[], all?: boolean) => void;
  save: (s: Save) => void;
  /** Somebody else changed these. */
  seen: (who: string | undefined, keys: string[]) => void;
  /** Writes unsent work down on this machine. */
  keep: (work: Kept[]) => void;
}

const debounce = 400;
const waits = [1000, 2000, 4000, 8000, 15_000];
const most = 5000;

/**
 * Sync brings the work of one open drawing to the server and other people's work here.
 * One request is under way at a time. A batch that got no answer is sent again as it
 * was, under the same key, before anything else.
 */
export class Sync {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private keeper: ReturnType<typeof setTimeout> | undefined;
  private busy = false;
  private stopped = false;
  private attempts = 0;
  private pending: { batch: Change[]; key: string; label?: string } | undefined;
  private readonly own = new Set<string>();
  private news: News[] = [];
  private label: string | undefined;

  constructor(
    private readonly board: Board,
    private readonly transport: Transport,
  ) {}

  /** edited is told of every change of the document by the person here. */
  edited(label: string): void {
    this.label = this.label && this.label !== label ? undefined : label;
    this.board.save({ state: this.attempts > 0 ? "offline" : "unsaved" });
    this.keepSoon();
    this.after(this.attempts > 0 ? waits[Math.min(this.attempts, waits.length) - 1]! : debounce);
  }

  /** flush sends what is unsent now: on leaving, on blur, when the server is back. */
  flush(): void {
    this.keepNow();
    this.after(0);
  }

  /** settled sends what is unsent and waits until the server has it, or fails. */
  async settled(): Promise<void> {
    for (let tries = 0; tries < 50 && unsent(this.board.doc()).length > 0; tries++) {
      if (this.attempts > 0) throw new Problem(0, "offline", "The server does not answer. The diagram is kept here and sent as soon as it is back.");
      if (this.busy) await new Promise((done) => setTimeout(done, 100));
      else await this.run();
    }
  }

  /** heard is told of the server's events about this product. */
  heard(news: News): void {
    if (news.request_id && this.own.has(news.request_id)) return;
    this.news.push(news);
    if (!this.busy) this.after(80);
  }

  /** stop keeps what is unsent on this machine and sends nothing from now on. */
  stop(): void {
    this.keepNow();
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private after(ms: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.run(), ms);
  }

  private keepSoon(): void {
    this.keeper ??= setTimeout(() => this.keepNow(), 150);
  }

  private keepNow(): void {
    clearTimeout(this.keeper);
    this.keeper = undefined;
    if (this.stopped) return;
    this.board.keep(kept(this.board.doc()));
  }

  /** run does what there is to do, one thing after the other. */
  async run(): Promise<void> {
    if (this.busy || this.stopped) return;
    this.busy = true;
    try {
      while (!this.stopped) {
        if (!this.pending && this.news.length > 0) await this.fetch();
        else if (this.pending || unsent(this.board.doc()).length > 0) await this.post();
        else break;
        this.attempts = 0;
      }
      this.rest();
    } catch (err) {
      this.failed(err);
    } finally {
      this.busy = false;
    }
  }

  private rest(): void {
    const doc = this.board.doc();
    this.board.save({ state: doc.conflicts.length > 0 ? "conflict" : dirty(doc) ? "unsaved" : "saved" });
    this.keepNow();
  }

  private failed(err: unknown): void {
    const p = err instanceof Problem ? err : undefined;
    const text = err instanceof Error ? err.message : String(err);
    if (p && p.status !== 0 && p.status < 500 && p.status !== 401 && p.status !== 429) {
      // A refusal is final until something else is done; what was done stays here.
      this.pending = undefined;
      this.board.save({ state: "refused", text: [text, ...p.fields.map((f) => f.text)].join(" ") });
      return;
    }
    this.attempts++;
    if (dirty(this.board.doc())) this.board.save({ state: "offline" });
    this.after(waits[Math.min(this.attempts, waits.length) - 1]!);
  }

  private async post(): Promise<void> {
    this.pending ??= { batch: unsent(this.board.doc()).slice(0, most), key: once(), label: this.label };
    this.label = undefined;
    const p = this.pending;
    this.board.save({ state: "saving" });
    try {
      const { reply, request } = await this.transport.send(p.label, p.batch, p.key);
      this.pending = undefined;
      if (request) this.own.add(request);
      this.news = this.news.filter((n) => !n.request_id || !this.own.has(n.request_id));
      this.board.setDoc(sent(this.board.doc(), p.batch, reply));
      this.board.facts(
        reply.facts ?? {},
        (reply.removed ?? []).map((r) => r.id),
      );
    } catch (err) {
      if (!(err instanceof Problem) || err.status !== 412) throw err;
      this.pending = undefined;
      await this.rebase(err);
    }
  }

  /** rebase takes in what made a batch stale: what the server named, then the whole drawing. */
  private async rebase(problem: Problem): Promise<void> {
    const named = (problem.body.conflicts ?? []) as {
      kind: Theirs["kind"];
      id: string;
      version: number;
      element: Theirs["value"] | null;
      by?: string;
      at?: string;
    }[];
    this.take(
      named.map((c) => ({ kind: c.kind, id: c.id, version: c.version, value: c.element ?? undefined, by: c.by, at: c.at })),
      named[0]?.by,
    );
    await this.fetch(named[0]?.by);
  }

  /**
   * fetch reads the drawing and takes in what others changed; only what follows from it where nobody drew
   * anything. by is whose work it is where the news of it is still on its way.
   */
  private async fetch(by?: string): Promise<void> {
    const news = this.news;
    this.news = [];
    const drawn = /^(component|flow|zone|curve|text|diagram|asset)\//;
    const drew = news.filter((n) => !n.objects || n.objects.some((o) => drawn.test(o)));
    const who = drew.findLast((n) => n.actor_name)?.actor_name ?? by;
    try {
      if (news.length > 0 && drew.length === 0) {
        this.board.facts(await this.transport.facts(), [], true);
        return;
      }
      const d = await this.transport.read();
      this.take(difference(this.board.doc(), d, who), who);
      this.board.facts(d.facts, [], true);
    } catch (err) {
      this.news = [...news, ...this.news];
      throw err;
    }
  }

  private take(theirs: Theirs[], who: string | undefined): void {
    if (theirs.length === 0) return;
    const { doc, changed } = receive(this.board.doc(), theirs);
    this.board.setDoc(doc);
    if (changed.length > 0) this.board.seen(who, changed);
  }
}
