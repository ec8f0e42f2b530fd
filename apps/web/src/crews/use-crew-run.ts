import type { CrewRunDetail } from "@millrace/contracts";
import { useQuery } from "@tanstack/react-query";
import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Gathered } from "../live/gathered.ts";
import { useLive } from "../live/live-context.ts";
import type { Live } from "../live/live-context.ts";
import { askFor } from "../live/renewal-times.ts";
import { useMonitorInterval } from "../monitor/parts/monitor-updates.ts";
import { crewKeys } from "./crew-keys.ts";
import { applyCrewEvents, noCrewNews } from "./crew-live.ts";
import type { CrewNews } from "./crew-live.ts";
import { fetchCrewRun } from "./crew-requests.ts";

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
  const { socket, renewals } = useLive();
  const [news, setNews] = useState(noCrewNews);
  useEffect(() => followCrewRun({ socket, renewals }, id, setNews), [socket, renewals, id]);
  return news;
}

/** Tells of what happens in a run, and asks for the run itself when it is old, until the returned function is called. */
export function followCrewRun(
  { socket, renewals }: Pick<Live, "socket" | "renewals">,
  id: string,
  tell: (change: (known: CrewNews) => CrewNews) => void,
): () => void {
  const asking = new Gathered(() => renewals.renew({ queryKey: crewKeys.run(id) }));
  const release = socket.subscribe(
    `crew_run:${id}`,
    {
      onSnapshot: () => askFor(asking, "state"),
      // What was under way before would never be told of again.
      onReset: () => tell(() => noCrewNews),
      onEvents: (events) => {
        tell((known) => applyCrewEvents(known, events).news);
        askFor(asking, applyCrewEvents(noCrewNews, events).asksFor);
      },
    },
    { fromStart: true },
  );
  return () => {
    asking.stop();
    release();
  };
}
