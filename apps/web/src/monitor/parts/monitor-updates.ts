import { createContext, use } from "react";

/** Whether the pages of the monitor follow what happens, or stand still to be read. */
export type MonitorUpdates = { readonly isPaused: boolean };

export const MonitorUpdatesContext = createContext<MonitorUpdates>({ isPaused: false });

/** Notices over the socket are the quick way; this finds what no notice told. */
const pollMs = 5000;

/** For `refetchInterval`: a slow poll, which Query stops while the page is hidden. */
export function useMonitorInterval(): number | false {
  const { isPaused } = use(MonitorUpdatesContext);
  return isPaused ? false : pollMs;
}
