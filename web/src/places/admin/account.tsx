import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { api, match, ok, Problem } from "../../api/client";
import { useChange } from "../../app/change";
import { sessionQuery, useMe } from "../../app/session";
import { type Theme, useTheme } from "../../app/theme";
import { Button } from "../../ui/button";
import { Field, Input } from "../../ui/field";
import { Badge, Facts, Place, Section, Segmented } from "../../ui/parts";
import { ErrorText, Loading } from "../../ui/state";
import { date } from "../../ui/time";
import { Tokens } from "./tokens";

/** Account is one's own account: name, password, tokens, look. */
export function Account() {
  const me = useMe();
  const theme = useTheme((s) => s.theme);
  const setTheme = useTheme((s) => s.set);
  useEffect(() => {
    document.title = "Your account · Threatloop";
  }, []);
  if (!me) return <Loading />;
  return (
    <Place title="Your account">
      <div className="grid max-w-3xl gap-5">
        <Section title="You">
          <Facts
            items={[
              ["E-mail", me.email],
              ["Here since", date(me.created)],
              !!me.admin && [
                "Installation",
                <Badge key="a" tone="accent">
                  Administrator
                </Badge>,
              ],
              !(me.can ?? []).includes("user.manage" as never) && ["Name", <bdi key="n">{me.name}</bdi>],
            ]}
          />
          {(me.can ?? []).includes("user.manage" as never) ? (
            <Name />
          ) : (
            <p className="mt-2 text-soft text-xs">An administrator changes your name and e-mail.</p>
          )}
        </Section>
        <Section title="Look" about="Kept in this browser.">
          <Segmented<Theme>
            value={theme}
            onChange={setTheme}
            label="Theme"
            options={[
              { value: "system", text: "As the system" },
              { value: "light", text: "Light" },
              { value: "dark", text: "Dark" },
            ]}
          />
        </Section>
        <Section title="Password" about="Changing it ends all your other sessions.">
          <Password email={me.email} />
        </Section>
        <Section title="API tokens" about="For pipelines and scripts that act in your name.">
          <Tokens />
        </Section>
      </div>
    </Place>
  );
}

function Name() {
  const me = useMe();
  const cache = useQueryClient();
  const [name, setName] = useState<string>();
  const save = useChange(
    undefined,
    async () => {
      await ok(api.PATCH("/users/{user}", { params: { path: { user: me?.id ?? "" }, header: match(me?.version) }, body: { name: name?.trim() } }));
      await cache.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
    () => ({ text: "Your name is saved" }),
  );
  return (
    <form
      className="mt-4 flex flex-wrap items-end gap-2"
      onSubmit={(e) => {
        e.preventDefault();
        save.mutate(undefined, { onSuccess: () => setName(undefined) });
      }}
    >
      <Field label="Name" className="min-w-0 flex-1 basis-56">
        <Input required maxLength={200} value={name ?? me?.name ?? ""} onChange={(e) => setName(e.target.value)} autoComplete="name" />
      </Field>
      <Button type="submit" busy={save.isPending} disabled={name === undefined || !name.trim() || name === me?.name}>
        Save
      </Button>
    </form>
  );
}

function Password({ email }: { email: string }) {
  const [v, set] = useState({ old: "", fresh: "" });
  const save = useChange(
    undefined,
    () => ok(api.PUT("/session/password", { body: { old: v.old, new: v.fresh } })),
    () => ({ text: "Your password is changed" }),
  );
  const problem = save.error instanceof Problem ? save.error : undefined;
  const send = (e: FormEvent) => {
    e.preventDefault();
    save.mutate(undefined, { onSuccess: () => set({ old: "", fresh: "" }) });
  };
  return (
    <form onSubmit={send} className="grid gap-4">
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <div className="grid items-start gap-4 sm:grid-cols-2">
        <Field label="Current password" error={problem?.field("old")}>
          <Input type="password" required autoComplete="current-password" value={v.old} onChange={(e) => set({ ...v, old: e.target.value })} />
        </Field>
        <Field label="New password" hint="At least 12 characters." error={problem?.field("new")}>
          <Input
            type="password"
            required
            minLength={12}
            autoComplete="new-password"
            value={v.fresh}
            onChange={(e) => set({ ...v, fresh: e.target.value })}
          />
        </Field>
      </div>
      {save.error && <ErrorText error={save.error} />}
      <Button type="submit" busy={save.isPending} className="justify-self-start" disabled={!v.old || !v.fresh}>
        Change the password
      </Button>
    </form>
  );
}
