import { Skeleton, Tabs } from "@mantine/core";
import { getRouteApi, useLocation } from "@tanstack/react-router";
import IconFileOff from "@tabler/icons-react/dist/esm/icons/IconFileOff.mjs";
import { useEffect, useRef } from "react";
import { isApiProblem } from "../api/problem.ts";
import { ButtonLink } from "../parts/button-link.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { documentTabs } from "../app/document-tabs.ts";
import type { DocumentTab } from "../app/document-tabs.ts";
import { announce } from "../feedback/announcer.tsx";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { DocumentHeader } from "./document-header.tsx";
import { DocumentOutcome } from "./document-outcome.tsx";
import classes from "./document-page.module.css";
import type { DocumentView } from "./document-view.ts";
import { LogPanel } from "./log-panel.tsx";
import { OverviewPanel } from "./overview-panel.tsx";
import { readPlace } from "./reading/place.ts";
import { ReadingPanel } from "./reading/reading-panel.tsx";
import { StageTimeline } from "./stage-timeline.tsx";
import { currentStageLabel } from "./stages.ts";
import { isSettled, statusLabels } from "./statuses.ts";
import { useDocumentView } from "./use-document.ts";

const route = getRouteApi("/documents/$id");

export function DocumentPage() {
  const { id } = route.useParams();
  const view = useDocumentView(id);
  // Also when it was shown until now: it may have been deleted elsewhere.
  if (isApiProblem(view.error) && view.error.status === 404) return <NoDocument />;
  if (view.data !== undefined) return <LoadedDocument key={id} view={view.data} />;
  if (view.isError) {
    return <LoadFailure isPage what="This document" error={view.error} onRetry={() => void view.refetch()} />;
  }
  return <DocumentSkeleton />;
}

function LoadedDocument({ view }: { view: DocumentView }) {
  const { document } = view;
  const hash = useLocation({ select: (location) => location.hash });
  // A link to a page leads to the text, whether it says so or not.
  const { tab = readPlace(hash) === undefined ? "overview" : "text" } = route.useSearch();
  const navigate = route.useNavigate();
  usePageTitle(document.title);
  useAnnouncedPage(document.title);
  useStageAnnouncements(view);
  return (
    <>
      <DocumentHeader document={document} />
      <StageTimeline document={document} plannedRetry={view.plannedRetry} />
      <DocumentOutcome document={document} />
      <Tabs
        value={tab}
        onChange={(value) => {
          const next = readTab(value);
          void navigate({ search: next === "overview" ? {} : { tab: next }, replace: true });
        }}
        keepMounted={false}
        className={classes.tabs}
      >
        <Tabs.List>
          <Tabs.Tab value="overview">Overview</Tabs.Tab>
          <Tabs.Tab value="text">Text</Tabs.Tab>
          <Tabs.Tab value="log">Log</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="overview" className={classes.panel}>
          <OverviewPanel view={view} />
        </Tabs.Panel>
        <Tabs.Panel value="text" className={classes.panel}>
          <ReadingPanel document={document} />
        </Tabs.Panel>
        <Tabs.Panel value="log" className={classes.panel}>
          <LogPanel document={document} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function readTab(value: string | null): DocumentTab {
  return documentTabs.find((tab) => tab === value) ?? "overview";
}

/** One announcement per stage and one for the end; per cents are for the eye. */
function useStageAnnouncements({ document }: DocumentView): void {
  const news = isSettled(document)
    ? `${statusLabels[document.status]}: ${document.title}`
    : `${statusLabels[document.status]}: ${currentStageLabel(document) ?? "waiting"}`;
  const known = useRef(news);
  useEffect(() => {
    if (known.current === news) return;
    known.current = news;
    announce(news);
  }, [news]);
}

function NoDocument() {
  usePageTitle("Not found");
  return (
    <EmptyState
      isPage
      icon={<IconFileOff size={26} />}
      title="This document is not here"
      action={<ButtonLink to="/documents">See all documents</ButtonLink>}
    >
      It was deleted, or the link is wrong.
    </EmptyState>
  );
}

function DocumentSkeleton() {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading the document">
      <Skeleton height={34} width="55%" />
      <Skeleton height={92} radius={12} />
      <Skeleton height={220} radius={12} />
    </div>
  );
}
