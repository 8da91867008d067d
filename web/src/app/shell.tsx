import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { Keyboard, LogOut, Menu as MenuIcon, Monitor, Moon, Search, Sun, UserRound, X } from "lucide-react";
import { Dialog as D } from "radix-ui";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { IconButton } from "../ui/button";
import { cx } from "../ui/cx";
import { Kbd } from "../ui/kbd";
import { useMedia } from "../ui/media";
import { Menu, MenuItem, MenuLine } from "../ui/menu";
import { Avatar } from "../ui/parts";
import { toastError } from "../ui/toast";
import { useLine } from "./events";
import { useKeys } from "./keys";
import { places } from "./places";
import { useMe, useSignOut } from "./session";
import { useTheme } from "./theme";

/** Shell is what stands around every place: the side bar, or on a narrow screen the bar at the top. */
export function Shell({ onSearch, onKeys, children }: { onSearch: () => void; onKeys: () => void; children: ReactNode }) {
  const wide = useMedia("(min-width: 1024px)");
  const lost = useLine((s) => s.lost);
  const [open, setOpen] = useState(false);
  const path = useLocation({ select: (l) => l.pathname });
  const main = useRef<HTMLElement>(null);
  const navigate = useNavigate();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another place closes the menu
  useEffect(() => setOpen(false), [path]);
  useKeys(Object.fromEntries(places.map((p) => [p.keys, { does: p.name, in: "Go to", run: () => void navigate({ to: p.to as "/" }) }])));
  useKeys({ "/": { does: "Search this list", in: "Everywhere", run: () => document.querySelector<HTMLInputElement>("[data-search]")?.focus() } });
  const side = <Side onSearch={onSearch} onKeys={onKeys} />;
  return (
    <div className={cx("min-h-dvh [--top:0px]", wide && "grid grid-cols-[224px_minmax(0,1fr)]")}>
      <button
        type="button"
        onClick={() => main.current?.focus()}
        className="fixed start-2 -top-32 z-60 rounded-md bg-surface px-3 py-2 shadow-float focus:top-2"
      >
        Skip to the content
      </button>
      {wide ? (
        <header className="sticky top-0 h-dvh border-line border-e bg-surface">{side}</header>
      ) : (
        <header className="sticky top-0 z-20 flex h-12 items-center gap-1 border-line border-b bg-surface px-2 [--top:48px]">
          <D.Root open={open} onOpenChange={setOpen}>
            <D.Trigger asChild>
              <IconButton label="Menu">
                <MenuIcon size={18} />
              </IconButton>
            </D.Trigger>
            <D.Portal>
              <D.Overlay className="fixed inset-0 z-40 bg-[#0a0b10]/40" />
              <D.Content
                data-modal
                aria-describedby={undefined}
                className="fixed inset-y-0 start-0 z-40 w-64 border-line border-e bg-surface shadow-float"
              >
                <D.Title className="sr-only">Menu</D.Title>
                <D.Close asChild>
                  <IconButton label="Close the menu" className="absolute end-2 top-2">
                    <X size={16} />
                  </IconButton>
                </D.Close>
                {side}
              </D.Content>
            </D.Portal>
          </D.Root>
          <Brand />
          <IconButton label="Search" className="ms-auto" onClick={onSearch}>
            <Search size={17} />
          </IconButton>
        </header>
      )}
      <div className={cx("min-w-0", !wide && "[--top:48px]")}>
        {lost && (
          <p role="status" className="sticky top-(--top) z-20 bg-medium-soft px-4 py-1.5 text-center text-medium text-sm">
            The server does not answer. What you see is the last known state; it goes on by itself as soon as it can.
          </p>
        )}
        <main ref={main} id="content" tabIndex={-1} className="outline-none">
          {children}
        </main>
      </div>
    </div>
  );
}

function Brand() {
  return (
    <Link to="/" className="flex items-center gap-2 rounded-md px-1.5 py-1 font-semibold tracking-tight">
      <img src="/icon.svg" alt="" width={20} height={20} />
      Threatloop
    </Link>
  );
}

function Side({ onSearch, onKeys }: { onSearch: () => void; onKeys: () => void }) {
  const me = useMe();
  const signOut = useSignOut();
  const navigate = useNavigate();
  const { theme, set } = useTheme();
  const can = new Set<string>(me?.can ?? []);
  const area = useLocation({ select: (l) => l.pathname.split("/")[1] ?? "" });
  return (
    <div className="flex h-full flex-col gap-3 p-3">
      <Brand />
      <button
        type="button"
        onClick={onSearch}
        className="flex h-8.5 items-center gap-2 rounded-md border border-line bg-bg px-2.5 text-sm text-soft hover:border-control"
      >
        <Search aria-hidden size={14} />
        <span className="flex-1 text-start">Search</span>
        <Kbd keys="mod+k" />
      </button>
      <nav aria-label="Places" className="grid gap-0.5">
        {places
          .filter((p) => !p.needs || can.has(p.needs))
          .map((p) => (
            <Link
              key={p.to}
              to={p.to as "/"}
              activeOptions={{ exact: p.to === "/", includeSearch: false }}
              aria-current={p.under?.includes(area) ? "true" : undefined}
              className="flex h-8 items-center gap-2.5 rounded-md px-2 text-sm text-soft hover:bg-raised hover:text-text [&[aria-current]]:bg-raised [&[aria-current]]:font-medium [&[aria-current]]:text-text"
            >
              <p.icon aria-hidden size={16} />
              {p.name}
            </Link>
          ))}
      </nav>
      <div className="mt-auto grid gap-1">
        <Menu
          label="Account"
          trigger={
            <button type="button" className="flex h-10 items-center gap-2 rounded-md px-2 text-start text-sm hover:bg-raised">
              <Avatar name={me?.name || me?.email || "?"} />
              <bdi className="min-w-0 flex-1 truncate">{me?.name || me?.email}</bdi>
            </button>
          }
        >
          <MenuItem icon={<UserRound size={15} />} onSelect={() => void navigate({ to: "/account" })}>
            Your account
          </MenuItem>
          <MenuItem icon={<Keyboard size={15} />} keys="?" onSelect={onKeys}>
            Keys
          </MenuItem>
          <MenuLine />
          {(
            [
              ["system", "As the system", Monitor],
              ["light", "Light", Sun],
              ["dark", "Dark", Moon],
            ] as const
          ).map(([value, name, Icon]) => (
            <MenuItem key={value} icon={<Icon size={15} className={theme === value ? "text-accent" : undefined} />} onSelect={() => set(value)}>
              {name}
              {theme === value && <span className="text-soft"> · in use</span>}
            </MenuItem>
          ))}
          <MenuLine />
          <MenuItem icon={<LogOut size={15} />} onSelect={() => void signOut().catch(toastError)}>
            Sign out
          </MenuItem>
        </Menu>
      </div>
    </div>
  );
}
