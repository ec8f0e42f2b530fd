import IconCloudOff from "@tabler/icons-react/dist/esm/icons/IconCloudOff.mjs";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useLiveState } from "../live/live-context.ts";
import classes from "./connection-banner.module.css";

/** A short loss repairs itself before anybody can read about it. */
const patienceMs = 2500;

/** Says that the page may be old, and why, while it is. */
export function ConnectionBanner() {
  const isOnline = useSyncExternalStore(watchNetwork, () => navigator.onLine);
  const state = useLiveState();
  const isAway = !isOnline || state === "reconnecting" || state === "polling";
  return <div role="status">{isAway ? <Banner isOnline={isOnline} /> : null}</div>;
}

function Banner({ isOnline }: { isOnline: boolean }) {
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsLong(true), patienceMs);
    return () => clearTimeout(timer);
  }, []);
  if (!isLong) return null;
  return (
    <p className={classes.banner}>
      <IconCloudOff size={17} aria-hidden="true" />
      {isOnline
        ? "The live connection is away. Trying again; meanwhile this page asks for news every few seconds."
        : "You are offline. What you see may be old; work on the server goes on."}
    </p>
  );
}

function watchNetwork(onChange: () => void): () => void {
  window.addEventListener("online", onChange);
  window.addEventListener("offline", onChange);
  return () => {
    window.removeEventListener("online", onChange);
    window.removeEventListener("offline", onChange);
  };
}
