import { useNavigate } from "@tanstack/react-router";
import { Boxes, FileInput, FlaskRound, ListChecks, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { api, ok } from "../../api/client";
import { useChange } from "../../app/change";
import { useMe } from "../../app/session";
import { Empty } from "../../ui/state";

/** Start is the portfolio of who has no product yet: three ways to the first one. */
export function Start() {
  const me = useMe();
  const navigate = useNavigate();
  const sample = useChange(
    undefined,
    () => ok(api.POST("/products/sample", { body: {} })),
    (p) => {
      void navigate({ to: "/products/$product/overview", params: { product: p.id } });
      return { text: `“${p.name}” is yours to try things with` };
    },
  );
  if (!(me?.can ?? []).includes("product.create")) {
    return (
      <Empty icon={<Boxes size={20} />} title="No product is shared with you yet">
        Ask an administrator, or who leads a product, to make you a member. It appears here by itself.
      </Empty>
    );
  }
  return (
    <div className="mx-auto max-w-4xl pt-4 sm:pt-10">
      <div className="mb-6 text-center">
        <h2 className="font-semibold text-2xl tracking-tight">Your first threat model</h2>
        <p className="mx-auto mt-1.5 max-w-[56ch] text-soft">
          Describe a product in the way that is nearest to hand. Threats, their ratings and what to do about them follow from that, and stay true as
          it changes.
        </p>
      </div>
      <div className="grid gap-3 sm:grid-cols-3 sm:gap-4">
        <Way
          icon={sample.isPending ? <LoaderCircle className="animate-spin" size={20} /> : <FlaskRound size={20} />}
          title="Try the sample product"
          about="A small shop with a diagram, threats and decisions. Change anything; archive it when you are done."
          effort="One click"
          busy={sample.isPending}
          onPick={() => sample.mutate(undefined)}
        />
        <Way
          icon={<ListChecks size={20} />}
          title="Answer a questionnaire"
          about="No diagram needed. You see with every answer what it brings in, and you can stop and come back."
          effort="About ten minutes"
          onPick={() => void navigate({ to: "/new", search: { how: "questionnaire" } as never })}
        />
        <Way
          icon={<FileInput size={20} />}
          title="Import a model"
          about="A file of Threat Dragon, Threagile, the Microsoft tool and others. You see what was understood before anything is stored."
          effort="Bring a file"
          onPick={() => void navigate({ to: "/new", search: { how: "import" } as never })}
        />
      </div>
    </div>
  );
}

/** Way is one way to a product: a card that is pressed. */
export function Way({
  icon,
  title,
  about,
  effort,
  busy,
  disabled,
  onPick,
}: {
  icon: ReactNode;
  title: string;
  about: string;
  effort: string;
  busy?: boolean;
  disabled?: boolean;
  onPick: () => void;
}) {
  return (
    <button
      type="button"
      disabled={busy || disabled}
      aria-busy={busy || undefined}
      onClick={onPick}
      className="card group flex items-start gap-3.5 p-4 text-start transition-colors duration-100 hover:border-accent disabled:cursor-not-allowed disabled:opacity-60 disabled:hover:border-line sm:flex-col sm:p-5"
    >
      <span aria-hidden className="grid size-10 shrink-0 place-items-center rounded-lg bg-accent-soft text-accent">
        {icon}
      </span>
      <span className="flex min-w-0 flex-1 flex-col self-stretch">
        <span className="font-semibold text-lg">{title}</span>
        <span className="mt-1 mb-3 text-sm text-soft">{about}</span>
        <span className="mt-auto text-accent text-xs">{effort}</span>
      </span>
    </button>
  );
}
