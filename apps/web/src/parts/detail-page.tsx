import { Skeleton } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import IconFileOff from "@tabler/icons-react/dist/esm/icons/IconFileOff.mjs";
import type { ReactNode } from "react";
import { isApiProblem } from "../api/problem.ts";
import { ButtonLink } from "./button-link.tsx";
import { DetailHeader } from "./detail-header.tsx";
import { useAnnouncedPage, usePageTitle } from "../app/page-title.ts";
import { EmptyState } from "../feedback/empty-state.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import classes from "./detail-page.module.css";
import { PageHeading } from "./page-heading.tsx";

/** What such a page is about. */
type Thing = "job" | "workflow" | "crew" | "run";

const lists = {
  job: { listPath: "/monitor/jobs", listName: "Jobs" },
  workflow: { listPath: "/monitor/workflows", listName: "Workflows" },
  crew: { listPath: "/crews", listName: "Crews" },
  run: { listPath: "/crews", listName: "Crews" },
} as const;

const names: Readonly<Record<Thing, string>> = {
  job: "Job",
  workflow: "Workflow",
  crew: "Crew",
  run: "Run of the crew",
};

/** The page on one thing: its head, how it stands, its matters, and facts beside them. */
export function DetailPage({
  thing,
  title,
  facts,
  actions,
  standing,
  aside,
  children,
}: {
  thing: Thing;
  title: string;
  facts: ReactNode;
  actions: ReactNode;
  /** How far it is, what it failed with, what it waits for. */
  standing: ReactNode;
  aside: ReactNode;
  children: ReactNode;
}) {
  usePageTitle(title);
  useAnnouncedPage(`${names[thing]} ${title}`);
  return (
    <>
      <DetailHeader
        {...lists[thing]}
        title={<PageHeading>{title}</PageHeading>}
        facts={facts}
        actions={actions}
      />
      <div className={classes.standing}>{standing}</div>
      <div className={classes.columns}>
        <div className={classes.main}>{children}</div>
        <aside className={classes.aside} aria-label={`About this ${thing}`}>
          {aside}
        </aside>
      </div>
    </>
  );
}

/** Shows such a thing, or why there is none to show. */
export function DetailAnswer<Answer>({
  thing,
  query,
  children,
}: {
  thing: Thing;
  query: UseQueryResult<Answer>;
  children: (answer: Answer) => ReactNode;
}) {
  const { data, error } = query;
  // Also when it was shown until now: what has ended is purged after its retention.
  if (isApiProblem(error) && (error.status === 404 || error.status === 422)) return <Missing thing={thing} />;
  if (data !== undefined) return children(data);
  if (query.isError) {
    return <LoadFailure isPage what={`This ${thing}`} error={error} onRetry={() => void query.refetch()} />;
  }
  return (
    <div className={classes.skeleton} role="status" aria-label={`Loading the ${thing}`}>
      <Skeleton height={34} width="45%" />
      <Skeleton height={110} radius={12} />
      <Skeleton height={220} radius={12} />
    </div>
  );
}

function Missing({ thing }: { thing: Thing }) {
  usePageTitle("Not found");
  const { listPath, listName } = lists[thing];
  return (
    <EmptyState
      isPage
      icon={<IconFileOff size={26} />}
      title={`This ${thing} is not here`}
      action={<ButtonLink to={listPath}>See all {listName.toLowerCase()}</ButtonLink>}
    >
      {thing === "crew"
        ? "The program has no crew of this name any more, or the link is wrong."
        : "It ended so long ago that it was cleared away, or the link is wrong."}
    </EmptyState>
  );
}
