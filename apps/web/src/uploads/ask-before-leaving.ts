import type { UploadQueue } from "./upload-queue.ts";

/** Lets the browser ask before the page goes, while files are on their way: they would be lost with it. */
export function askBeforeLeaving(uploads: UploadQueue, page: EventTarget): void {
  const ask = (event: Event) => event.preventDefault();
  uploads.onChange(() => {
    // Only as long: a page that listens for this is not kept by the browser for the way back.
    if (uploads.isSending) page.addEventListener("beforeunload", ask);
    else page.removeEventListener("beforeunload", ask);
  });
}
