import type { PDFDocumentProxy, RenderTask } from "pdfjs-dist";
import { memo, useEffect, useRef, useState } from "react";
import classes from "./original.module.css";

/** Of one drawing: sharper would cost more memory than the eye gains. */
const maxPixels = 12_000_000;

/** One page, drawn to a canvas: nothing in it can be clicked or run. */
export const PdfPage = memo(function PdfPage({
  pdf,
  page: number,
  width,
  ratio,
  onRatio,
}: {
  pdf: PDFDocumentProxy;
  page: number;
  /** In CSS pixels. */
  width: number;
  ratio: number;
  onRatio: (page: number, ratio: number) => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hasFailed, setHasFailed] = useState(false);
  useEffect(() => {
    let isGone = false;
    let task: RenderTask | undefined;
    const draw = async (): Promise<void> => {
      const page = await pdf.getPage(number);
      if (isGone || canvas.current === null) return;
      const plain = page.getViewport({ scale: 1 });
      onRatio(number, plain.height / plain.width);
      const sharp = (width * window.devicePixelRatio) / plain.width;
      const scale = Math.min(sharp, Math.sqrt(maxPixels / (plain.width * plain.height)));
      const viewport = page.getViewport({ scale });
      canvas.current.width = Math.floor(viewport.width);
      canvas.current.height = Math.floor(viewport.height);
      task = page.render({ canvas: canvas.current, viewport });
      await task.promise;
      page.cleanup();
    };
    draw().catch(() => {
      if (!isGone) setHasFailed(true);
    });
    const drawnTo = canvas.current;
    return () => {
      isGone = true;
      task?.cancel();
      // Gives its memory back at once, not when somebody collects it.
      if (drawnTo !== null) drawnTo.width = drawnTo.height = 0;
    };
  }, [pdf, number, width, onRatio]);
  return (
    <div className={classes.page} style={{ height: width * ratio }}>
      {hasFailed ? <p className={classes.quiet}>Page {number} can’t be drawn.</p> : null}
      <canvas ref={canvas} role="img" aria-label={`Page ${number} of the original`} />
    </div>
  );
});
