import { useState } from "react";
import { api, ok, type S } from "../../api/client";
import { useWhole } from "../../api/whole";
import { useChange } from "../../app/change";
import { Combobox } from "../../ui/combobox";
import { FormDialog } from "../../ui/dialog";
import { Field, Input, Select, Textarea } from "../../ui/field";
import { Segmented } from "../../ui/parts";
import { word } from "../../ui/words";
import { countermeasureRows, threatRows } from "./data";
import { many } from "./edits";
import { OwnerField } from "./people";
import { Scale } from "./rate";

/** Serves is the threat that a countermeasure is to serve, and through which weakness. */
export interface Serves {
  id: string;
  title: string;
  where: string;
  where_name: string;
}

const units = ["days", "EUR", "USD", "GBP", "CHF"];

/** CostFields takes a cost apart: an amount and its unit. */
export function CostFields({
  amount,
  unit,
  onAmount,
  onUnit,
}: {
  amount: string;
  unit: string;
  onAmount: (a: string) => void;
  onUnit: (u: string) => void;
}) {
  return (
    <div className="grid grid-cols-[1fr_7rem] gap-2">
      <Field label="Cost" optional>
        <Input type="number" min={0} step="any" value={amount} onChange={(e) => onAmount(e.target.value)} />
      </Field>
      <Field label="In">
        <Select value={unit} onChange={(e) => onUnit(e.target.value)}>
          {[...new Set([...units, unit])].map((u) => (
            <option key={u}>{u}</option>
          ))}
        </Select>
      </Field>
    </div>
  );
}

/** costOf makes a cost of what was typed; an empty amount is none. */
export const costOf = (amount: string, unit: string): S["Cost"] | undefined =>
  amount.trim() === "" || Number.isNaN(Number(amount)) ? undefined : { amount: Number(amount), unit };

/**
 * AddCountermeasure makes a countermeasure, or links one that is there, and says what
 * share of a threat's risk it takes off. Without a threat it asks for one.
 */
export function AddCountermeasure({
  product,
  threat,
  weakness,
  weaknesses,
  linked,
  onClose,
  onAdded,
}: {
  product: string;
  threat?: Serves;
  weakness?: string;
  /** The weaknesses of the threat, to choose through which it serves. */
  weaknesses?: { id: string; title: string }[];
  /** Those that serve it already. */
  linked?: Set<string>;
  onClose: () => void;
  onAdded?: (id: string) => void;
}) {
  const [how, setHow] = useState<"new" | "link">("new");
  const [of, setOf] = useState("");
  const [through, setThrough] = useState(weakness ?? "");
  const [chosen, setChosen] = useState("");
  const [share, setShare] = useState(50);
  const [title, setTitle] = useState("");
  const [description, setDescription] = useState("");
  const [state, setState] = useState<"recommended" | "required" | "implemented">("required");
  const [test, setTest] = useState("");
  const [amount, setAmount] = useState("");
  const [unit, setUnit] = useState("days");
  const [owner, setOwner] = useState("");
  const threats = useWhole(threatRows(product, false), !threat);
  const countermeasures = useWhole(countermeasureRows(product, false), how === "link");
  const target = threat ?? threats.rows?.find((t) => t.id === of);
  const sorted = [...(countermeasures.rows ?? [])]
    .filter((c) => !linked?.has(c.id))
    .sort((a, b) => Number(b.where === target?.where) - Number(a.where === target?.where));
  const add = useChange(
    product,
    async (): Promise<string> => {
      if (!target) throw new Error("Choose the threat that it serves.");
      if (how === "link") {
        await ok(
          api.PUT("/products/{product}/links", {
            params: { path: { product } },
            body: { threat: target.id, weakness: through || undefined, countermeasure: chosen, share },
          }),
        );
        return chosen;
      }
      const made = await ok(
        api.POST("/products/{product}/countermeasures", {
          params: { path: { product } },
          body: {
            threat: target.id,
            weakness: through || undefined,
            share,
            title: title.trim(),
            description: description || undefined,
            state,
            test: test || undefined,
            cost: costOf(amount, unit),
            owner: owner || undefined,
          },
        }),
      );
      return made.id;
    },
    () => ({ text: how === "link" ? "The countermeasure is linked" : "The countermeasure is added" }),
  );
  return (
    <FormDialog
      open
      onClose={onClose}
      title="Add a countermeasure"
      about={target ? `Against ${many(1, target.title, "")} at ${target.where_name}.` : "What is done about a threat."}
      verb={how === "new" ? "Add" : "Link"}
      wide
      disabled={!target || (how === "new" ? !title.trim() : !chosen)}
      submit={async () => {
        const id = await add.mutateAsync();
        onAdded?.(id);
      }}
    >
      {(problem) => (
        <>
          <Segmented
            label="How"
            value={how}
            onChange={setHow}
            options={[
              { value: "new", text: "A new one" },
              { value: "link", text: "One that is there" },
            ]}
          />
          {!threat && (
            <Field label="Threat that it serves" error={problem?.field("threat")}>
              <Combobox
                label="Find a threat"
                value={of}
                onChange={setOf}
                options={(threats.rows ?? []).map((t) => ({ value: t.id, text: t.title, about: t.where_name }))}
              />
            </Field>
          )}
          {how === "new" ? (
            <>
              <Field label="Title" error={problem?.field("title")}>
                <Input value={title} maxLength={300} onChange={(e) => setTitle(e.target.value)} required autoFocus={!!threat} />
              </Field>
              <Field label="How to do it" optional>
                <Textarea rows={3} value={description} maxLength={20_000} onChange={(e) => setDescription(e.target.value)} />
              </Field>
            </>
          ) : (
            <Field label="Countermeasure" hint="Those at the same place come first.">
              <Combobox
                label="Find a countermeasure"
                value={chosen}
                onChange={setChosen}
                options={sorted.map((c) => ({ value: c.id, text: c.title, about: `${c.where_name} · ${word(c.state)}` }))}
              />
            </Field>
          )}
          {weaknesses && weaknesses.length > 0 && (
            <Field label="Through" hint="A failing test of that weakness withdraws its share.">
              <Select value={through} onChange={(e) => setThrough(e.target.value)}>
                <option value="">The threat itself</option>
                {weaknesses.map((w) => (
                  <option key={w.id} value={w.id}>
                    {w.title}
                  </option>
                ))}
              </Select>
            </Field>
          )}
          <Scale label="Share, in percent" value={share} onChange={setShare} low="Takes nothing off" high="Takes all of it off" />
          {how === "new" && (
            <>
              <div className="grid gap-4 sm:grid-cols-3">
                <Field label="State">
                  <Select value={state} onChange={(e) => setState(e.target.value as typeof state)}>
                    {(["recommended", "required", "implemented"] as const).map((s) => (
                      <option key={s} value={s}>
                        {word(s)}
                      </option>
                    ))}
                  </Select>
                </Field>
                <OwnerField product={product} value={owner} onChange={setOwner} optional error={problem?.field("owner")} />
                <CostFields amount={amount} unit={unit} onAmount={setAmount} onUnit={setUnit} />
              </div>
              <Field label="What a passing test would show" optional>
                <Textarea rows={2} value={test} maxLength={5000} onChange={(e) => setTest(e.target.value)} />
              </Field>
            </>
          )}
        </>
      )}
    </FormDialog>
  );
}
