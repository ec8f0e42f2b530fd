import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { fetchWorkers } from "../monitor-requests.ts";
import { monitorKey } from "../parts/monitor-keys.ts";
import { useMonitorInterval } from "../parts/monitor-updates.ts";
import { withSilence } from "./worker-silence.ts";
import type { WatchedWorker } from "./worker-silence.ts";

const key = monitorKey("workers");

/** The workers as they said of themselves last, and for how long they have been silent. */
export function useWorkers(): UseQueryResult<WatchedWorker[]> {
  const queries = useQueryClient();
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const { data } = await fetchWorkers(signal);
      return withSilence(queries.getQueryData<WatchedWorker[]>(key), data, Date.now());
    },
    refetchInterval: useMonitorInterval(),
    placeholderData: keepPreviousData,
  });
}
