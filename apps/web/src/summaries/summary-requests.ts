import type { AcceptedSummary, CreateSummary, Page, Summary, SummaryDetail } from "@millrace/contracts";
import { callApi } from "../api/client.ts";

const summaryPath = (id: string) => `/summaries/${encodeURIComponent(id)}`;

export function listSummaries(
  options: { limit: number; cursor?: string | undefined; search?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<Summary>> {
  return callApi("/summaries", { query: options, signal });
}

/** One summary with the text it is made of. */
export function fetchSummary(id: string, signal?: AbortSignal): Promise<SummaryDetail> {
  return callApi(summaryPath(id), { signal });
}

export function createSummary(request: CreateSummary, idempotencyKey: string): Promise<AcceptedSummary> {
  return callApi("/summaries", { method: "POST", json: request, idempotencyKey });
}

export function cancelSummary(id: string): Promise<AcceptedSummary> {
  return callApi(`${summaryPath(id)}/cancel`, { method: "POST" });
}

export function deleteSummary(id: string): Promise<void> {
  return callApi(summaryPath(id), { method: "DELETE" });
}
