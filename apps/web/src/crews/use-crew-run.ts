import type { CrewRunDetail } from "@millrace/contracts";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLive } from "../live/live-context.ts";
import { useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { crewKeys } from "./crew-keys.ts";
import { applyCrewEvents, noCrewNews } from "./crew-live.ts";
import type { CrewNews } from "./crew-live.ts";
import { fetchCrewRun } from "./crew-requests.ts";

/** Tools and turns of several tasks end at once: the run is asked for once then. */
const gatherMs = 400;

/** A run as the API tells it. Events make it quick; the poll finds what none told. */
export function useCrewRun(id: string): UseQueryResult<CrewRunDetail> {
  const interval = useMonitorInterval();
  return useQuery({
    queryKey: crewKeys.run(id),
    queryFn: ({ signal }) => fetchCrewRun(id, signal),
    refetchInterval: ({ state }) => ((state.data?.finished_at ?? null) === null ? interval : false),
  });
}

/** What happened in a run from its start, as far as that is kept, and what happens now. */
export function useCrewNews(id: string): CrewNews {
  const { socket } = useLive();
  const queries = useQueryClient();
  const [news, setNews] = useState(noCrewNews);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const askSoon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ queryKey: crewKeys.run(id) });
      }, gatherMs);
    };
    const release = socket.subscribe(
      `crew_run:${id}`,
      {
        onSnapshot: askSoon,
        // What was under way before would never be told of again.
        onReset: () => setNews(noCrewNews),
        onEvents: (events) => {
          setNews((known) => applyCrewEvents(known, events).news);
          if (applyCrewEvents(noCrewNews, events).changed) askSoon();
        },
      },
      { fromStart: true },
    );
    return () => {
      clearTimeout(timer);
      release();
    };
  }, [socket, queries, id]);
  return news;
}
