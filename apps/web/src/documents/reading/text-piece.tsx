import type { DocumentOutline } from "@millrace/contracts";
import { useQuery } from "@tanstack/react-query";
import { Button } from "@mantine/core";
import { memo, useLayoutEffect, useRef } from "react";
import { queryKeys } from "../../api/query-keys.ts";
import { fetchDocumentText } from "../../api/requests.ts";
import { keyed } from "../../feedback/keyed.ts";
import { cutRuns } from "../highlight-range.ts";
import type { HighlightRange } from "../highlight-range.ts";
import { bringIntoView } from "./bring-into-view.ts";
import classes from "./text-view.module.css";

/** A stretch of the text that somebody wants to see. Another object asks again. */
export type Target = { readonly start: number; readonly isMark: boolean };

/** One piece of the text, fetched when it comes near. */
export const TextPiece = memo(function TextPiece({
  documentId,
  version,
  start,
  end,
  pages,
  word,
  mark,
  target,
}: {
  documentId: string;
  /** Of the text: another one is fetched anew. */
  version: string;
  start: number;
  end: number;
  /** Those that begin with it. */
  pages: DocumentOutline["pages"];
  word: string;
  mark: HighlightRange | undefined;
  /** Set when it is in this piece. */
  target: Target | undefined;
}) {
  const piece = useQuery({
    queryKey: queryKeys.documentText(documentId, version, start),
    queryFn: ({ signal }) => fetchDocumentText(documentId, { offset: start, limit: end - start }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    // A long text is scrolled through; what is far away is let go.
    gcTime: 60_000,
  });
  const text = piece.data?.text;
  const anchor = useRef<HTMLElement>(null);
  // Before the next frame: a place that was held would scroll back from where the reader has just jumped to.
  useLayoutEffect(() => {
    if (target === undefined || text === undefined || anchor.current === null) return undefined;
    return bringIntoView(anchor.current, target.isMark ? "center" : "start");
  }, [target, text]);
  return (
    <>
      {pages.map(({ page }) => (
        <p key={page} className={classes.page} data-first={start === 0 || undefined}>
          <a href={`#page=${page}`}>
            {word} {page}
          </a>
        </p>
      ))}
      {piece.isError ? (
        <p className={classes.missing}>
          This stretch could not be fetched.{" "}
          <Button size="compact-xs" variant="default" onClick={() => void piece.refetch()}>
            Try again
          </Button>
        </p>
      ) : text === undefined ? (
        <div
          className={classes.placeholder}
          data-loading
          style={{ height: estimateHeight(end - start) }}
          aria-hidden="true"
        />
      ) : (
        <div className={classes.text}>
          {keyed(runsOf(text, start, { mark, target }), (run) => run.text.slice(0, 40)).map(
            ({ key, item: run }) =>
              run.isMarked ? (
                <mark key={key} ref={run.isAnchor ? anchor : undefined}>
                  {run.text}
                </mark>
              ) : (
                <span key={key} ref={run.isAnchor ? anchor : undefined}>
                  {run.text}
                </span>
              ),
          )}
        </div>
      )}
    </>
  );
});

type Run = { readonly text: string; readonly isMarked: boolean; readonly isAnchor: boolean };

/** The text cut at the mark and at the place to go to, whose run is the anchor. */
function runsOf(
  text: string,
  start: number,
  { mark, target }: { mark: HighlightRange | undefined; target: Target | undefined },
): Run[] {
  const runs = cutRuns(text, start, mark);
  const wanted = target === undefined ? -1 : target.start - start;
  let from = 0;
  return runs.flatMap((run) => {
    const at = wanted - from;
    const isHere = at >= 0 && at < run.text.length;
    from += run.text.length;
    if (!isHere) return { ...run, isAnchor: false };
    if (at === 0) return { ...run, isAnchor: true };
    return [
      { ...run, text: run.text.slice(0, at), isAnchor: false },
      { ...run, text: run.text.slice(at), isAnchor: true },
    ];
  });
}

/** Pixels that so many characters take, about: prose of some 80 letters a line. */
export function estimateHeight(characters: number): number {
  return Math.ceil(characters / 72) * 25.5 + 26;
}
