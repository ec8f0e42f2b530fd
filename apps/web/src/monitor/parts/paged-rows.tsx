import type { Page } from "@millrace/contracts";
import { Button } from "@mantine/core";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { LoadFailure } from "../../feedback/load-failure.tsx";
import classes from "./paged-rows.module.css";
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
      {list.hasNextPage ? (
        <div className={classes.more}>
          <Button
            variant="default"
            loading={list.isFetchingNextPage}
            onClick={() => void list.fetchNextPage()}
          >
            Load more
          </Button>
        </div>
      ) : null}
    </>
  );
}
