import { monitorKey } from "../monitor/parts/monitor-keys.ts";

/** Where answers on crews live in the Query cache: among what an action of an operator makes old. */
export const crewKeys = {
  crews: monitorKey("crews"),
  crew: (name: string) => monitorKey("crew", name),
  runs: (crew: string | undefined) => monitorKey("crew-runs", crew ?? null),
  run: (id: string) => monitorKey("crew-run", id),
};
