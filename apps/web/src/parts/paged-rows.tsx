import type { Page } from "@millrace/contracts";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { LoadMore } from "./load-more.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { LoadingRows, useLastError } from "./states.tsx";

/** A list that comes in pages: what is loaded of it and the way to more, or why there is nothing. */
export function PagedRows<Row>({
  what,
  list,
  none,
  children,
}: {
  /** "The alarms": for "… could not be loaded". */
  what: string;
  list: UseInfiniteQueryResult<InfiniteData<Page<Row>>>;
  /** What stands there when the list is empty. */
  none: ReactNode;
  children: (rows: readonly Row[]) => ReactNode;
}) {
  const error = useLastError(list.error);
  if (list.data === undefined) {
    if (error === null) return <LoadingRows what={what} />;
    return <LoadFailure what={what} error={error} onRetry={() => void list.refetch()} />;
  }
  const rows = list.data.pages.flatMap((page) => page.data);
  if (rows.length === 0) return none;
  return (
    <>
      {children(rows)}
      <LoadMore list={list} />
    </>
  );
}
