import { Link, Navigate, useParams } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { useMe } from "../../app/session";
import { Place, Section } from "../../ui/parts";
import { Empty } from "../../ui/state";
import { Strip, stripLink } from "../product/strip";
import { Audit } from "./audit";
import { Fields } from "./fields";
import { Instance } from "./instance";
import { People } from "./people";
import { Roles } from "./roles";
import { Tokens } from "./tokens";

const parts: { part: string; name: string; needs?: string; panel: () => ReactNode }[] = [
  { part: "people", name: "People", needs: "user.manage", panel: () => <People /> },
  { part: "roles", name: "Roles", panel: () => <Roles /> },
  {
    part: "tokens",
    name: "API tokens",
    panel: () => (
      <Section title="Your API tokens" about="For pipelines and scripts that act in your name. Everybody makes their own." className="max-w-3xl">
        <Tokens />
      </Section>
    ),
  },
  { part: "fields", name: "Custom fields", needs: "field.manage", panel: () => <Fields /> },
  { part: "audit", name: "Audit log", needs: "audit.read", panel: () => <Audit /> },
  { part: "instance", name: "Installation", panel: () => <Instance /> },
];

/** Admin is the administration: people, roles, tokens, audit log, installation. */
export function Admin() {
  const { part } = useParams({ from: "/admin/$part" });
  const me = useMe();
  const here = parts.find((p) => p.part === part);
  const can = (needs: string | undefined) => !needs || (me?.can ?? []).includes(needs as never);
  useEffect(() => {
    document.title = [here?.name, "Administration", "Threatloop"].filter(Boolean).join(" · ");
  }, [here]);
  if (!here) return <Navigate to="/admin/$part" params={{ part: "people" }} replace />;
  return (
    <Place title="Administration">
      <Strip label="Parts of the administration" at={part} ground="bg" className="mb-5 border-line border-b">
        {parts
          .filter((p) => can(p.needs))
          .map((p) => (
            <li key={p.part} data-path={p.part} className="-mb-px shrink-0">
              <Link to="/admin/$part" params={{ part: p.part }} activeOptions={{ includeSearch: false }} className={stripLink}>
                {p.name}
              </Link>
            </li>
          ))}
      </Strip>
      <h2 className="sr-only">{here.name}</h2>
      {can(here.needs) ? (
        here.panel()
      ) : (
        <Empty icon={<Lock size={20} />} title="Only administrators of the installation see this">
          Ask one of them if you need something from here.
        </Empty>
      )}
    </Place>
  );
}
