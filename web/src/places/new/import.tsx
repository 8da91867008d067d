import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ArrowRight, RotateCcw } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { type S, type Upload, upload } from "../../api/client";
import { keys } from "../../api/query";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { ErrorText } from "../../ui/state";
import { toast } from "../../ui/toast";
import { plural } from "../../ui/words";
import { Drop } from "./drop";
import { Understood } from "./understood";
import { choosable, keyOf, nothingChosen } from "./update";

type ImportView = S["ImportView"];

/** Largest model file that the server reads. */
const limit = 32 * 1024 * 1024;

/** useFile sends a file twice: for a look, and then to store it. Each can be called off. */
function useFile<T>(address: (file: File, preview: boolean) => string) {
  const [file, setFile] = useState<File>();
  const [part, setPart] = useState<number>();
  const [error, setError] = useState<unknown>();
  const [seen, setSeen] = useState<T>();
  const running = useRef<Upload<T>>(undefined);
  useEffect(() => () => running.current?.cancel(), []);
  const send = async (f: File, preview: boolean, chosen?: Wanted): Promise<T | undefined> => {
    setError(undefined);
    setPart(0);
    const u = upload<T>(address(f, preview), chosen ? form(f, chosen) : f, setPart);
    running.current = u;
    try {
      return await u.done;
    } catch (err) {
      if (!(err instanceof DOMException)) setError(err);
      return undefined;
    } finally {
      setPart(undefined);
    }
  };
  return {
    file,
    part,
    error,
    seen,
    look: async (f: File) => {
      setFile(f);
      setSeen(undefined);
      if (f.size > limit)
        return setError(new Error(`The file has ${Math.ceil(f.size / 1048576)} MiB; a model file may have 32 MiB. Nothing was sent.`));
      if (f.size === 0) return setError(new Error("The file is empty."));
      setSeen(await send(f, true));
    },
    /** store sends the file to be stored: whole, or as a person chose. */
    store: (chosen?: Wanted) => (file ? send(file, false, chosen) : Promise.resolve(undefined)),
    cancel: () => running.current?.cancel(),
    again: () => {
      setFile(undefined);
      setSeen(undefined);
      setError(undefined);
    },
  };
}

/** Wanted are the changes of a file that are taken (all without a list), and the conflicts in which the file's side holds. */
type Wanted = { take?: string[]; theirs: string[] };

/** form is a file with what is wanted of it. */
function form(file: File, { take = ["all"], theirs }: Wanted): FormData {
  const f = new FormData();
  f.append("file", file);
  for (const key of take) f.append("take", key);
  for (const key of theirs) f.append("theirs", key);
  return f;
}

const q = (values: Record<string, string | undefined>): string =>
  new URLSearchParams(Object.entries(values).filter((e): e is [string, string] => !!e[1])).toString();

/** ImportNew makes a product of a model file, after a look at what was understood. */
export function ImportNew() {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [name, setName] = useState<string>();
  const f = useFile<S["NewImportView"]>(
    (file, preview) => `/imports?${q({ name: file.name, preview: preview ? "true" : undefined, product_name: preview ? undefined : name?.trim() })}`,
  );
  if (!f.seen) return <Drop file={f.file} part={f.part} error={f.error} onFile={(x) => void f.look(x)} onCancel={f.cancel} />;
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const made = await f.store();
    if (!made?.product) return;
    void cache.invalidateQueries({ queryKey: keys.products() });
    toast(`“${made.product.name}” is made of ${f.file?.name}`);
    void navigate({ to: "/products/$product/review", params: { product: made.product.id } });
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <Understood view={f.seen.import} file={f.file?.name ?? ""} />
      <div className="card grid gap-4 px-4 py-5 sm:px-6">
        <Field label="Name of the product" className="max-w-md">
          <Input value={name ?? f.seen.name} onChange={(e) => setName(e.target.value)} required maxLength={200} autoComplete="off" />
        </Field>
        {f.error !== undefined && <ErrorText error={f.error} />}
        <div className="flex flex-wrap justify-end gap-2">
          <Button icon={<RotateCcw aria-hidden size={14} />} onClick={f.again}>
            Another file
          </Button>
          <Button type="submit" look="primary" busy={f.part !== undefined} disabled={!(name ?? f.seen.name).trim()}>
            Create the product
            <ArrowRight aria-hidden size={14} />
          </Button>
        </div>
      </div>
    </form>
  );
}

/** ImportInto takes a model file into a product that exists. */
export function ImportInto({ product, onDone }: { product: string; onDone: () => void }) {
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [chosen, setChosen] = useState(nothingChosen);
  const f = useFile<ImportView>(
    (file, preview) => `/products/${encodeURIComponent(product)}/imports?${q({ name: file.name, preview: preview ? "true" : undefined })}`,
  );
  if (!f.seen) return <Drop file={f.file} part={f.part} error={f.error} onFile={(x) => void f.look(x)} onCancel={f.cancel} />;
  const all = choosable(f.seen).map(keyOf);
  const { left, theirs } = chosen;
  const store = async () => {
    const take = left.size > 0 ? all.filter((k) => !left.has(k)) : undefined;
    const done = await f.store(take || theirs.size > 0 ? { take, theirs: [...theirs] } : undefined);
    if (!done) return;
    void cache.invalidateQueries({ queryKey: keys.product(product) });
    void cache.invalidateQueries({ queryKey: keys.products() });
    toast(`Imported: ${changes(done)}`);
    onDone();
    void navigate({ to: "/products/$product/review", params: { product } });
  };
  return (
    <div className="grid gap-4">
      <Understood view={f.seen} file={f.file?.name ?? ""} into={{ ...chosen, set: setChosen }} />
      {left.size > 0 && (
        <p role="status" className="text-sm">
          {all.length - left.size} of {plural(all.length, "change")} will be taken. The rest, and what needs it, is offered again when you import the
          file again.
        </p>
      )}
      {theirs.size > 0 && (
        <p role="status" className="text-sm">
          {plural(theirs.size, "edit")} made here will be given up for what the file says.
        </p>
      )}
      {f.error !== undefined && <ErrorText error={f.error} />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button
          icon={<RotateCcw aria-hidden size={14} />}
          onClick={() => {
            setChosen(nothingChosen);
            f.again();
          }}
        >
          Another file
        </Button>
        <Button look="primary" busy={f.part !== undefined} onClick={() => void store()}>
          Import and review
          <ArrowRight aria-hidden size={14} />
        </Button>
      </div>
    </div>
  );
}

const changes = (v: ImportView): string =>
  [
    `${v.added.toLocaleString("en")} added`,
    `${v.changed.toLocaleString("en")} changed`,
    v.removed > 0 && `${v.removed.toLocaleString("en")} removed`,
    `${plural(v.kept, "thing")} kept`,
    v.waiting > 0 && `${v.waiting.toLocaleString("en")} left for later`,
  ]
    .filter(Boolean)
    .join(", ");
