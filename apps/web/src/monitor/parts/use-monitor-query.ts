import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { monitorKey } from "./monitor-keys.ts";
import { useMonitorInterval } from "./monitor-updates.ts";

/**
 * One answer of the API that a page of the monitor shows: renewed by notices and by the poll. While
 * the next one loads the former stays, so that nothing jumps.
 */
export function useMonitorQuery<Answer>(
  key: readonly unknown[],
  fetchAnswer: (signal: AbortSignal) => Promise<Answer>,
): UseQueryResult<Answer> {
  return useQuery({
    queryKey: monitorKey(...key),
    queryFn: ({ signal }) => fetchAnswer(signal),
    refetchInterval: useMonitorInterval(),
    placeholderData: keepPreviousData,
  });
}
