import { createContext, use, useSyncExternalStore } from "react";
import type { Upload, UploadProgress, UploadQueue } from "./upload-queue.ts";

export const UploadsContext = createContext<UploadQueue | undefined>(undefined);

export function useUploadQueue(): UploadQueue {
  const queue = use(UploadsContext);
  if (queue === undefined) throw new Error("useUploadQueue needs an UploadsContext above it");
  return queue;
}

export function useUploads(): readonly Upload[] {
  const queue = useUploadQueue();
  return useSyncExternalStore(
    (listener) => queue.onChange(listener),
    () => queue.uploads,
  );
}

export function useUploadProgress(): UploadProgress {
  const queue = useUploadQueue();
  return useSyncExternalStore(
    (listener) => queue.onChange(listener),
    () => queue.progress,
  );
}
