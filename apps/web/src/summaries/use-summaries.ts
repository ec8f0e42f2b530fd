import type { Summary } from "@millrace/contracts";
import { keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useSendOnce } from "../api/send-once.ts";
import { showDone, showProblem } from "../feedback/toasts.ts";
import { useLive, usePollInterval } from "../live/live-context.ts";
import { summaryKeys } from "./summary-keys.ts";
import { applySummaryEvents, isOver, noSummaryNews } from "./summary-live.ts";
import type { SummaryNews } from "./summary-live.ts";
import {
  cancelSummary,
  createSummary,
  deleteSummary,
  fetchSummary,
  listSummaries,
} from "./summary-requests.ts";

const pageSize = 20;

/** Summaries, newest first, a page more each time; with a search those that have all of its words. */
export function useSummaries(search: string | undefined) {
  return useInfiniteQuery({
    queryKey: summaryKeys.found(search),
    queryFn: ({ pageParam, signal }) => listSummaries({ limit: pageSize, cursor: pageParam, search }, signal),
    // What was found stays while the next words are looked for.
    placeholderData: keepPreviousData,
    // Typed by hand: the first page has no cursor.
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: usePollInterval(),
  });
}

/** What is being done for a summary, from its beginning on; nothing once it is over. */
export function useSummaryNews(summary: Summary): SummaryNews {
  const { socket } = useLive();
  const queries = useQueryClient();
  const [news, setNews] = useState(noSummaryNews);
  const { id } = summary;
  const isActive = !isOver(summary);
  useEffect(() => {
    if (!isActive) return undefined;
    const refresh = () => void queries.invalidateQueries({ queryKey: summaryKeys.list });
    return socket.subscribe(
      `summary:${id}`,
      {
        onSnapshot: () => undefined,
        onReset: () => setNews(noSummaryNews),
        onEvents: (events) => {
          setNews((known) => applySummaryEvents(known, events).news);
          if (applySummaryEvents(noSummaryNews, events).isChanged) refresh();
        },
      },
      { fromStart: true },
    );
  }, [socket, queries, id, isActive]);
  return news;
}

/** A new summary of the text of another. */
export function useSummariseAnew() {
  const queries = useQueryClient();
  const createOnce = useSendOnce(createSummary);
  return useMutation({
    mutationFn: async (summary: Summary) => {
      const { text, title, language } = await fetchSummary(summary.id);
      return await createOnce({ text, title, fresh: true, ...(language === null ? {} : { language }) });
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: summaryKeys.list }),
    onError: (error) => showProblem("No new summary was begun", error),
  });
}

export function useCancelSummary() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (summary: Summary) => cancelSummary(summary.id),
    onError: (error) => showProblem("Not cancelled", error),
    onSettled: () => queries.invalidateQueries({ queryKey: summaryKeys.list }),
  });
}

export function useDeleteSummary(onDeleted: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (summary: Summary) => deleteSummary(summary.id),
    onSuccess: () => {
      onDeleted();
      showDone("Deleted");
      return queries.invalidateQueries({ queryKey: summaryKeys.list });
    },
    onError: (error) => showProblem("Not deleted", error),
  });
}
