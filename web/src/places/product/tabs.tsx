import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { productPlaces } from "../../app/places";
import { Count } from "../../ui/parts";
import { Strip, stripLink } from "./strip";
import { planSummaryQuery, waitingIn } from "./waiting";

/** ProductTabs leads to the places of a product; on a narrow screen it scrolls, and shows that it does. */
export function ProductTabs({ product, path, plan }: { product: string; path: string; plan: boolean }) {
  const waiting = waitingIn(useQuery({ ...planSummaryQuery(product), enabled: plan }).data);
  return (
    <Strip label="Places of the product" at={path} className="-mb-px">
      {productPlaces.map((t) => (
        <li key={t.path} data-path={t.path} className="shrink-0">
          <Link
            to={`/products/$product/${t.path}` as "/products/$product/overview"}
            params={{ product }}
            activeOptions={{ includeSearch: false }}
            className={stripLink}
          >
            {t.name}
            {t.path === "review" && waiting > 0 && (
              <>
                <Count n={waiting} tone="accent" />
                <span className="sr-only">waiting</span>
              </>
            )}
          </Link>
        </li>
      ))}
    </Strip>
  );
}
