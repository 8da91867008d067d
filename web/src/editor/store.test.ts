import { afterEach, describe, expect, it, vi } from "vitest";
import { makeEditor } from "./store";
import { synthetic } from "./synthetic";
import type { Transport } from "./transport";

/** storage is a browser's storage with so much room; what is beyond it is refused as a browser does. */
function storage(room: number) {
  const held = new Map<string, string>();
  return new Proxy(
    {
      getItem: (k: string) => held.get(k) ?? null,
      removeItem: (k: string) => held.delete(k),
      setItem: (k: string, v: string) => {
        if (v.length > room) throw new DOMException("full", "QuotaExceededError");
        held.set(k, v);
      },
    },
    { ownKeys: () => [...held.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) },
  );
}

const away: Transport = {
  read: () => Promise.reject(new Error("away")),
  facts: () => Promise.reject(new Error("away")),
  send: () => Promise.reject(new Error("away")),
};

afterEach(() => vi.unstubAllGlobals());

describe("work that is not sent yet", () => {
  it.each([
    ["is kept on this machine", 100_000, true],
    ["is said not to be kept where there is no room", 50, false],
  ])("%s", async (_, room, want) => {
    vi.stubGlobal("sessionStorage", storage(100));
    vi.stubGlobal("localStorage", storage(room));
    const editor = makeEditor("p", synthetic(3), away);
    const item = editor.store.getState().doc.now.get("c0")!;
    editor.edit("Rename", [{ kind: "components", id: "c0", value: { ...item.value, name: "Shop" } as typeof item.value }]);
    editor.sync!.flush();
    expect(editor.store.getState().keeps).toBe(want);
    // What was taken back needs no room.
    editor.undo();
    editor.sync!.flush();
    expect(editor.store.getState().keeps).toBe(true);
  });

  it("is nobody else's", () => {
    vi.stubGlobal("sessionStorage", storage(100));
    vi.stubGlobal("localStorage", storage(100_000));
    const named = (account: string) => makeEditor("p", synthetic(3), away, account).store.getState().doc.now.get("c0")?.value;
    const editor = makeEditor("p", synthetic(3), away, "ada");
    const item = editor.store.getState().doc.now.get("c0")!;
    editor.edit("Rename", [{ kind: "components", id: "c0", value: { ...item.value, name: "Shop" } as typeof item.value }]);
    editor.sync!.stop();
    expect(named("ada")).toMatchObject({ name: "Shop" });
    expect(named("bob")).toEqual(item.value);
  });
});
