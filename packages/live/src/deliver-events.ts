import type { StoredEvent } from "@millrace/queue";
import type { LiveHub } from "./hub/live-hub.ts";

export type DeliverOptions = {
  readonly hub: LiveHub;
  readonly stream: string;
  readonly since: number;
  readonly signal: AbortSignal;
  /** Asked before every batch; false ends the delivery. */
  readonly mayWatch: () => Promise<boolean> | boolean;
  /** Waits until the receiver can take more; false when it is gone. */
  readonly room: () => Promise<boolean>;
  /** Sends one event; false ends the delivery. */
  readonly send: (event: StoredEvent) => boolean;
};

/** Why a delivery ended. `gone`: the receiver left; `stopped`: this process stops. */
export type DeliveryEnd =
  | { readonly kind: "gone" }
  | { readonly kind: "stopped" }
  | { readonly kind: "refused" }
  | { readonly kind: "reset" };

/**
 * Moves the events of a stream to one receiver, as fast as it takes them: it holds one batch and a
 * position, so a slow receiver never costs more than that.
 */
export async function deliverEvents(options: DeliverOptions): Promise<DeliveryEnd> {
  const { hub, stream, since, signal } = options;
  for await (const step of hub.follow({ stream, since, signal })) {
    if (step.kind === "reset") return { kind: "reset" };
    for (const event of step.events) {
      // Waiting for room may take long, so the permission is looked at after it, event by event.
      if (!(await options.room())) return { kind: "gone" };
      if (!(await options.mayWatch())) return { kind: "refused" };
      if (signal.aborted || !options.send(event)) return { kind: "gone" };
    }
  }
  return { kind: signal.aborted ? "gone" : "stopped" };
}
