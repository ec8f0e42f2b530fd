import type { LogLine } from "@millrace/contracts";
import { Button, Skeleton } from "@mantine/core";
import { useEffect, useRef } from "react";
import { CopyButton } from "../feedback/copy.tsx";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { countOf } from "../formatting/numbers.ts";
import { NextPageProblem } from "../parts/load-more.tsx";
import classes from "./log-box.module.css";
import { LogLines } from "./log-lines.tsx";

/** What the box needs of the request for the stored lines. */
type StoredLines = {
  readonly isPending: boolean;
  readonly isError: boolean;
  readonly error: unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly isFetchNextPageError: boolean;
  readonly refetch: () => unknown;
  readonly fetchNextPage: () => unknown;
};

/** A whole log, oldest line first; it follows the end, unless the reader has scrolled up. */
export function LogBox({
  stored,
  lines,
  none,
  title,
}: {
  stored: StoredLines;
  lines: readonly LogLine[];
  /** What to say when there is no line. */
  none: string;
  /** A heading inside the box. Default: none, for a page that names the log above it. */
  title?: string;
}) {
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
  if (lines.length === 0) return <p className={classes.none}>{none}</p>;
  const text = lines.map((line) => `${line.created_at} ${line.level} ${line.message}`).join("\n");
  return (
    <section className={classes.card} aria-label="Log">
      <div className={classes.head}>
        {title === undefined ? null : <h2 className={classes.title}>{title}</h2>}
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
          <span className={classes.count}>{countOf(lines.length, "line")}</span>
        )}
        <NextPageProblem list={stored} />
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
