import type { Job, Page } from "@millrace/contracts";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import type { InfiniteData } from "@tanstack/react-query";
import { use, useEffect } from "react";
import { monitorKey } from "../monitor/parts/monitor-keys.ts";
import { MonitorUpdatesContext, useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { listJobs } from "./job-requests.ts";
import type { JobFilters } from "./job-requests.ts";
import { withFresh } from "./listed-jobs.ts";
import type { FreshJobs } from "./listed-jobs.ts";

const pageSize = 25;
/** After so many, "load more" opens a page of its own: each change asks for all that is loaded. */
const maxLoadedPages = 8;
/** The most that one request may ask for. */
const freshPageSize = 100;
/** Progress is in no notice: while something runs, the rows are asked for this often. */
const movingMs = 2500;

type Listed = InfiniteData<Page<Job>, string | undefined>;

/**
 * Jobs, newest first, in pages. What is loaded stays where it is; a second request beside it tells how
 * those jobs are now and how many came since.
 */
export function useJobList(filters: JobFilters, cursor: string | undefined) {
  const queries = useQueryClient();
  const listKey = ["job-list", filters, cursor ?? null] as const;
  const base = useInfiniteQuery({
    queryKey: listKey,
    queryFn: ({ pageParam, signal }) => listJobs({ ...filters, cursor: pageParam, limit: pageSize }, signal),
    initialPageParam: cursor,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const listed = base.data?.pages.flatMap((page) => page.data) ?? [];
  const fresh = useFreshJobs(filters, cursor, base.isPlaceholderData || base.isPending ? undefined : listed);
  const { rows, newCount } = withFresh(listed, fresh);
  const pages = base.data?.pages ?? [];

  /** Begins the list anew with what came since. */
  const showNewest = async () => {
    const page = await queries.fetchQuery({
      queryKey: ["job-list-start", filters, cursor ?? null],
      queryFn: ({ signal }) => listJobs({ ...filters, cursor, limit: pageSize }, signal),
      staleTime: 0,
    });
    queries.setQueryData<Listed>(listKey, { pages: [page], pageParams: [cursor] });
    void queries.invalidateQueries({ queryKey: freshKey(filters, cursor) });
  };
  // Where nothing is shown, nobody can lose their place.
  const { refetch } = base;
  const isEmptyNow = base.isSuccess && !base.isPlaceholderData && listed.length === 0 && newCount > 0;
  useEffect(() => {
    if (isEmptyNow) void refetch();
  }, [isEmptyNow, refetch]);

  return {
    base,
    rows,
    // Behind a cursor everything newer is "new", and none of it is wanted.
    newCount: cursor === undefined ? newCount : 0,
    showNewest,
    nextCursor: pages.at(-1)?.next_cursor ?? undefined,
    canLoadMore: pages.length < maxLoadedPages,
  };
}

const freshKey = (filters: JobFilters, cursor: string | undefined) =>
  monitorKey("jobs", "fresh", filters, cursor ?? null);

function useFreshJobs(
  filters: JobFilters,
  cursor: string | undefined,
  listed: readonly Job[] | undefined,
): FreshJobs | undefined {
  const interval = useMonitorInterval();
  const { isPaused } = use(MonitorUpdatesContext);
  const oldest = listed?.at(-1)?.id;
  return useQuery({
    queryKey: freshKey(filters, cursor),
    queryFn: ({ signal }) => fetchDownTo(filters, cursor, oldest, signal),
    enabled: listed !== undefined && !isPaused,
    refetchInterval: ({ state }) =>
      interval !== false && (state.data?.jobs ?? listed)?.some((job) => job.state === "running") === true
        ? movingMs
        : interval,
  }).data;
}

/** All jobs from the newest down to one, in as few requests as that takes. */
async function fetchDownTo(
  filters: JobFilters,
  cursor: string | undefined,
  oldest: string | undefined,
  signal: AbortSignal,
): Promise<FreshJobs> {
  const jobs: Job[] = [];
  const maxRequests = Math.ceil((maxLoadedPages * pageSize) / freshPageSize) + 1;
  let next = cursor;
  for (let request = 0; request < maxRequests; request += 1) {
    const page = await listJobs({ ...filters, cursor: next, limit: freshPageSize }, signal);
    jobs.push(...page.data);
    if (page.next_cursor === null) return { jobs, isWhole: true };
    next = page.next_cursor;
    const last = jobs.at(-1)?.id;
    if (oldest === undefined || (last !== undefined && last <= oldest)) break;
  }
  return { jobs, isWhole: false };
}
