import { Link } from "@tanstack/react-router";
import { Copyable } from "../../ui/copy";
import { Dialog } from "../../ui/dialog";
import { useOptions } from "./options";

/** command is what a pipeline runs, with the options that are set here. */
function command(product: string, o: ReturnType<typeof useOptions>): string {
  const flag = (name: string, value: string) =>
    value.trim() ? ` \\\n    --${name} ${/^[\w@./:+-]+$/.test(value.trim()) ? value.trim() : `'${value.trim().replaceAll("'", "'\\''")}'`}` : "";
  return `threatloop results upload report.xml \\\n    --product ${product}${flag("source", o.source || "unit-tests")}${flag("branch", o.branch || "main")}${flag("environment", o.environment)} \\\n    --build "$CI_COMMIT"`;
}

/** Pipeline says how a pipeline sends its reports. */
export function Pipeline({ product }: { product: string }) {
  const o = useOptions(product);
  return (
    <div className="grid gap-3 text-start text-sm">
      <p>
        Make a token with the scope “upload” for this product in{" "}
        <Link to="/account" className="link underline">
          your account
        </Link>
        , and give it to the pipeline as a secret.
      </p>
      <Copyable text={`export THREATLOOP_SERVER=${window.location.origin}\nexport THREATLOOP_TOKEN=tl_...`} label="Copy the settings" />
      <p>Then, after the tests:</p>
      <Copyable text={command(product, o)} label="Copy the command" />
      <p className="text-soft text-xs">
        Keep the source the same from run to run, because a report replaces only what the same source said. When a run is split over several machines,
        give each part the same --run and end with threatloop results finish.
      </p>
    </div>
  );
}

export function PipelineDialog({ product, open, onClose }: { product: string; open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title="Upload from a pipeline" wide>
      <Pipeline product={product} />
    </Dialog>
  );
}
