import cluster from "node:cluster";
import type { FromProcess, ToProcess } from "./messages.ts";

/** A process that a supervisor has started, seen from inside of it. */
export type Supervision = {
  readonly tellReady: () => void;
  /** Calls back for what the supervisor says, or said before; with `stop`, too, when it is gone. */
  readonly listen: (listener: (message: ToProcess) => void) => void;
};

/** Undefined in a process that nobody supervises. */
export function findSupervision(): Supervision | undefined {
  const self = cluster.worker;
  if (self === undefined) return undefined;
  return {
    tellReady: () => tell("ready"),
    listen: (listener) => {
      process.on("message", (message) => {
        if (message === "stop" || message === "hurry") listener(message);
      });
      self.once("disconnect", () => {
        // Without this Node ends a process whose parent has died at once: nothing would be handed back.
        self.exitedAfterDisconnect = true;
        listener("stop");
      });
      tell("listening");
      // Not a reason to live on: one whose start failed ends with its own exit code.
      process.channel?.unref();
      // It may have died before we listened.
      if (!process.connected) listener("stop");
    },
  };
}

function tell(message: FromProcess): void {
  // Without a callback a failure would end this process. The supervisor is gone then: `disconnect` says so too.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
