import type { QueueList } from "@millrace/contracts";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { fetchQueues, fetchWorkers } from "../monitor-requests.ts";
import { monitorKey } from "../parts/monitor-keys.ts";
import { useMonitorInterval } from "../parts/monitor-updates.ts";
import { withSilence } from "../workers/worker-silence.ts";
import type { WatchedWorker } from "../workers/worker-silence.ts";
import { withSample } from "./samples.ts";
import type { Sample } from "./samples.ts";

export type Overview = {
  readonly queues: QueueList;
  readonly workers: readonly WatchedWorker[];
  /** Oldest first; since the page was opened first in this tab. */
  readonly samples: readonly Sample[];
};

const key = monitorKey("overview");

/** Queues and workers together, and how they stood before. */
export function useOverview(): UseQueryResult<Overview> {
  const queries = useQueryClient();
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Overview> => {
      const [queues, workers] = await Promise.all([fetchQueues(signal), fetchWorkers(signal)]);
      const before = queries.getQueryData<Overview>(key);
      const nowMs = Date.now();
      return {
        queues,
        workers: withSilence(before?.workers, workers.data, nowMs),
        samples: withSample(
          before?.samples ?? [],
          { all: queues.all, queues: queues.data, workers: workers.data },
          nowMs,
        ),
      };
    },
    // The lines go on where they were when one comes back from another page.
    gcTime: Number.POSITIVE_INFINITY,
    refetchInterval: useMonitorInterval(),
  });
}
