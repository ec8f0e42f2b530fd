import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { DocumentStatus, FileType } from "@millrace/contracts";
import { readFileType, readStatus } from "../documents/statuses.ts";
import { readHighlight } from "../documents/highlight-range.ts";
import { HomePage } from "../home/home-page.tsx";
import { documentTabs } from "./document-tabs.ts";
import type { DocumentTab } from "./document-tabs.ts";
import { ErrorPage } from "./error-page.tsx";
import { NotFoundPage } from "./not-found-page.tsx";
import { parseSearch, stringifySearch } from "./search-parameters.ts";
import { Shell } from "./shell.tsx";

export type DocumentsSearch = {
  q?: string | undefined;
  status?: DocumentStatus | undefined;
  type?: FileType | undefined;
  cursor?: string | undefined;
};

export type DocumentSearch = { tab?: DocumentTab | undefined; hl?: string | undefined };

const rootRoute = createRootRoute({
  component: Shell,
  errorComponent: ErrorPage,
  notFoundComponent: NotFoundPage,
});

const homeRoute = createRoute({ getParentRoute: () => rootRoute, path: "/", component: HomePage });

const documentsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/documents",
  validateSearch: (search: Record<string, unknown>): DocumentsSearch => ({
    q: readText(search.q),
    status: readStatus(search.status),
    type: readFileType(search.type),
    cursor: readText(search.cursor),
  }),
  component: lazyRouteComponent(() => import("../documents/documents-page.tsx"), "DocumentsPage"),
});

const documentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/documents/$id",
  validateSearch: (search: Record<string, unknown>): DocumentSearch => ({
    tab: documentTabs.find((tab) => tab === search.tab),
    hl: readHighlight(search.hl) === undefined ? undefined : readText(search.hl),
  }),
  component: lazyRouteComponent(() => import("../documents/document-page.tsx"), "DocumentPage"),
});

const searchRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/search",
  validateSearch: (search: Record<string, unknown>): { q?: string | undefined } => ({
    q: readText(search.q),
  }),
  component: lazyRouteComponent(() => import("../search/search-page.tsx"), "SearchPage"),
});

const routeTree = rootRoute.addChildren([homeRoute, documentsRoute, documentRoute, searchRoute]);

export function createAppRouter() {
  return createRouter({
    routeTree,
    defaultPreload: "intent",
    scrollRestoration: true,
    trailingSlash: "never",
    defaultErrorComponent: ErrorPage,
    parseSearch,
    stringifySearch,
  });
}

declare module "@tanstack/react-router" {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- only an interface merges with the router's own
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}

function readText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, 1000) : undefined;
}
