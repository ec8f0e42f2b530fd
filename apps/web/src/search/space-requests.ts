import type { EmbeddingSpace, Page } from "@millrace/contracts";
import { callApi } from "../api/client.ts";

export function listEmbeddingSpaces(signal?: AbortSignal): Promise<Page<EmbeddingSpace>> {
  return callApi("/search/spaces", { signal });
}

export function setSpacePaused(id: string, isPaused: boolean): Promise<EmbeddingSpace> {
  const path = `/search/spaces/${encodeURIComponent(id)}/${isPaused ? "pause" : "resume"}`;
  return callApi(path, { method: "POST" });
}
