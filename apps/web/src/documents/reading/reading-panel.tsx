import type { Document, DocumentOutline } from "@millrace/contracts";
import { useMediaQuery } from "@mantine/hooks";
import { Skeleton } from "@mantine/core";
import { getRouteApi, useLocation } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { LoadFailure } from "../../feedback/load-failure.tsx";
import { Notice } from "../../feedback/notice.tsx";
import { useStoredFlag } from "../../feedback/stored-flag.ts";
import { readHighlight } from "../highlight-range.ts";
import { hasOriginalToShow } from "../original/has-original.ts";
import { isSettled } from "../statuses.ts";
import { offsetOf, pageAt, readPlace, writePlace } from "./place.ts";
import type { Place } from "./place.ts";
import { ReadingBar } from "./reading-bar.tsx";
import classes from "./reading-panel.module.css";
import type { Target } from "./text-piece.tsx";
import { TextView } from "./text-view.tsx";
import { useOutline } from "./use-outline.ts";

const route = getRouteApi("/documents/$id");

/** What draws PDFs is large, and most texts are read without it. */
const OriginalPane = lazy(async () => {
  const { OriginalPane: pane } = await import("../original/original-pane.tsx");
  return { default: pane };
});

/** The text of a document, opened where a link leads, with the original beside it where there is room. */
export function ReadingPanel({ document }: { document: Document }) {
  const outline = useOutline(document);
  if (document.text_length === null || document.text_length === 0) return <NoTextYet document={document} />;
  if (outline.isError && outline.data === undefined) {
    return <LoadFailure what="The text" error={outline.error} onRetry={() => void outline.refetch()} />;
  }
  if (outline.data === undefined) return <Skeleton height={320} radius={12} />;
  return <Reading document={document} outline={outline.data} />;
}

function Reading({ document, outline }: { document: Document; outline: DocumentOutline }) {
  const { hl } = route.useSearch();
  const navigate = route.useNavigate();
  const hash = useLocation({ select: (location) => location.hash });
  const mark = readHighlight(hl);
  const [target, setTarget] = useState<Target | undefined>(
    // To a marked passage before anything else.
    () => markTarget(outline, hl) ?? placeTarget(outline, hash),
  );
  const [offset, setOffset] = useState(target?.start ?? 0);
  const page = pageAt(outline.pages, offset);
  const [pageBeside, setPageBeside] = useState(page);
  const isWide = useMediaQuery("(min-width: 1100px)", undefined, { getInitialValueInEffect: false });
  const [isBeside, setIsBeside] = useStoredFlag("original-beside", true);
  const [isOver, setIsOver] = useState(false);
  const canShow = hasOriginalToShow(document);
  const isShown = canShow && (isWide ? isBeside : isOver);

  const jump = (next: Target): void => {
    setTarget(next);
    setOffset(next.start);
    setPageBeside(pageAt(outline.pages, next.start));
  };
  // Where the address leads has changed: by a link, by going back, or by `go`.
  const [seen, setSeen] = useState({ hl, hash });
  if (seen.hl !== hl || seen.hash !== hash) {
    setSeen({ hl, hash });
    const next = (seen.hash === hash ? undefined : placeTarget(outline, hash)) ?? markTarget(outline, hl);
    if (next !== undefined) jump(next);
  }
  const go = (place: Place): void => {
    const next = writePlace(place);
    // The address says so already: the reader has scrolled away since.
    if (next === hash) jump({ start: offsetOf(place, outline), isMark: false });
    void navigate({
      search: { tab: "text" },
      hash: next,
      replace: true,
      resetScroll: false,
      hashScrollIntoView: false,
    });
  };

  const readText = (start: number): void => {
    setOffset(start);
    setPageBeside(pageAt(outline.pages, start));
  };
  const text = (
    <TextView document={document} outline={outline} mark={mark} target={target} onRead={readText} />
  );
  const original = isShown ? (
    <Suspense fallback={<Skeleton height="100%" radius={0} />}>
      <OriginalPane
        document={document}
        page={pageBeside}
        onRead={(read) => {
          const start = offsetOf({ page: read }, outline);
          setOffset(start);
          setTarget({ start, isMark: false });
        }}
      />
    </Suspense>
  ) : null;
  return (
    <section
      className={classes.card}
      aria-label="Extracted text"
      data-wide={isShown && isWide ? true : undefined}
    >
      <ReadingBar
        document={document}
        outline={outline}
        page={page}
        offset={offset}
        onGo={go}
        original={
          canShow
            ? {
                isShown,
                toggle: () => (isWide ? setIsBeside(!isBeside) : setIsOver(!isOver)),
                label: originalLabel({ isWide, isShown }),
              }
            : undefined
        }
      />
      {isWide ? (
        <div className={classes.panes} data-beside={isShown ? true : undefined}>
          <div className={classes.reading}>{text}</div>
          {isShown ? <div className={classes.original}>{original}</div> : null}
        </div>
      ) : isShown ? (
        <div className={classes.over}>{original}</div>
      ) : (
        <div className={classes.reading}>{text}</div>
      )}
    </section>
  );
}

function originalLabel({ isWide, isShown }: { isWide: boolean; isShown: boolean }): string {
  if (isWide) return isShown ? "Hide the original" : "Show the original beside";
  return isShown ? "Show the text" : "Show the original";
}

function markTarget(outline: DocumentOutline, hl: string | undefined): Target | undefined {
  const mark = readHighlight(hl);
  return mark === undefined
    ? undefined
    : { start: Math.min(mark.start, outline.total_length - 1), isMark: true };
}

function placeTarget(outline: DocumentOutline, hash: string): Target | undefined {
  const place = readPlace(hash);
  return place === undefined ? undefined : { start: offsetOf(place, outline), isMark: false };
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
