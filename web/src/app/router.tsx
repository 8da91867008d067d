import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { cache, productQuery } from "../api/query";
import { readSearch, type Search, writeSearch } from "../ui/address";
import { Failed, Loading } from "../ui/state";
import { Missing, Root } from "./root";
import { sessionQuery } from "./session";

const anything = (s: Record<string, unknown>) => s as Search;

const root = createRootRoute({ component: Root, notFoundComponent: Missing, validateSearch: anything });

/*
 * The places. Each is read when it is opened; only the portfolio comes with the
 * first load. A place of a product is a child of the product, which draws its head.
 */
const portfolio = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("../places/portfolio/portfolio"), "Portfolio"),
});
const assigned = createRoute({
  getParentRoute: () => root,
  path: "/assigned",
  component: lazyRouteComponent(() => import("../places/assigned/assigned"), "Assigned"),
});
const newProduct = createRoute({
  getParentRoute: () => root,
  path: "/new",
  component: lazyRouteComponent(() => import("../places/new/new"), "NewProduct"),
});
const trackers = createRoute({
  getParentRoute: () => root,
  path: "/trackers",
  component: lazyRouteComponent(() => import("../places/trackers/trackers"), "Trackers"),
});
const tracker = createRoute({
  getParentRoute: () => root,
  path: "/trackers/$connection",
  component: lazyRouteComponent(() => import("../places/trackers/tracker"), "Tracker"),
});
const board = createRoute({
  getParentRoute: () => root,
  path: "/board/$connection",
  component: lazyRouteComponent(() => import("../places/trackers/board"), "Board"),
});
const account = createRoute({
  getParentRoute: () => root,
  path: "/account",
  component: lazyRouteComponent(() => import("../places/admin/account"), "Account"),
});
const admin = createRoute({
  getParentRoute: () => root,
  path: "/admin/$part",
  component: lazyRouteComponent(() => import("../places/admin/admin"), "Admin"),
});
const library = createRoute({
  getParentRoute: () => root,
  path: "/library",
  component: lazyRouteComponent(() => import("../places/library/library"), "Library"),
});
const libraryEntry = createRoute({
  getParentRoute: () => root,
  path: "/library/$kind/$ref",
  component: lazyRouteComponent(() => import("../places/library/entry"), "LibraryEntry"),
});
const bench = createRoute({
  getParentRoute: () => root,
  path: "/bench/editor",
  component: lazyRouteComponent(() => import("../editor/bench"), "EditorBench"),
});

const product = createRoute({
  getParentRoute: () => root,
  path: "/products/$product",
  component: lazyRouteComponent(() => import("../places/product/frame"), "ProductFrame"),
  loader: ({ params }) => {
    // Whoever is not signed in yet is asked to, not refused.
    const read = async () => (await cache.ensureQueryData(sessionQuery)) && cache.prefetchQuery(productQuery(params.product));
    void read().catch(() => undefined);
  },
});
const productIndex = createRoute({
  getParentRoute: () => product,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/products/$product/overview", params, replace: true });
  },
});
const overview = createRoute({
  getParentRoute: () => product,
  path: "/overview",
  component: lazyRouteComponent(() => import("../places/overview/overview"), "Overview"),
});
const diagram = createRoute({
  getParentRoute: () => product,
  path: "/diagram",
  component: lazyRouteComponent(() => import("../editor/place"), "Diagram"),
});
const threats = createRoute({
  getParentRoute: () => product,
  path: "/threats",
  component: lazyRouteComponent(() => import("../places/threats/threats"), "Threats"),
});
const countermeasures = createRoute({
  getParentRoute: () => product,
  path: "/countermeasures",
  component: lazyRouteComponent(() => import("../places/countermeasures/countermeasures"), "Countermeasures"),
});
const standards = createRoute({
  getParentRoute: () => product,
  path: "/standards",
  component: lazyRouteComponent(() => import("../places/standards/standards"), "Standards"),
});
const questionnaire = createRoute({
  getParentRoute: () => product,
  path: "/questionnaire",
  component: lazyRouteComponent(() => import("../places/new/questionnaire"), "Questionnaire"),
});
const tests = createRoute({
  getParentRoute: () => product,
  path: "/tests",
  component: lazyRouteComponent(() => import("../places/tests/tests"), "Tests"),
});
const review = createRoute({
  getParentRoute: () => product,
  path: "/review",
  component: lazyRouteComponent(() => import("../places/review/review"), "Review"),
});
const tickets = createRoute({
  getParentRoute: () => product,
  path: "/tickets",
  component: lazyRouteComponent(() => import("../places/tickets/tickets"), "Tickets"),
});
const history = createRoute({
  getParentRoute: () => product,
  path: "/history",
  component: lazyRouteComponent(() => import("../places/history/history"), "History"),
});
const settings = createRoute({
  getParentRoute: () => product,
  path: "/settings",
  component: lazyRouteComponent(() => import("../places/settings/settings"), "Settings"),
});

const tree = root.addChildren([
  portfolio,
  assigned,
  newProduct,
  trackers,
  tracker,
  board,
  account,
  admin,
  library,
  libraryEntry,
  bench,
  product.addChildren([
    productIndex,
    overview,
    diagram,
    threats,
    countermeasures,
    standards,
    questionnaire,
    tests,
    review,
    tickets,
    history,
    settings,
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  parseSearch: readSearch,
  stringifySearch: writeSearch,
  defaultPreload: "intent",
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
  defaultPendingMs: 200,
  defaultPendingComponent: Loading,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} retry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
