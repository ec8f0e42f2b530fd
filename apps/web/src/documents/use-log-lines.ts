import type { LogLine } from "@millrace/contracts";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { queryKeys } from "../api/query-keys.ts";
import { listLogLines } from "../api/requests.ts";
import { usePollInterval } from "../live/live-context.ts";
import { mergeLogLines } from "../logs/merge-log-lines.ts";

const nothing: readonly LogLine[] = [];

/** The log of a document, oldest line first, growing as events come. */
export function useLogLines(documentId: string) {
  const pollMs = usePollInterval();
  const stored = useInfiniteQuery({
    queryKey: queryKeys.documentLog(documentId),
    queryFn: ({ pageParam, signal }) => listLogLines(documentId, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: pollMs,
  });
  const live = useQuery<readonly LogLine[]>({
    queryKey: queryKeys.documentLiveLog(documentId),
    enabled: false,
  });
  const pages = stored.data?.pages.map((page) => page.data) ?? [];
  return { stored, lines: mergeLogLines(...pages, live.data ?? nothing) };
}
