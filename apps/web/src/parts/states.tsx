import { Skeleton } from "@mantine/core";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import type { ReactNode } from "react";
import { LoadFailure } from "../feedback/load-failure.tsx";
import classes from "./states.module.css";

/**
 * Shows an answer, or why there is none. An answer that is there stays on screen when a later request
 * fails: the header says that the server is away.
 */
export function Answered<Answer>({
  what,
  query,
  children,
}: {
  /** "The queues": for "… could not be loaded". */
  what: string;
  query: UseQueryResult<Answer>;
  children: (answer: Answer) => ReactNode;
}) {
  const error = useLastError(query.error);
  if (query.data !== undefined) return children(query.data);
  if (error !== null) return <LoadFailure what={what} error={error} onRetry={() => void query.refetch()} />;
  return <LoadingRows what={what} />;
}

/**
 * The last failure of a query. Query itself forgets it with each new attempt, and a page that polls
 * would show in turns that it failed and that it loads.
 */
export function useLastError(error: Error | null): Error | null {
  const [last, setLast] = useState(error);
  if (error !== null && error !== last) setLast(error);
  return error ?? last;
}

/** Placeholders while something loads. */
export function LoadingRows({ what }: { what: string }) {
  return (
    <div className={classes.skeletons} role="status" aria-label={`Loading: ${what}`}>
      {[0, 1, 2, 3].map((row) => (
        <Skeleton key={row} height={52} radius={12} />
      ))}
    </div>
  );
}
