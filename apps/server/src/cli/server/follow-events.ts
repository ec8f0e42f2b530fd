import { liveEventSchema } from "@millrace/contracts";
import { errorCode, parseJson } from "@millrace/kernel";
import { serverNotReachable } from "../errors.ts";
import { pause } from "../pause.ts";
import { askAgainMs, patienceMs } from "./ask-patiently.ts";
import { mayPass } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import { readEvents } from "./event-stream.ts";

/** An event as it is stored, or `snapshot` with how the subject stands because its history has expired. */
export type FollowedEvent = { readonly type: string; readonly data: unknown };

/**
 * Follows the events of a subject to its end, over lost connections: each new one goes on after the last event
 * that was seen. Throws `server_not_reachable` when the server stays away.
 */
export async function* followEvents(
  client: ApiClient,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<FollowedEvent, void, undefined> {
  let lastId: string | undefined;
  let lostAtMs: number | undefined;
  for (;;) {
    try {
      const headers = lastId === undefined ? {} : { "last-event-id": lastId };
      const response = await client.open(path, { query: { until: "finished" }, headers, signal });
      // No content: the last event seen was the end.
      if (response.status === 204 || response.body === null) return;
      for await (const { id, type, text } of readEvents(response.body)) {
        lastId = id ?? lastId;
        lostAtMs = undefined;
        if (type === "reset") continue;
        const message = parseJson(text);
        yield type === "snapshot"
          ? { type, data: snapshotData(message) }
          : { type, data: liveEventSchema.parse(message).data };
      }
    } catch (error) {
      signal.throwIfAborted();
      // A stream that breaks off throws the client's own errors, which say nothing of use.
      if (errorCode(error) !== "internal_error" && !mayPass(error)) throw error;
    }
    lostAtMs ??= performance.now();
    if (performance.now() - lostAtMs > patienceMs) throw serverNotReachable(client.url);
    await pause(askAgainMs, signal);
  }
}

function snapshotData(message: unknown): unknown {
  return typeof message === "object" && message !== null && "data" in message ? message.data : undefined;
}
