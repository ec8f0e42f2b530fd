import { resumeQueue } from "../monitor-requests.ts";
import { useMonitorAction } from "../parts/use-monitor-action.ts";
import { namedQueue } from "./queue-name.ts";

/** Lets a queue, or with `*` all of them, go on. */
export function useResume() {
  return useMonitorAction({
    run: (queue: string) => resumeQueue(queue),
    done: (_answer, queue) => `Resumed ${namedQueue(queue)}`,
    refused: "Not resumed",
  });
}
