import type { JobDetail } from "@millrace/contracts";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { use, useEffect, useState } from "react";
import { Gathered } from "../live/gathered.ts";
import { useLive } from "../live/live-context.ts";
import type { Live } from "../live/live-context.ts";
import { askFor } from "../live/renewal-times.ts";
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
  const { socket, renewals } = useLive();
  const { isPaused } = use(MonitorUpdatesContext);
  const [news, setNews] = useState(noNews);
  useEffect(
    () => (isPaused ? undefined : followJob({ socket, renewals }, id, setNews)),
    [socket, renewals, id, isPaused],
  );
  return news;
}

/** Tells of what happens to a job, and asks for what of it is old, until the returned function is called. */
export function followJob(
  { socket, renewals }: Pick<Live, "socket" | "renewals">,
  id: string,
  tell: (change: (known: JobNews) => JobNews) => void,
): () => void {
  const askJob = () => renewals.renew({ queryKey: jobKey(id) });
  const askAll = () => {
    askJob();
    renewals.renew({ queryKey: logKey(id) });
  };
  const asking = new Gathered(askJob);
  const askingAll = new Gathered(askAll);
  const release = socket.subscribe(`job:${id}`, {
    onSnapshot: () => {
      // What came before it is in the answers that are asked for now.
      tell((known) => ({ ...known, progress: null }));
      askAll();
    },
    onEvents: (events) => {
      tell((known) => applyJobEvents(known, events).news);
      const { asksFor } = applyJobEvents(noNews, events);
      // Lines of the log are told by themselves: only a state says that some may be missing.
      askFor(asksFor === "state" ? askingAll : asking, asksFor);
    },
    // The answer of the API says on the page what became of it.
    onRefused: askAll,
  });
  return () => {
    asking.stop();
    askingAll.stop();
    release();
  };
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
