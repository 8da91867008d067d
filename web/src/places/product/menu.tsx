import { useNavigate } from "@tanstack/react-router";
import { Archive, ArchiveRestore, Copy, Download, Ellipsis, LayoutTemplate, Link2, Settings, SquareDashed } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useMe } from "../../app/session";
import { IconButton } from "../../ui/button";
import { copyText } from "../../ui/copy";
import { Menu, MenuItem, MenuLine } from "../../ui/menu";
import { toast, toastError } from "../../ui/toast";
import { useArchive, useTemplate } from "./actions";
import type { Product } from "./frame";

const Clone = lazy(() => import("./dialogs").then((m) => ({ default: m.Clone })));
const ExportDialog = lazy(() => import("./export").then((m) => ({ default: m.ExportDialog })));

/** ProductMenu is what can be done with a product as a whole. */
export function ProductMenu({ product: p }: { product: Product }) {
  const [cloning, setCloning] = useState(false);
  const [exporting, setExporting] = useState(false);
  const navigate = useNavigate();
  const archive = useArchive(p);
  const template = useTemplate(p);
  const me = useMe();
  const can = (action: string) => (p.can ?? []).includes(action as never);
  const create = (me?.can ?? []).includes("product.create" as never);
  const copy = () =>
    copyText(location.href)
      .then(() => toast("The address of this page is copied."))
      .catch(() => toastError(new Error("The browser did not let the address be copied; copy it from the address bar.")));
  return (
    <>
      <Menu
        align="end"
        label="The product"
        trigger={
          <IconButton label="More about this product" size="sm">
            <Ellipsis size={16} />
          </IconButton>
        }
      >
        <MenuItem icon={<Link2 size={15} />} onSelect={() => void copy()}>
          Copy the address
        </MenuItem>
        <MenuItem icon={<Settings size={15} />} onSelect={() => void navigate({ to: "/products/$product/settings", params: { product: p.id } })}>
          Settings
        </MenuItem>
        <MenuItem icon={<Download size={15} />} onSelect={() => setExporting(true)}>
          Download the model…
        </MenuItem>
        {create && <MenuLine />}
        {create && (
          <MenuItem icon={<Copy size={15} />} onSelect={() => setCloning(true)}>
            Clone…
          </MenuItem>
        )}
        {can("product.edit") && !p.archived && (
          <MenuItem icon={p.template ? <SquareDashed size={15} /> : <LayoutTemplate size={15} />} onSelect={() => template.mutate(!p.template)}>
            {p.template ? "Make it an ordinary product" : "Make it a template"}
          </MenuItem>
        )}
        {can("product.archive") && <MenuLine />}
        {can("product.archive") && (
          <MenuItem icon={p.archived ? <ArchiveRestore size={15} /> : <Archive size={15} />} onSelect={() => archive.mutate(!p.archived)}>
            {p.archived ? "Bring it back" : "Archive"}
          </MenuItem>
        )}
      </Menu>
      <Suspense fallback={null}>
        {exporting && <ExportDialog product={p} onClose={() => setExporting(false)} />}
        {cloning && <Clone product={p} onClose={() => setCloning(false)} />}
      </Suspense>
    </>
  );
}
