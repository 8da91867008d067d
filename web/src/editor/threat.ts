import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { threatsQuery } from "../api/query";
import { useAddress } from "../ui/address";
import { reveal } from "./keys";
import { type Editor, useDrawing } from "./store";

/** useShownThreat draws the way to the threat that the address names, and takes the way away when something else is selected. */
export function useShownThreat(editor: Editor): void {
  const [search] = useAddress();
  const id = search.threat;
  const product = useDrawing((s) => s.product);
  const threats = useQuery({ ...threatsQuery(product), enabled: !!id });
  const where = id ? threats.data?.find((t) => t.id === id)?.where : undefined;
  const path = useDrawing((s) => (where ? s.facts[where]?.exposure_path : undefined));
  useEffect(() => {
    if (!id || !where) return;
    editor.store.setState({ threat: id, path: path ?? [where] });
    if (editor.store.getState().doc.now.has(where)) {
      editor.select([where]);
      setTimeout(() => reveal(editor, where), 80);
    }
  }, [editor, id, where, path]);
  useEffect(
    () =>
      editor.store.subscribe((s, old) => {
        if (s.selection === old.selection || s.path.length === 0) return;
        const [one] = s.selection;
        if (one && !s.path.includes(one)) editor.store.setState({ path: [], threat: null });
      }),
    [editor],
  );
}
