import type { Document, DocumentOutline } from "@millrace/contracts";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { HighlightRange } from "../highlight-range.ts";
import { readingLine } from "./bring-into-view.ts";
import { pageWord, pieceAt } from "./place.ts";
import { estimateHeight, TextPiece } from "./text-piece.tsx";
import type { Target } from "./text-piece.tsx";
import classes from "./text-view.module.css";

/**
 * The text of a document, of which only the pieces near the window are in the page: one of many megabytes is read
 * like a short one.
 */
export function TextView({
  document,
  outline,
  mark,
  target,
  onRead,
}: {
  document: Document;
  outline: DocumentOutline;
  mark: HighlightRange | undefined;
  target: Target | undefined;
  /** Told of the first character of the piece at the top. */
  onRead: (offset: number) => void;
}) {
  const { cuts, pages, total_length: length } = outline;
  const list = useRef<HTMLDivElement>(null);
  const [above, setAbove] = useState(0);
  const pagesByStart = useMemo(() => Map.groupBy(pages, (page) => page.char_start), [pages]);
  const endOf = (index: number): number => cuts[index + 1] ?? length;
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized by a compiler
  const virtualizer = useWindowVirtualizer({
    count: cuts.length,
    estimateSize: (index) => estimateHeight(endOf(index) - (cuts[index] ?? 0)),
    getItemKey: (index) => cuts[index] ?? index,
    overscan: 2,
    scrollMargin: above,
  });
  useLayoutEffect(() => {
    if (list.current !== null) setAbove(list.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  // First to the piece, so that it is there; it brings the very place into view itself.
  useLayoutEffect(() => {
    if (target !== undefined) virtualizer.scrollToIndex(pieceAt(cuts, target.start), { align: "start" });
  }, [target, cuts, virtualizer]);
  const items = virtualizer.getVirtualItems();
  const line = (virtualizer.scrollOffset ?? 0) + readingLine() + 30;
  const atTop = items.find((item) => item.end > line)?.index ?? 0;
  const read = useEffectEvent(() => onRead(cuts[atTop] ?? 0));
  useEffect(() => read(), [atTop]);
  const word = pageWord(document.file_type);
  return (
    <div ref={list} className={classes.list} lang={document.language ?? undefined}>
      <div style={{ height: virtualizer.getTotalSize() }} />
      {items.map(({ index, start }) => {
        const from = cuts[index] ?? 0;
        const end = endOf(index);
        const isTarget = target !== undefined && target.start >= from && target.start < end;
        return (
          <div
            key={from}
            ref={virtualizer.measureElement}
            data-index={index}
            className={classes.item}
            style={{ transform: `translateY(${start - above}px)` }}
          >
            <TextPiece
              documentId={document.id}
              version={`${length} ${document.extraction_method}`}
              start={from}
              end={end}
              pages={pagesByStart.get(from) ?? noPages}
              word={word}
              mark={mark !== undefined && mark.start < end && mark.end > from ? mark : undefined}
              target={isTarget ? target : undefined}
            />
          </div>
        );
      })}
    </div>
  );
}

const noPages: DocumentOutline["pages"] = [];
