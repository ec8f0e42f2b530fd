import type { Document, DocumentText } from "@millrace/contracts";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Skeleton } from "@mantine/core";
import { useEffect, useRef } from "react";
import { queryKeys } from "../api/query-keys.ts";
import { fetchDocumentText } from "../api/requests.ts";
import { keyed } from "../feedback/keyed.ts";
import { LoadFailure } from "../feedback/load-failure.tsx";
import { Notice } from "../feedback/notice.tsx";
import { countOf, formatCount } from "../formatting/numbers.ts";
import { cutRuns, readHighlight } from "./highlight-range.ts";
import type { HighlightRange } from "./highlight-range.ts";
import { isSettled } from "./statuses.ts";
import classes from "./text-panel.module.css";

/** Characters per request: a few screens, and little enough to lay out at once. */
const pieceLength = 20_000;
/** Pieces kept on the page; those farthest away are let go. */
const maxPieces = 8;
/** How much is shown before a passage that a link leads to. */
const leadLength = 2_000;

type Piece = { offset: number; limit: number };

/** The extracted text in bounded pieces, opened at the passage that a link names. */
export function TextPanel({ document, highlight }: { document: Document; highlight: string | undefined }) {
  const range = readHighlight(highlight);
  const start = Math.max(0, (range?.start ?? 0) - leadLength);
  const pieces = useInfiniteQuery({
    queryKey: queryKeys.documentText(document.id, start),
    queryFn: ({ pageParam, signal }) => fetchDocumentText(document.id, pageParam, signal),
    initialPageParam: { offset: start, limit: pieceLength },
    getNextPageParam: (last): Piece | undefined =>
      last.next_offset === null ? undefined : { offset: last.next_offset, limit: pieceLength },
    getPreviousPageParam: (first): Piece | undefined => {
      const offset = Math.max(0, first.offset - pieceLength);
      return first.offset === 0 ? undefined : { offset, limit: first.offset - offset };
    },
    maxPages: maxPieces,
    enabled: document.text_length !== null,
    staleTime: 60_000,
  });

  if (document.text_length === null) return <NoTextYet document={document} />;
  if (pieces.isPending) return <Skeleton height={320} radius={12} />;
  if (pieces.isError && pieces.data === undefined) {
    return <LoadFailure what="The text" error={pieces.error} onRetry={() => void pieces.refetch()} />;
  }
  const texts = pieces.data?.pages ?? [];
  return (
    <section className={classes.card} aria-label="Extracted text">
      <p className={classes.head}>{shownText(texts)}</p>
      {pieces.hasPreviousPage ? (
        <div className={classes.more}>
          <Button
            variant="default"
            size="compact-md"
            loading={pieces.isFetchingPreviousPage}
            onClick={() => void pieces.fetchPreviousPage()}
          >
            Show earlier text
          </Button>
        </div>
      ) : null}
      <div className={classes.text} lang={document.language ?? undefined}>
        {texts.map((piece) => (
          <TextPiece key={piece.offset} piece={piece} range={range} />
        ))}
      </div>
      {pieces.hasNextPage ? (
        <div className={classes.more}>
          <Button
            variant="default"
            size="compact-md"
            loading={pieces.isFetchingNextPage}
            onClick={() => void pieces.fetchNextPage()}
          >
            Show more text
          </Button>
        </div>
      ) : null}
    </section>
  );
}

function TextPiece({ piece, range }: { piece: DocumentText; range: HighlightRange | undefined }) {
  const mark = useRef<HTMLElement>(null);
  const isFirstOfMark = range !== undefined && range.start >= piece.offset;
  useEffect(() => {
    if (!isFirstOfMark || mark.current === null) return;
    const isTall = mark.current.getBoundingClientRect().height > window.innerHeight / 2;
    mark.current.scrollIntoView({ block: isTall ? "start" : "center" });
  }, [isFirstOfMark]);
  return (
    <span className={classes.piece}>
      {keyed(cutRuns(piece.text, piece.offset, range), (run) => run.text.slice(0, 40)).map(
        ({ key, item: run }) =>
          run.isMarked ? (
            <mark key={key} ref={mark}>
              {run.text}
            </mark>
          ) : (
            <span key={key}>{run.text}</span>
          ),
      )}
    </span>
  );
}

function NoTextYet({ document }: { document: Document }) {
  return (
    <Notice tone="plain">
      <p>
        {isSettled(document)
          ? "No text was read from this file."
          : "The text is being read. It appears here as soon as it is there."}
      </p>
    </Notice>
  );
}

function shownText(texts: readonly DocumentText[]): string {
  const first = texts[0];
  const last = texts.at(-1);
  if (first === undefined || last === undefined) return "";
  const end = last.offset + last.text.length;
  if (first.offset === 0 && end >= last.total_length) return countOf(last.total_length, "character");
  return `Characters ${formatCount(first.offset + 1)} to ${formatCount(end)} of ${formatCount(last.total_length)}`;
}
