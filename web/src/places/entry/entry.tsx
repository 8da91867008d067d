import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Eye, EyeOff } from "lucide-react";
import { type ComponentProps, type FormEvent, useEffect, useRef, useState } from "react";
import { api, ok, Problem } from "../../api/client";
import { sessionQuery, useExpired } from "../../app/session";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { ErrorText, Failed, Loading } from "../../ui/state";

/** Entry is the door: the first administrator at the first start, signing in afterwards. */
export default function Entry() {
  const setup = useQuery({ queryKey: ["setup"], queryFn: () => ok(api.GET("/setup")), staleTime: 0 });
  if (setup.isPending) return <Loading rows={3} />;
  if (!setup.data) return <Failed error={setup.error} retry={() => void setup.refetch()} />;
  const first = setup.data.needed;
  return (
    <main id="content" className="mx-auto grid min-h-dvh w-full max-w-sm content-center gap-6 px-4 py-10">
      <div className="grid justify-items-center gap-3 text-center">
        <img src="/icon.svg" alt="" width={44} height={44} />
        <div>
          <h1 className="font-semibold text-xl tracking-tight">{first ? "Welcome to Threatloop" : "Sign in to Threatloop"}</h1>
          <p className="mt-1 text-sm text-soft">
            {first ? "Nobody is here yet. Create the administrator; you add others later." : "Threat models that stay true."}
          </p>
        </div>
      </div>
      <div className="card p-5">
        <Credentials first={first} token={first && setup.data.token_needed} />
      </div>
    </main>
  );
}

const shortest = 12;

/** sentence writes what the server says as a sentence. */
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** Credentials signs in, or creates the first administrator. */
export function Credentials({ first, token, email }: { first: boolean; token?: boolean; email?: string }) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [length, setLength] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const problem = error instanceof Problem ? error : undefined;
  useEffect(() => {
    document.title = first ? "Welcome · Threatloop" : "Sign in · Threatloop";
  }, [first]);
  const send = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const data = Object.fromEntries(new FormData(e.currentTarget)) as Record<string, string>;
    setBusy(true);
    setError(undefined);
    try {
      if (first) {
        await ok(
          api.POST("/setup", {
            body: { name: data.name ?? "", email: data.email ?? "", password: data.password ?? "", ...(token ? { token: data.token ?? "" } : {}) },
          }),
        );
        // Whatever address was opened: the first start goes on at the portfolio.
        await navigate({ to: "/", replace: true });
      } else await ok(api.POST("/session", { body: { email: data.email ?? email ?? "", password: data.password ?? "" } }));
      await cache.fetchQuery({ ...sessionQuery, staleTime: 0 });
      useExpired.setState({ expired: false });
      void cache.invalidateQueries();
    } catch (err) {
      setError(err);
      // Somebody was quicker: the door is another one now.
      if (first && err instanceof Problem && err.status === 409) void cache.invalidateQueries({ queryKey: ["setup"] });
      if (err instanceof Problem && err.status === 401) form.current?.querySelector<HTMLInputElement>("input[name=password]")?.select();
    } finally {
      setBusy(false);
    }
  };
  return (
    <form ref={form} onSubmit={send} className="grid gap-4">
      {first && (
        <Field label="Name" error={problem?.field("name")}>
          <Input name="name" autoComplete="name" required maxLength={200} autoFocus />
        </Field>
      )}
      <Field label="E-mail" error={problem?.field("email")}>
        <Input
          name="email"
          type="email"
          autoComplete="username"
          required
          autoFocus={!first && !email}
          defaultValue={email}
          readOnly={!!email}
          className={email && "bg-raised text-soft"}
        />
      </Field>
      <Field
        label="Password"
        error={problem?.field("password")}
        hint={
          first
            ? length > 0 && length < shortest
              ? `${shortest - length} more to go; at least ${shortest} characters.`
              : `At least ${shortest} characters. A few words that only you put together are best.`
            : undefined
        }
      >
        <Secret
          autoComplete={first ? "new-password" : "current-password"}
          minLength={first ? shortest : undefined}
          autoFocus={!!email}
          onInput={(e) => setLength([...e.currentTarget.value].length)}
        />
      </Field>
      {token && (
        <Field label="Setup token" hint="Only who runs the server may begin: it printed the token when it started." error={problem?.field("token")}>
          <Input name="token" autoComplete="off" spellCheck={false} required className="font-mono" />
        </Field>
      )}
      {error !== undefined && <ErrorText error={said(error)} />}
      <Button type="submit" look="primary" busy={busy} className="h-9.5">
        {first ? "Create and go on" : "Sign in"}
      </Button>
    </form>
  );
}

/** said is a refusal in words; what is wrong with one field stands at the field. */
function said(error: unknown): unknown {
  if (!(error instanceof Problem) || error.status === 0) return error;
  if (error.status === 429) return new Error(`${sentence(error.message)} This protects the account; nothing is locked.`);
  return new Error(sentence(error.message));
}

/** Secret is a password that can be looked at while it is typed. */
function Secret(props: ComponentProps<"input">) {
  const [shown, setShown] = useState(false);
  return (
    <div className="relative">
      <Input {...props} name="password" type={shown ? "text" : "password"} required className="pe-10" />
      <button
        type="button"
        aria-label={shown ? "Hide what is typed" : "Show what is typed"}
        onClick={() => setShown(!shown)}
        className="absolute end-1 top-1/2 grid size-7 -translate-y-1/2 place-items-center rounded-sm text-soft hover:bg-raised hover:text-text"
      >
        {shown ? <EyeOff aria-hidden size={15} /> : <Eye aria-hidden size={15} />}
      </button>
    </div>
  );
}
