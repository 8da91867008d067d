import {
  BadgeCheck,
  BookOpen,
  ClipboardCheck,
  Cog,
  FlaskConical,
  History,
  Inbox,
  LayoutDashboard,
  LayoutGrid,
  ListChecks,
  type LucideIcon,
  Network,
  Plug,
  Settings,
  ShieldCheck,
  Ticket,
  TriangleAlert,
} from "lucide-react";

/** The places outside of products, in the order of the side bar; under holds the first words of addresses that belong to a place. */
export const places: { to: string; name: string; icon: LucideIcon; keys: string; needs?: string; under?: string[] }[] = [
  { to: "/", name: "Portfolio", icon: LayoutGrid, keys: "g p" },
  { to: "/assigned", name: "Assigned to me", icon: Inbox, keys: "g m" },
  { to: "/library", name: "Library", icon: BookOpen, keys: "g l", under: ["library"] },
  { to: "/trackers", name: "Trackers", icon: Plug, keys: "g k", under: ["trackers", "board"] },
  { to: "/admin/people", name: "Administration", icon: Settings, keys: "g a", needs: "user.manage", under: ["admin"] },
];

/** The places of a product, in the order of its tabs. */
export const productPlaces: { path: string; name: string; icon: LucideIcon; keys: string }[] = [
  { path: "overview", name: "Overview", icon: LayoutDashboard, keys: "g o" },
  { path: "diagram", name: "Diagram", icon: Network, keys: "g d" },
  { path: "questionnaire", name: "Questionnaire", icon: ListChecks, keys: "g q" },
  { path: "threats", name: "Threats", icon: TriangleAlert, keys: "g t" },
  { path: "countermeasures", name: "Countermeasures", icon: ShieldCheck, keys: "g c" },
  { path: "standards", name: "Standards", icon: BadgeCheck, keys: "g n" },
  { path: "review", name: "Review", icon: ClipboardCheck, keys: "g r" },
  { path: "tests", name: "Tests", icon: FlaskConical, keys: "g e" },
  { path: "tickets", name: "Tickets", icon: Ticket, keys: "g i" },
  { path: "history", name: "History", icon: History, keys: "g h" },
  { path: "settings", name: "Settings", icon: Cog, keys: "g s" },
];
