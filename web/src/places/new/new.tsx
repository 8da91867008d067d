import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, FileInput, ListChecks, PenTool, ShieldX, Stamp } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { useAddress } from "../../ui/address";
import { FormDialog } from "../../ui/dialog";
import { Place } from "../../ui/parts";
import { Empty, Loading } from "../../ui/state";
import { type Custom, given, NewFields } from "../fields";
import { Way } from "../portfolio/start";
import { NameAndTeam } from "./naming";

const FirstStep = lazy(() => import("./first").then((m) => ({ default: m.FirstStep })));
const ImportNew = lazy(() => import("./import").then((m) => ({ default: m.ImportNew })));
const FromTemplate = lazy(() => import("./template").then((m) => ({ default: m.FromTemplate })));

const ways = {
  questionnaire: {
    title: "New product from a questionnaire",
    about: "Name it and answer the first questions. From the next step on everything is stored as you go, so you can stop and come back.",
  },
  import: { title: "New product from a model", about: "Choose a file to see what is understood of it. Nothing is stored before you say so." },
  template: { title: "New product from a template", about: "The product gets the drawing, the answers and the hand-made threats of a template." },
} as const;

/** NewProduct leads to a product: by a questionnaire, by a file, from a template, or empty to draw. */
export function NewProduct() {
  const [search] = useAddress();
  const me = useMe();
  const how = search.how && Object.hasOwn(ways, search.how) ? (search.how as keyof typeof ways) : undefined;
  const title = how ? ways[how].title : "New product";
  useEffect(() => {
    document.title = `${title} · Threatloop`;
  }, [title]);
  if (!(me?.can ?? []).includes("product.create")) {
    return (
      <Place title="New product">
        <Empty icon={<ShieldX size={20} />} title="You may not make products here">
          Ask an administrator for it, or to make the product and you a member of it.
        </Empty>
      </Place>
    );
  }
  return (
    <Place
      title={title}
      about={how ? ways[how].about : "Begin with what you have. Each way leads to the same threat model, and the others can be added later."}
      actions={
        how && (
          <Link
            to="/new"
            className="inline-flex h-8.5 items-center gap-1.5 rounded-md px-3 text-sm max-sm:relative max-sm:-start-3 text-soft hover:bg-raised hover:text-text"
          >
            <ArrowLeft aria-hidden size={14} />
            Another way
          </Link>
        )
      }
    >
      <Suspense fallback={<Loading rows={3} />}>
        {how === "questionnaire" ? <FirstStep /> : how === "import" ? <ImportNew /> : how === "template" ? <FromTemplate /> : <Ways />}
      </Suspense>
    </Place>
  );
}

function Ways() {
  const [, set] = useAddress();
  const [drawing, setDrawing] = useState(false);
  return (
    <div className="grid gap-3 sm:grid-cols-2 sm:gap-4 lg:grid-cols-4">
      <Way
        icon={<ListChecks size={20} />}
        title="Questionnaire"
        about="No diagram needed. You see with every answer what it brings in, and you can stop and come back."
        effort="About ten minutes"
        onPick={() => set({ how: "questionnaire" }, true)}
      />
      <Way
        icon={<FileInput size={20} />}
        title="Import"
        about="A file of Threat Dragon, Threagile, the Microsoft tool and others. You see what was understood before anything is stored."
        effort="Bring a file"
        onPick={() => set({ how: "import" }, true)}
      />
      <Way
        icon={<PenTool size={20} />}
        title="Diagram"
        about="Draw components, flows and trust zones; threats appear while you draw."
        effort="An empty sheet"
        onPick={() => setDrawing(true)}
      />
      <Way
        icon={<Stamp size={20} />}
        title="Template"
        about="A product that was made to be copied, with its drawing and its own threats."
        effort="A name is enough"
        onPick={() => set({ how: "template" }, true)}
      />
      {drawing && <Draw onClose={() => setDrawing(false)} />}
    </div>
  );
}

function Draw({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [team, setTeam] = useState("");
  const [custom, setCustom] = useState<Custom>({});
  const create = useChange(undefined, () =>
    ok(api.POST("/products", { body: { name: name.trim(), team: team.trim() || undefined, custom: given(custom) } })),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="New product with a diagram"
      verb="Create and draw"
      disabled={!name.trim()}
      submit={async () => {
        const p = await create.mutateAsync(undefined);
        void navigate({ to: "/products/$product/diagram", params: { product: p.id }, search: { start: "1" } as never });
      }}
    >
      {(problem) => (
        <>
          <NameAndTeam name={name} team={team} onName={setName} onTeam={setTeam} problem={problem} />
          <NewFields values={custom} onChange={setCustom} problem={problem} />
        </>
      )}
    </FormDialog>
  );
}
