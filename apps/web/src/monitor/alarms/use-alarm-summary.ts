import type { AlarmSummary } from "@millrace/contracts";
import { useQuery } from "@tanstack/react-query";
import { fetchAlarmSummary } from "../monitor-requests.ts";
import { monitorKey } from "../parts/monitor-keys.ts";

/** On other pages nobody listens to the monitor's notices. */
const pollMs = 30_000;

/** How many alarms are open; undefined while that is not known. */
export function useAlarmSummary(): AlarmSummary | undefined {
  const query = useQuery({
    queryKey: monitorKey("alarms", "summary"),
    queryFn: ({ signal }) => fetchAlarmSummary(signal),
    refetchInterval: pollMs,
  });
  return query.data;
}
