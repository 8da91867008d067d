import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
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
          <p className="mt-1 text-sm text-soft">{first ? "Nobody is here yet. Create the administrator; you add others later." : "Threat models that stay true."}</p>
        </div>
      </div>
      <div className="card p-5">
        <Credentials first={first} token={first && setup.data.token_needed} />
      </div>
    </main>
  );
}

/** Credentials signs in, or creates the first administrator. */
export function Credentials({ first, token, email }: { first: boolean; token?: boolean; email?: string }) {
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    document.title = first ? "Welcome · Threatloop" : "Sign in · Threatloop";
  }, [first]);
  const send = async (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const data = Object.fromEntries(new FormData(e.currentTarget)) as Record<string, string>;
    setBusy(true);
    setError(undefined);
    try {
      if (first) await ok(api.POST("/setup", { body: data as never }));
      else await ok(api.POST("/session", { body: { email: data.email ?? email ?? "", password: data.password ?? "" } }));
      await cache.fetchQuery({ ...sessionQuery, staleTime: 0 });
      useExpired.setState({ expired: false });
      void cache.invalidateQueries();
    } catch (err) {
      setError(err instanceof Problem && err.status === 401 ? new Error(err.message) : err);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={send} className="grid gap-4">
      {first && (
        <Field label="Name">
          <Input name="name" autoComplete="name" required autoFocus />
        </Field>
      )}
      <Field label="E-mail">
        <Input name="email" type="email" autoComplete="username" required autoFocus={!first && !email} defaultValue={email} readOnly={!!email} />
      </Field>
      <Field label="Password" hint={first ? "At least 12 characters." : undefined}>
        <Input name="password" type="password" autoComplete={first ? "new-password" : "current-password"} required minLength={first ? 12 : undefined} autoFocus={!!email} />
      </Field>
      {token && (
        <Field label="Setup token" hint="The server printed it when it started.">
          <Input name="token" autoComplete="off" required />
        </Field>
      )}
      {error !== undefined && <ErrorText error={error} />}
      <Button type="submit" look="primary" busy={busy}>
        {first ? "Create and go on" : "Sign in"}
      </Button>
    </form>
  );
}
