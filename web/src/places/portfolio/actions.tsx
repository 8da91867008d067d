import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Archive, ArchiveRestore, ArrowRight, Copy, Ellipsis, Stamp, Trash2 } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { productQuery } from "../../api/query";
import { useMe } from "../../app/session";
import { IconButton } from "../../ui/button";
import { Menu, MenuItem, MenuLine } from "../../ui/menu";
import { useArchive, useTemplate } from "../product/actions";
import type { Product } from "./data";

const Clone = lazy(() => import("../product/dialogs").then((m) => ({ default: m.Clone })));
const Remove = lazy(() => import("../product/dialogs").then((m) => ({ default: m.Remove })));

/** Actions is the menu of a product in the portfolio. */
export function Actions({ product }: { product: Product }) {
  const [dialog, setDialog] = useState<"clone" | "remove">();
  const close = () => setDialog(undefined);
  return (
    <>
      <Menu
        align="end"
        label={`What to do with ${product.name}`}
        trigger={
          <IconButton label={`More for ${product.name}`} size="sm">
            <Ellipsis size={16} />
          </IconButton>
        }
      >
        <Items product={product} onDialog={setDialog} />
      </Menu>
      <Suspense fallback={null}>
        {dialog === "clone" && <Clone product={product} onClose={close} />}
        {dialog === "remove" && <Remove product={product} onClose={close} />}
      </Suspense>
    </>
  );
}

function Items({ product: p, onDialog }: { product: Product; onDialog: (d: "clone" | "remove") => void }) {
  const navigate = useNavigate();
  const me = useMe();
  // What one may do there is not in the list; it is asked for when the menu opens.
  const can = useQuery(productQuery(p.id)).data?.can ?? [];
  const may = (action: string) => can.includes(action);
  const archive = useArchive(p);
  const template = useTemplate(p);
  const creates = (me?.can ?? []).includes("product.create");
  return (
    <>
      <MenuItem icon={<ArrowRight size={15} />} onSelect={() => void navigate({ to: "/products/$product/overview", params: { product: p.id } })}>
        Open
      </MenuItem>
      {creates && (
        <MenuItem icon={<Copy size={15} />} onSelect={() => onDialog("clone")}>
          Clone…
        </MenuItem>
      )}
      {!p.archived && (
        <MenuItem icon={<Stamp size={15} />} disabled={!may("product.edit")} onSelect={() => template.mutate(!p.template)}>
          {p.template ? "Make it a product again" : "Make it a template"}
        </MenuItem>
      )}
      <MenuLine />
      <MenuItem
        icon={p.archived ? <ArchiveRestore size={15} /> : <Archive size={15} />}
        disabled={!may("product.archive")}
        onSelect={() => archive.mutate(!p.archived)}
      >
        {p.archived ? "Bring back" : "Archive"}
      </MenuItem>
      {p.archived && (
        <MenuItem danger icon={<Trash2 size={15} />} disabled={!may("product.delete")} onSelect={() => onDialog("remove")}>
          Delete…
        </MenuItem>
      )}
    </>
  );
}
