const headerHeight = 57;
/** The name of the page above its first line, and a little room. */
const room = 58;

/** Where a line that was jumped to stands: below the header and the reading bar, which is higher on a phone. */
export function readingLine(): number {
  const bar = document.querySelector<HTMLElement>("[data-reading-bar]");
  return headerHeight + (bar?.offsetHeight ?? 0) + room;
}

/** So long what is still loading above may push it away. */
const settleMs = 1500;

/** Scrolls to an element and holds it there while the text around it is laid out, unless the reader scrolls. */
export function bringIntoView(element: HTMLElement, block: "start" | "center"): () => void {
  const until = performance.now() + settleMs;
  let frame = 0;
  const stop = (): void => {
    cancelAnimationFrame(frame);
    for (const name of readerActions) removeEventListener(name, stop, true);
  };
  const settle = (): void => {
    if (!element.isConnected || performance.now() > until) return stop();
    const { top, height } = element.getBoundingClientRect();
    const isTall = height > window.innerHeight / 2;
    const wanted = block === "center" && !isTall ? (window.innerHeight - height) / 2 : readingLine();
    const away = top - wanted;
    if (Math.abs(away) > 2) window.scrollBy({ top: away, behavior: "instant" });
    frame = requestAnimationFrame(settle);
  };
  for (const name of readerActions) addEventListener(name, stop, true);
  settle();
  return stop;
}

const readerActions = ["wheel", "touchmove", "keydown", "pointerdown"] as const;
