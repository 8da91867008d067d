import { useNavigate } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useMe } from "../../app/session";
import { Button } from "../../ui/button";
import { Section } from "../../ui/parts";
import { useArchive, useTemplate } from "../product/actions";
import { useProduct } from "../product/frame";

const Clone = lazy(() => import("../product/dialogs").then((m) => ({ default: m.Clone })));
const Remove = lazy(() => import("../product/dialogs").then((m) => ({ default: m.Remove })));

/** Whole is what can be done with the product as a whole. */
export function Whole() {
  const p = useProduct();
  const me = useMe();
  const navigate = useNavigate();
  const [open, setOpen] = useState<"clone" | "delete">();
  const close = () => setOpen(undefined);
  const archive = useArchive(p);
  const template = useTemplate(p);
  const can = (action: string) => (p.can ?? []).includes(action as never);
  const create = (me?.can ?? []).includes("product.create" as never);
  return (
    <Section title="The product as a whole" flush>
      <ul className="divide-y divide-line pt-1">
        <Act title="Clone" about="Another product with the same answers, diagrams and threats; without tickets and test results">
          <Button disabled={!create} title={create ? undefined : "You may not create products"} onClick={() => setOpen("clone")}>
            Clone…
          </Button>
        </Act>
        <Act
          title={p.template ? "An ordinary product again" : "Make it a template"}
          about={p.template ? "It counts in the portfolio then" : "Made to be copied: no part of the portfolio, no tickets"}
        >
          <Button disabled={!can("product.edit") || p.archived} busy={template.isPending} onClick={() => template.mutate(!p.template)}>
            {p.template ? "Make it ordinary" : "Make a template"}
          </Button>
        </Act>
        <Act
          title={p.archived ? "Bring it back" : "Archive"}
          about={
            p.archived
              ? "It can be changed again, and stands in the portfolio"
              : "Readable by all who see it now, and not to be changed until it is brought back"
          }
        >
          <Button
            disabled={!can("product.archive")}
            title={can("product.archive") ? undefined : "Only an administrator of the product may archive it"}
            busy={archive.isPending}
            onClick={() => archive.mutate(!p.archived)}
          >
            {p.archived ? "Bring it back" : "Archive"}
          </Button>
        </Act>
        <Act
          title="Delete"
          about={
            p.archived
              ? "With its model, history, results and links to tickets, for good"
              : "Only an archived product can be deleted: archive it first"
          }
        >
          <Button
            look={p.archived && can("product.delete") ? "danger" : "secondary"}
            disabled={!p.archived || !can("product.delete")}
            onClick={() => setOpen("delete")}
          >
            Delete…
          </Button>
        </Act>
      </ul>
      <Suspense fallback={null}>
        {open === "clone" && <Clone product={p} onClose={close} />}
        {open === "delete" && <Remove product={p} onClose={close} onGone={() => void navigate({ to: "/" })} />}
      </Suspense>
    </Section>
  );
}

function Act({ title, about, children }: { title: string; about: string; children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-56">
        <h3 className="font-medium text-sm">{title}</h3>
        <p className="text-soft text-xs">{about}</p>
      </div>
      {children}
    </li>
  );
}
