import { useElementSize } from "@mantine/hooks";
import { useVirtualizer } from "@tanstack/react-virtual";
import type { PDFDocumentProxy } from "pdfjs-dist";
import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { Loader } from "@mantine/core";
import { PdfPage } from "./pdf-page.tsx";
import { usePdf } from "./use-pdf.ts";
import classes from "./original.module.css";

const gap = 10;

/** What a reader does to scroll. */
const readerActions = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

/** The pages of a PDF in a frame of their own; only those near the frame are drawn. */
export function PdfPane({
  address,
  page,
  onRead,
}: {
  address: string;
  /** The page to show; told anew, it is gone to. */
  page: number | undefined;
  /** Told when the reader comes to another page in it. */
  onRead: (page: number) => void;
}) {
  const pdf = usePdf(address);
  if (pdf.kind === "loading") {
    return (
      <div className={classes.middle}>
        <Loader size="sm" aria-label="Opening the original" />
      </div>
    );
  }
  if (pdf.kind === "failed") return <p className={classes.quiet}>{pdf.reason}</p>;
  return <Pages pdf={pdf.pdf} ratio={pdf.ratio} page={page} onRead={onRead} />;
}

function Pages({
  pdf,
  ratio,
  page,
  onRead,
}: {
  pdf: PDFDocumentProxy;
  ratio: number;
  page: number | undefined;
  onRead: (page: number) => void;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const { ref: measured, width } = useElementSize();
  const [ratios, setRatios] = useState<ReadonlyMap<number, number>>(new Map());
  const heightOf = (index: number): number => width * (ratios.get(index + 1) ?? ratio) + gap;
  // oxlint-disable-next-line react/incompatible-library -- nothing here is memoized by a compiler
  const virtualizer = useVirtualizer({
    count: pdf.numPages,
    getScrollElement: () => frame.current,
    estimateSize: heightOf,
    overscan: 1,
    enabled: width > 0,
  });
  useEffect(() => virtualizer.measure(), [virtualizer, width, ratios]);
  const learn = useCallback((number: number, found: number) => {
    setRatios((known) => (known.get(number) === found ? known : new Map(known).set(number, found)));
  }, []);
  // The reader's own scrolling is told of, ours is not.
  const isReading = useRef(false);
  useEffect(() => {
    if (page === undefined || width === 0) return;
    isReading.current = false;
    virtualizer.scrollToIndex(Math.min(page, pdf.numPages) - 1, { align: "start" });
  }, [page, width, virtualizer, pdf]);
  const items = virtualizer.getVirtualItems();
  const line = (virtualizer.scrollOffset ?? 0) + 120;
  const atTop = (items.find((item) => item.end > line)?.index ?? 0) + 1;
  const read = useEffectEvent(() => {
    if (isReading.current) onRead(atTop);
  });
  useEffect(() => read(), [atTop]);
  useEffect(() => {
    const element = frame.current;
    const begin = (): void => {
      isReading.current = true;
    };
    for (const action of readerActions) element?.addEventListener(action, begin, { passive: true });
    return () => {
      for (const action of readerActions) element?.removeEventListener(action, begin);
    };
  }, []);
  return (
    <div
      ref={frame}
      className={classes.frame}
      role="region"
      aria-label="Pages of the original"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls is reached by the keyboard
      tabIndex={0}
    >
      <div ref={measured} className={classes.sheet} style={{ height: virtualizer.getTotalSize() }}>
        {width === 0
          ? null
          : items.map(({ index, start }) => (
              <div key={index} className={classes.place} style={{ transform: `translateY(${start}px)` }}>
                <PdfPage
                  pdf={pdf}
                  page={index + 1}
                  width={width}
                  ratio={ratios.get(index + 1) ?? ratio}
                  onRatio={learn}
                />
              </div>
            ))}
      </div>
    </div>
  );
}
