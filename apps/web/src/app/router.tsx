import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import type { DocumentStatus, FileType } from "@millrace/contracts";
import { readFileType, readStatus } from "../documents/statuses.ts";
import { readHighlight } from "../documents/highlight-range.ts";
import { HomePage } from "../home/home-page.tsx";
import type { JobFilters } from "../jobs/job-requests.ts";
import { readAlarmView } from "../monitor/alarm-views.ts";
import type { AlarmView } from "../monitor/alarm-views.ts";
import { readJobState } from "../jobs/job-states.ts";
import { readOutcome } from "../usage/outcomes.ts";
import { readPeriod } from "../usage/usage-days.ts";
import type { Period } from "../usage/usage-days.ts";
import type { CallFilters } from "../usage/usage-requests.ts";
import { documentTabs } from "./document-tabs.ts";
import type { DocumentTab } from "./document-tabs.ts";
import { ErrorPage } from "./error-page.tsx";
import { NotFoundPage } from "./not-found-page.tsx";
import { readSearchFilters } from "../search/search-filters.ts";
import type { SearchFilters } from "../search/search-filters.ts";
import { parseSearch, readMoment, stringifySearch } from "./search-parameters.ts";
import { Shell } from "./shell.tsx";

export type DocumentsSearch = {
  q?: string | undefined;
  status?: DocumentStatus | undefined;
  type?: FileType | undefined;
  tag?: string | undefined;
  /** By its id. */
  collection?: string | undefined;
  /** What is shown instead of the documents at hand. */
  view?: "trash" | undefined;
  cursor?: string | undefined;
};

export type DocumentSearch = { tab?: DocumentTab | undefined; hl?: string | undefined };

export type JobsSearch = JobFilters & { cursor?: string | undefined };

export type SchedulesSearch = {
  /** The one that is opened beside the list. */
  schedule?: string | undefined;
  cursor?: string | undefined;
};

export type WorkflowsSearch = { state?: string | undefined; cursor?: string | undefined };

export type FailuresSearch = { queue?: string | undefined; task?: string | undefined };

export type UsageSearch = CallFilters & { readonly days?: Period | undefined };

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
    tag: readText(search.tag),
    collection: readText(search.collection),
    view: search.view === "trash" ? "trash" : undefined,
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

const collectionsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/collections",
  component: lazyRouteComponent(() => import("../collections/collections-page.tsx"), "CollectionsPage"),
});

const searchRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/search",
  validateSearch: (search: Record<string, unknown>): SearchFilters & { q?: string | undefined } => ({
    q: readText(search.q),
    ...readSearchFilters(search),
  }),
  component: lazyRouteComponent(() => import("../search/search-page.tsx"), "SearchPage"),
});

const askRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/ask",
  validateSearch: (search: Record<string, unknown>): { document?: string | undefined } => ({
    document: readText(search.document),
  }),
  component: lazyRouteComponent(() => import("../ask/ask-page.tsx"), "AskPage"),
});

const summariesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/summaries",
  component: lazyRouteComponent(() => import("../summaries/summaries-page.tsx"), "SummariesPage"),
});

const monitorRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/monitor",
  component: lazyRouteComponent(() => import("../monitor/monitor-layout.tsx"), "MonitorLayout"),
});

const overviewRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/",
  component: lazyRouteComponent(() => import("../monitor/overview/overview-page.tsx"), "OverviewPage"),
});

const queuesRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/queues",
  component: lazyRouteComponent(() => import("../monitor/queues/queues-page.tsx"), "QueuesPage"),
});

const workersRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/workers",
  validateSearch: (search: Record<string, unknown>): { worker?: string | undefined } => ({
    worker: readText(search.worker),
  }),
  component: lazyRouteComponent(() => import("../monitor/workers/workers-page.tsx"), "WorkersPage"),
});

const jobsRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/jobs",
  validateSearch: (search: Record<string, unknown>): JobsSearch => ({
    state: readJobState(search.state),
    queue: readText(search.queue),
    task: readText(search.task),
    tag: readText(search.tag),
    error: readText(search.error),
    worker: readText(search.worker),
    search: readText(search.search),
    created_after: readMoment(search.created_after),
    created_before: readMoment(search.created_before),
    finished_after: readMoment(search.finished_after),
    finished_before: readMoment(search.finished_before),
    cursor: readText(search.cursor),
  }),
  component: lazyRouteComponent(() => import("../jobs/jobs-page.tsx"), "JobsPage"),
});

const jobRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/jobs/$id",
  component: lazyRouteComponent(() => import("../jobs/job-page.tsx"), "JobPage"),
});

const workflowsRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/workflows",
  validateSearch: (search: Record<string, unknown>): WorkflowsSearch => ({
    state: readText(search.state),
    cursor: readText(search.cursor),
  }),
  component: lazyRouteComponent(() => import("../workflows/workflows-page.tsx"), "WorkflowsPage"),
});

const workflowRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/workflows/$id",
  component: lazyRouteComponent(() => import("../workflows/workflow-page.tsx"), "WorkflowPage"),
});

const schedulesRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/schedules",
  validateSearch: (search: Record<string, unknown>): SchedulesSearch => ({
    schedule: readText(search.schedule),
    cursor: readText(search.cursor),
  }),
  component: lazyRouteComponent(() => import("../schedules/schedules-page.tsx"), "SchedulesPage"),
});

const alarmsRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/alarms",
  validateSearch: (search: Record<string, unknown>): { view?: AlarmView | undefined } => ({
    view: readAlarmView(search.view),
  }),
  component: lazyRouteComponent(() => import("../monitor/alarms/alarms-page.tsx"), "AlarmsPage"),
});

const failuresRoute = createRoute({
  getParentRoute: () => monitorRoute,
  path: "/failures",
  validateSearch: (search: Record<string, unknown>): FailuresSearch => ({
    queue: readText(search.queue),
    task: readText(search.task),
  }),
  component: lazyRouteComponent(() => import("../monitor/failures/failures-page.tsx"), "FailuresPage"),
});

const crewsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/crews",
  component: lazyRouteComponent(() => import("../crews/crews-page.tsx"), "CrewsPage"),
});

const crewRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/crews/$name",
  component: lazyRouteComponent(() => import("../crews/crew-page.tsx"), "CrewPage"),
});

const crewRunRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/crews/runs/$id",
  component: lazyRouteComponent(() => import("../crews/run-page.tsx"), "RunPage"),
});

const usageRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/usage",
  validateSearch: (search: Record<string, unknown>): UsageSearch => ({
    days: readPeriod(search.days),
    outcome: readOutcome(search.outcome),
    model: readText(search.model),
  }),
  component: lazyRouteComponent(() => import("../usage/usage-page.tsx"), "UsagePage"),
});

const routeTree = rootRoute.addChildren([
  homeRoute,
  documentsRoute,
  documentRoute,
  collectionsRoute,
  askRoute,
  summariesRoute,
  searchRoute,
  monitorRoute.addChildren([
    overviewRoute,
    queuesRoute,
    workersRoute,
    jobsRoute,
    jobRoute,
    workflowsRoute,
    workflowRoute,
    schedulesRoute,
    alarmsRoute,
    failuresRoute,
  ]),
  crewsRoute,
  crewRoute,
  crewRunRoute,
  usageRoute,
]);

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
