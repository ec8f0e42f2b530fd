const headerHeight = 57;
/** The name of the page above its first line, and a little room. */
const room = 58;

/** Where a line that was jumped to stands: below the header and the reading bar, which is higher on a phone. */
export function readingLine(): number {
  const bar = document.querySelector<HTMLElement>("[data-reading-bar]");
  return headerHeight + (bar?.offsetHeight ?? 0) + room;
}

/** For so long, and in so many frames, it keeps its place in the page: what pushed it away has been laid out. */
const settledMs = 1500;
const settledFrames = 20;
/** Longer than any layout takes; a piece that can't be fetched must not hold the window for ever. */
const longestMs = 30_000;

/** Scrolls to an element and holds it there while the text around it is laid out, unless the reader scrolls. */
export function bringIntoView(element: HTMLElement, block: "start" | "center"): () => void {
  const startedMs = performance.now();
  let place = Number.NaN;
  let movedMs = startedMs;
  let framesSince = 0;
  let frame = 0;
  const stop = (): void => {
    cancelAnimationFrame(frame);
    for (const name of readerActions) removeEventListener(name, stop, true);
  };
  const settle = (): void => {
    if (!element.isConnected) return stop();
    const nowMs = performance.now();
    const newPlace = moveIntoPlace(element, block);
    framesSince += 1;
    if (newPlace !== place || isLoading()) {
      place = newPlace;
      movedMs = nowMs;
      framesSince = 0;
    }
    const isSettled = nowMs - movedMs > settledMs && framesSince >= settledFrames;
    if (isSettled || nowMs - startedMs > longestMs) return stop();
    frame = requestAnimationFrame(settle);
  };
  for (const name of readerActions) addEventListener(name, stop, true);
  settle();
  return stop;
}

/** Returns how far below the beginning of the page it stands, which scrolling does not change. */
function moveIntoPlace(element: HTMLElement, block: "start" | "center"): number {
  const { top, height } = element.getBoundingClientRect();
  const place = Math.round(top + window.scrollY);
  const isTall = height > window.innerHeight / 2;
  const wanted = block === "center" && !isTall ? (window.innerHeight - height) / 2 : readingLine();
  const away = top - wanted;
  if (Math.abs(away) > 2) window.scrollBy({ top: away, behavior: "instant" });
  return place;
}

/** Whether a piece of the text near the window is still to come, with another height than was kept free for it. */
function isLoading(): boolean {
  return document.querySelector("[data-index] [data-loading]") !== null;
}

const readerActions = ["wheel", "touchmove", "keydown", "pointerdown"] as const;
