import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { monitorKey } from "./monitor-keys.ts";
import { useMonitorInterval } from "./monitor-updates.ts";

/** Answers that cost the server work come with the poll only: a busy queue sends a notice a second. */
export type MonitorQueryOptions = { readonly isCostly?: boolean };

/**
 * One answer of the API that a page of the monitor shows: renewed by notices and by the poll. While
 * the next one loads the former stays, so that nothing jumps.
 */
export function useMonitorQuery<Answer>(
  key: readonly unknown[],
  fetchAnswer: (signal: AbortSignal) => Promise<Answer>,
  { isCostly = false }: MonitorQueryOptions = {},
): UseQueryResult<Answer> {
  return useQuery({
    queryKey: monitorKey(...key),
    queryFn: ({ signal }) => fetchAnswer(signal),
    refetchInterval: useMonitorInterval(),
    meta: { isCostly },
    placeholderData: keepPreviousData,
  });
}
