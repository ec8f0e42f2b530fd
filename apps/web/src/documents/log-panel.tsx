import type { Document } from "@millrace/contracts";
import { Button, Skeleton } from "@mantine/core";
import { useEffect, useRef } from "react";
import { CopyButton } from "../feedback/copy.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { LogLines } from "./log-lines.tsx";
import classes from "./log-panel.module.css";
import { isSettled } from "./statuses.ts";
import { useLogLines } from "./use-log-lines.ts";

/** The whole log; while work goes on it follows the end, unless the reader has scrolled up. */
export function LogPanel({ document }: { document: Document }) {
  const { stored, lines } = useLogLines(document.id);
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const lastId = lines.at(-1)?.id;
  useEffect(() => {
    if (lastId !== undefined && follows.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [lastId]);

  if (stored.isPending && lines.length === 0) return <Skeleton height={120} radius={12} />;
  if (stored.isError && lines.length === 0) {
    return <LoadFailure what="The log" error={stored.error} onRetry={() => void stored.refetch()} />;
  }
  if (lines.length === 0) {
    return (
      <p className={classes.none}>
        {isSettled(document)
          ? "There are no log lines. They are kept for seven days."
          : "Nothing has happened yet. Lines appear here as the work goes on."}
      </p>
    );
  }
  const text = lines.map((line) => `${line.created_at} ${line.level} ${line.message}`).join("\n");
  return (
    <section className={classes.card} aria-label="Log">
      <div className={classes.head}>
        {stored.hasNextPage ? (
          <Button
            size="compact-sm"
            variant="default"
            loading={stored.isFetchingNextPage}
            onClick={() => void stored.fetchNextPage()}
          >
            Show earlier lines
          </Button>
        ) : (
          <span className={classes.count}>{lines.length === 1 ? "1 line" : `${lines.length} lines`}</span>
        )}
        <CopyButton text={text} label="Copy log" />
      </div>
      <div
        ref={box}
        className={classes.box}
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a box that scrolls must be reachable by keyboard
        tabIndex={0}
        role="group"
        aria-label="Log lines"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          follows.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        <LogLines lines={lines} />
      </div>
    </section>
  );
}
