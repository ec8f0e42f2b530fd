import { useLiveState } from "../live/live-context.ts";
import type { LiveState } from "../live/socket.ts";
import classes from "./live-indicator.module.css";

const labels: Record<LiveState, { label: string; title: string }> = {
  connecting: { label: "Connecting", title: "Connecting for live updates" },
  live: { label: "Live", title: "Changes show here as they happen" },
  reconnecting: { label: "Reconnecting", title: "The live connection was lost and is being restored" },
  polling: { label: "Polling", title: "No live connection: this page asks every 3 seconds" },
  signed_out: { label: "Signed out", title: "Sign in to see live updates" },
};

/** How fresh the page is, always in sight. */
export function LiveIndicator() {
  const state = useLiveState();
  const { label, title } = labels[state];
  return (
    <span className={classes.root} data-state={state} title={title}>
      <span className={classes.dot} aria-hidden="true" />
      <span className={classes.label}>{label}</span>
    </span>
  );
}
