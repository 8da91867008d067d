import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Network } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { once } from "../api/client";
import { onLeaving, useMe } from "../app/session";
import { useCan, useProduct } from "../places/product/frame";
import { useAddress } from "../ui/address";
import { Button } from "../ui/button";
import { useMedia } from "../ui/media";
import { Empty, Failed, Loading } from "../ui/state";
import { toastError } from "../ui/toast";
import { newId } from "./ids";
import { type Editor, makeEditor } from "./store";
import { server } from "./transport";
import { keyOf } from "./types";
import { Workbench } from "./workbench";

/** Open drawings keep what can be undone and what is not sent yet while a person is elsewhere in the page. */
const opened = new Map<string, Editor>();

onLeaving({
  finish: async () => {
    const sent = Promise.allSettled([...opened.values()].map((e) => e.sync?.settled()));
    await Promise.race([sent, new Promise((done) => setTimeout(done, 2000))]);
  },
  forget: () => {
    for (const e of opened.values()) e.sync?.stop();
    opened.clear();
  },
});

async function openDrawing(product: string, diagram: string, account: string): Promise<Editor> {
  const known = diagram ? opened.get(`${product} ${diagram}`) : undefined;
  if (known) {
    known.sync?.heard({ product, seq: 0 });
    return known;
  }
  const drawing = await server(product, diagram || null).read();
  const key = `${product} ${drawing.diagram ?? ""}`;
  const other = opened.get(key);
  if (other) {
    other.sync?.heard({ product, seq: 0 });
    return other;
  }
  const editor = makeEditor(product, drawing, server(product, drawing.diagram), account);
  opened.set(key, editor);
  return editor;
}

/** Diagram is the place of the diagram editor. */
export function Diagram() {
  const product = useProduct();
  const me = useMe();
  const [search] = useAddress();
  const asked = search.diagram ?? "";
  // Who asked for the first diagram stays with it when another one becomes the first.
  const stay = useRef<Editor>(undefined);
  const q = useQuery({
    queryKey: ["drawing", product.id, asked],
    queryFn: async () => {
      const s = asked ? undefined : stay.current?.store.getState();
      const kept = s?.product === product.id && s.diagram && s.doc.now.has(keyOf("diagrams", s.diagram)) ? s.diagram : "";
      const editor = await openDrawing(product.id, asked || kept, me?.id ?? "");
      stay.current = asked ? undefined : editor;
      return editor;
    },
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    structuralSharing: false,
    placeholderData: (old) => (old?.store.getState().product === product.id ? old : undefined),
  });
  if (!q.data) {
    if (!q.error) return <Loading />;
    const way = asked && (
      <Link to="/products/$product/diagram" params={{ product: product.id }} className="link text-sm">
        To the diagrams of this product
      </Link>
    );
    return <Failed error={q.error} retry={() => void q.refetch()} way={way} />;
  }
  const s = q.data.store.getState();
  if (!s.diagram && s.doc.now.size === 0) return <First product={product.id} done={() => void q.refetch()} />;
  return <Workbench key={`${s.product} ${s.diagram}`} editor={q.data} />;
}

/** First is the place of a product without a diagram. */
function First({ product, done }: { product: string; done: () => void }) {
  const can = useCan();
  const [search, set] = useAddress();
  const [busy, setBusy] = useState(false);
  const wide = useMedia("(min-width: 1024px)");
  // However often it is tried, it is one diagram.
  const [{ id, key }] = useState(() => ({ id: newId("diagrams"), key: once() }));
  const start = async () => {
    setBusy(true);
    try {
      await server(product, null).send("Add diagram", [{ kind: "diagrams", id, op: "put", element: { id, title: "Main diagram" } }], key);
      opened.delete(`${product} `);
      done();
    } catch (err) {
      toastError(err);
    } finally {
      setBusy(false);
    }
  };
  // Who made the product to draw it need not say so twice.
  const wanted = search.start === "1" && can("model.edit");
  const begun = useRef(false);
  useEffect(() => {
    if (!wanted || begun.current) return;
    begun.current = true;
    void start().finally(() => set({ start: undefined }));
  });
  if (wanted) return <Loading />;
  return (
    <>
      <h1 className="sr-only">Diagram</h1>
      <Empty
        icon={<Network size={20} />}
        title="No diagram yet"
        action={
          can("model.edit") && wide ? (
            <Button look="primary" busy={busy} onClick={() => void start()}>
              Draw the first diagram
            </Button>
          ) : undefined
        }
      >
        {wide
          ? "Draw who uses the product, what processes and stores data, and where trust ends. The rules of the library then say what could go wrong there."
          : "On a wider screen, draw who uses the product, what processes and stores data, and where trust ends."}
      </Empty>
    </>
  );
}
