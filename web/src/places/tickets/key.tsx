import { Link } from "@tanstack/react-router";
import { ExternalLink } from "lucide-react";
import { cx } from "../../ui/cx";

/** own is the path of a ticket's card where its address is one of our own boards. */
export const own = (url: string | undefined): string | undefined => url?.match(/\/board\/con_\w+\?ticket=[^&#]+$/)?.[0];

/** TicketKey is a ticket's key as a link: to our board where the ticket is ours, else to the tracker. */
export function TicketKey({ ticket: t, className }: { ticket: { key: string; url?: string; connection: string }; className?: string }) {
  if (!t.key) return <span className="text-soft">not yet</span>;
  if (!t.url || own(t.url))
    return (
      <Link
        to="/board/$connection"
        params={{ connection: t.connection }}
        search={{ ticket: t.key } as never}
        className={cx("link num whitespace-nowrap font-medium", className)}
      >
        {t.key}
      </Link>
    );
  return (
    <a
      href={/^https?:/.test(t.url) ? t.url : undefined}
      target="_blank"
      rel="noreferrer"
      className={cx("link num inline-flex items-center gap-1 whitespace-nowrap font-medium", className)}
    >
      {t.key} <ExternalLink aria-label="opens in the tracker" size={12} />
    </a>
  );
}
