import { createContext, use, useSyncExternalStore } from "react";
import type { Upload, UploadQueue } from "./upload-queue.ts";

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
