import {
  AlignCenterHorizontal,
  AlignCenterVertical,
  AlignEndHorizontal,
  AlignEndVertical,
  AlignHorizontalSpaceAround,
  AlignStartHorizontal,
  AlignStartVertical,
  AlignVerticalSpaceAround,
  Copy,
  PanelRightClose,
  Trash2,
} from "lucide-react";
import { memo, type ReactNode } from "react";
import { IconButton } from "../ui/button";
import { Disclosure } from "../ui/parts";
import { align, distribute, type Edge } from "./actions";
import { duplicate } from "./clipboard";
import { common, everywhere } from "./common";
import { Attributes, Properties, Scope, Tags, TrustSlider, TypeField } from "./element";
import { gone } from "./keys";
import { Questions } from "./questions";
import { ElementFacts, PlanStrip, Risks } from "./risks";
import { useDrawing, useEditor } from "./store";
import { boxOf, type Component, type Item, nameOf, wordOf, type Zone } from "./types";
import { Whole } from "./whole";

/** Panel shows what is selected: properties, what follows, threats and countermeasures. */
export const Panel = memo(function Panel({ onClose }: { onClose: () => void }) {
  const selection = useDrawing((s) => s.selection);
  const now = useDrawing((s) => s.doc.now);
  const items = [...selection].map((id) => now.get(id)).filter((i) => i !== undefined);
  const one = items.length === 1 ? items[0] : undefined;
  return (
    <aside data-panel aria-label="Details" className="flex h-full w-80 shrink-0 flex-col border-line border-s bg-surface">
      <header className="flex items-center gap-1 border-line border-b py-1.5 ps-4 pe-2">
        <div className="min-w-0 flex-1">
          <p className="text-2xs text-soft">{one ? wordOf(one) : items.length > 1 ? "Selection" : "Diagram"}</p>
          <h2 className="truncate font-semibold leading-5">
            <bdi>{one ? nameOf(one) : items.length > 1 ? `${items.length} elements` : "Nothing selected"}</bdi>
          </h2>
        </div>
        {items.length > 0 && <Acts />}
        <IconButton size="sm" label="Hide the panel" keys="i" onClick={onClose}>
          <PanelRightClose size={15} />
        </IconButton>
      </header>
      <PlanStrip where={one && one.kind !== "texts" ? one.id : undefined} />
      <div
        key={one?.id ?? items.length}
        className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] content-start gap-5 overflow-y-auto px-4 py-3.5"
        role="group"
        aria-label="Properties and risks"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keyboard
        tabIndex={0}
      >
        {one ? <One item={one} /> : items.length > 1 ? <Several items={items} /> : <Whole />}
      </div>
    </aside>
  );
});

function Acts() {
  const editor = useEditor();
  const readOnly = useDrawing((s) => s.readOnly);
  if (readOnly) return null;
  return (
    <>
      <IconButton size="sm" label="Duplicate" keys="mod+d" onClick={() => duplicate(editor)}>
        <Copy size={14} />
      </IconButton>
      <IconButton size="sm" label="Delete" keys="delete" onClick={() => gone(editor)}>
        <Trash2 size={14} />
      </IconButton>
    </>
  );
}

function One({ item }: { item: Item }) {
  if (item.kind === "texts") return <Properties item={item} />;
  return (
    <>
      {(item.kind === "components" || item.kind === "flows") && <Risks item={item} />}
      <Disclosure open summary="Properties">
        <div className="-ms-5 pt-2">
          <Properties item={item} />
        </div>
      </Disclosure>
      {item.kind === "components" && <Questions item={item as Item<"components">} />}
      <ElementFacts item={item} />
    </>
  );
}

const edges: [Edge, string, ReactNode][] = [
  ["left", "Align left", <AlignStartVertical key="l" size={15} />],
  ["center", "Align centres", <AlignCenterVertical key="c" size={15} />],
  ["right", "Align right", <AlignEndVertical key="r" size={15} />],
  ["top", "Align top", <AlignStartHorizontal key="t" size={15} />],
  ["middle", "Align middles", <AlignCenterHorizontal key="m" size={15} />],
  ["bottom", "Align bottom", <AlignEndHorizontal key="b" size={15} />],
];

/** Several edits what several elements have in common, all of them as one step. */
function Several({ items }: { items: Item[] }) {
  const editor = useEditor();
  const readOnly = useDrawing((s) => s.readOnly);
  const boxes = items.filter(boxOf);
  const components = items.filter((i) => i.kind === "components") as Item<"components">[];
  const flows = items.filter((i) => i.kind === "flows") as Item<"flows">[];
  const zones = items.filter((i) => i.kind === "zones") as Item<"zones">[];
  const scoped = [...components, ...flows];
  const kind = common(components.map((c) => c.value.kind));
  const shared = (list: (Record<string, string> | undefined)[]) => {
    const first = list[0] ?? {};
    return Object.fromEntries(Object.entries(first).filter(([k, v]) => list.every((l) => l?.[k] === v)));
  };
  return (
    <fieldset disabled={readOnly} className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
      <legend className="sr-only">What they have in common</legend>
      {boxes.length > 1 && (
        <div className="grid gap-1">
          <h3 className="overline">Arrange</h3>
          <div className="flex flex-wrap gap-0.5">
            {edges.map(([e, name, icon]) => (
              <IconButton key={e} size="sm" label={name} onClick={() => align(editor, e)}>
                {icon}
              </IconButton>
            ))}
            <IconButton size="sm" label="Same room between, across" disabled={boxes.length < 3} onClick={() => distribute(editor, "x")}>
              <AlignHorizontalSpaceAround size={15} />
            </IconButton>
            <IconButton size="sm" label="Same room between, down" disabled={boxes.length < 3} onClick={() => distribute(editor, "y")}>
              <AlignVerticalSpaceAround size={15} />
            </IconButton>
          </div>
        </div>
      )}
      {components.length > 0 && (
        <TypeField items={components} kind={kind} value={common(components.map((c) => (c.value as Component).type ?? "")) ?? "Different types"} />
      )}
      {zones.length === items.length && (
        <TrustSlider items={zones} value={common(zones.map((z) => (z.value as Zone).trust))} guess={zones.some((z) => z.value.guess)} />
      )}
      {scoped.length === items.length && <Tags items={scoped} values={everywhere(scoped.map((i) => i.value.tags ?? []))} />}
      {components.length === items.length && kind && (
        <Attributes items={components} kind={kind} values={shared(components.map((c) => c.value.attributes))} />
      )}
      {flows.length === items.length && <Attributes items={flows} kind="flow" values={shared(flows.map((f) => f.value.attributes))} />}
      {scoped.length > 0 && (
        <Scope
          items={scoped}
          out={scoped.every((i) => i.value.out_of_scope)}
          reason={common(scoped.map((i) => i.value.out_of_scope_reason ?? "")) ?? ""}
        />
      )}
      <ul className="grid gap-0.5 text-sm">
        {items.slice(0, 50).map((i) => (
          <li key={i.id}>
            <button
              type="button"
              onClick={() => editor.select([i.id])}
              className="w-full truncate rounded-sm px-1.5 py-0.5 text-start hover:bg-raised"
            >
              <bdi>{nameOf(i)}</bdi> <span className="text-soft text-xs">{wordOf(i)}</span>
            </button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}
