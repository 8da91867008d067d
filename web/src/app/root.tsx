import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { Button } from "../ui/button";
import { Empty, Failed, Loading } from "../ui/state";
import { follow } from "./events";
import { useKeys } from "./keys";
import { sessionQuery, useExpired, useOneAccount } from "./session";
import { Shell } from "./shell";

const Entry = lazy(() => import("../places/entry/entry"));
const Again = lazy(() => import("../places/entry/again"));
const Palette = lazy(() => import("./palette"));
const KeyMap = lazy(() => import("./keymap"));

/** Root asks who is there, and shows the place to who may see it. */
export function Root() {
  const session = useQuery(sessionQuery);
  const expired = useExpired((s) => s.expired);
  const cache = useQueryClient();
  const signedIn = !!session.data;
  useEffect(() => (signedIn && !expired ? follow(cache) : undefined), [cache, signedIn, expired]);
  useOneAccount(session.isSuccess ? (session.data?.id ?? "") : undefined, expired);
  if (session.isPending) return <Loading />;
  if (session.error && !session.data) return <Failed error={session.error} retry={() => void session.refetch()} />;
  if (!session.data) {
    return (
      <Suspense fallback={null}>
        <Entry />
      </Suspense>
    );
  }
  return (
    <Frame>
      {expired && (
        <Suspense fallback={null}>
          <Again />
        </Suspense>
      )}
    </Frame>
  );
}

function Frame({ children }: { children: React.ReactNode }) {
  const [palette, setPalette] = useState(false);
  const [keymap, setKeymap] = useState(false);
  useKeys({
    "mod+k": { does: "Search and do", in: "Everywhere", run: () => setPalette(true), always: true },
    "?": { does: "Show the keys", in: "Everywhere", run: () => setKeymap(true) },
  });
  return (
    <>
      <Shell onSearch={() => setPalette(true)} onKeys={() => setKeymap(true)}>
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </Shell>
      <Suspense fallback={null}>
        {palette && <Palette onClose={() => setPalette(false)} />}
        {keymap && <KeyMap onClose={() => setKeymap(false)} />}
      </Suspense>
      {children}
    </>
  );
}

/** Missing is the place of an address that leads nowhere. */
export function Missing() {
  return (
    <Empty
      alone
      icon={<Compass size={20} />}
      title="There is no such place"
      action={
        <>
          <Button onClick={() => history.back()}>Go back</Button>
          <Link to="/" className="link inline-flex h-8.5 items-center px-2 text-sm">
            Open the portfolio
          </Link>
        </>
      }
    >
      The address leads nowhere.
    </Empty>
  );
}
