import type { JobDetail } from "@millrace/contracts";
import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { use, useEffect, useState } from "react";
import { useLive } from "../live/live-context.ts";
import { mergeLogLines } from "../logs/merge-log-lines.ts";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { MonitorUpdatesContext, useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { applyJobEvents, noNews } from "./job-live.ts";
import type { JobNews } from "./job-live.ts";
import { fetchJob, fetchJobTree, listJobLog } from "./job-requests.ts";
import { hasEnded } from "./job-times.ts";

const jobKey = (id: string) => monitorKey("job", id);
/** Not among what any notice makes old: it may be many pages, and its new lines come by themselves. */
const logKey = (id: string) => ["job-log", id] as const;

/** One job as the API tells it; asked for anew when notices say that jobs changed. */
export function useJob(id: string): UseQueryResult<JobDetail> {
  const interval = useMonitorInterval();
  return useQuery({
    queryKey: jobKey(id),
    queryFn: ({ signal }) => fetchJob(id, signal),
    refetchInterval: ({ state }) => (state.data !== undefined && hasEnded(state.data) ? false : interval),
  });
}

/** What the job's own topic tells between two answers of the API: progress and log lines as they come. */
export function useJobNews(id: string): JobNews {
  const { socket } = useLive();
  const { isPaused } = use(MonitorUpdatesContext);
  const queries = useQueryClient();
  const [news, setNews] = useState(noNews);
  useEffect(() => {
    if (isPaused) return;
    const ask = () => {
      void queries.invalidateQueries({ queryKey: jobKey(id) });
      void queries.invalidateQueries({ queryKey: logKey(id) });
    };
    return socket.subscribe(`job:${id}`, {
      onSnapshot: () => {
        // What came before it is in the answers that are asked for now.
        setNews((known) => ({ ...known, progress: null }));
        ask();
      },
      onEvents: (events) => {
        setNews((known) => applyJobEvents(known, events).news);
        if (applyJobEvents(noNews, events).changed) ask();
      },
      // The answer of the API says on the page what became of it.
      onRefused: ask,
    });
  }, [socket, queries, id, isPaused]);
  return news;
}

/** The log of a job, oldest line first, growing as events come. */
export function useJobLog(job: JobDetail, news: JobNews) {
  const interval = useMonitorInterval();
  const stored = useInfiniteQuery({
    queryKey: logKey(job.id),
    queryFn: ({ pageParam, signal }) => listJobLog(job.id, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: hasEnded(job) ? false : interval,
  });
  const pages = stored.data?.pages.map((page) => page.data) ?? [];
  // Others may write to the stream after this job's end: those lines are theirs.
  const isListening = !hasEnded(job) || stored.data === undefined;
  return { stored, lines: mergeLogLines(...pages, isListening ? news.lines : []) };
}

/** What the job belongs to: its workflow, or the job with its child jobs. */
export function useJobTree(job: JobDetail) {
  const interval = useMonitorInterval();
  return useQuery({
    queryKey: [...jobKey(job.id), "tree"],
    queryFn: ({ signal }) => fetchJobTree(job.id, signal),
    refetchInterval: hasEnded(job) ? false : interval,
    placeholderData: keepPreviousData,
  });
}
