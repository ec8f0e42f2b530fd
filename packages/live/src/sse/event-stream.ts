import { systemClock, toError } from "@millrace/kernel";
import type { Clock } from "@millrace/kernel";
import type { StoredEvent } from "@millrace/queue";
import type { FastifyReply } from "fastify";
import { AccessGuard } from "../access-guard.ts";
import { deliverEvents } from "../deliver-events.ts";
import { toToldError } from "../errors.ts";
import { eventEnvelope } from "../hub/event-text.ts";
import type { LiveHub } from "../hub/live-hub.ts";
import { EventStreamWriter } from "./event-stream-writer.ts";
import type { EventStreamLimits } from "./event-stream-writer.ts";

export type EventStreamSnapshot = {
  readonly seq: number;
  readonly data: unknown;
  /** Whether nothing more will happen; ends the stream when `until` was given. */
  readonly isFinished: boolean;
};

type EventStreamOptions = {
  readonly reply: FastifyReply;
  readonly hub: LiveHub;
  readonly stream: string;
  /** The last number the client has seen; 0 for everything. */
  readonly since: number;
  /** The response ends after the first event for which this holds. Default: never. */
  readonly until?: (event: StoredEvent) => boolean;
  /** How things stand, sent after a `reset`; undefined when it is gone, which ends the stream. */
  readonly snapshot: () => Promise<EventStreamSnapshot | undefined>;
  /**
   * Whether the client may still watch: asked at most every 5 s, before something is sent. That it may when this
   * begins is for the caller to know.
   */
  readonly mayWatch: () => Promise<boolean>;
  readonly limits?: Partial<EventStreamLimits>;
  readonly clock?: Clock;
};

/**
 * Answers with Server-Sent Events: `id` is the number, `event` the type, `data` the event as JSON.
 * When the history asked for has expired, `reset` comes first, then `snapshot`, then what follows.
 * A client that has already seen the end gets 204, which makes browsers stop reconnecting. Resolves
 * when the response has ended, whoever ended it.
 */
export async function sendEventStream(options: EventStreamOptions): Promise<void> {
  const { reply, hub, stream, until } = options;
  if (until !== undefined && (await hasSeenTheEnd(options, until))) {
    await reply.code(204).send();
    return;
  }
  const guard = new AccessGuard({
    check: options.mayWatch,
    everyMs: options.limits?.recheckMs ?? 5_000,
    clock: options.clock ?? systemClock,
    // Asked again, what is deleted right after its first watcher came would end without its last event.
    isKnown: true,
  });
  const writer = new EventStreamWriter(reply, options.limits ?? {});
  try {
    let since: number | undefined = options.since;
    while (since !== undefined) {
      const end = await deliverEvents({
        hub,
        stream,
        since,
        signal: writer.signal,
        mayWatch: () => guard.isAllowed(),
        room: () => writer.room(),
        send: (event) => {
          writer.write({ id: event.seq, type: event.type, text: eventEnvelope(event) });
          return until === undefined || !until(event);
        },
      });
      since = end.kind === "reset" ? await beginAgain(options, writer) : undefined;
    }
  } catch (error) {
    // The headers have left, so all that can be done is to end; a client that may still watch comes
    // back, any other gets its refusal then.
    const { code } = toToldError(error);
    if (code === "internal_error") reply.log.error({ err: toError(error), stream }, "an event stream failed");
    else reply.log.info({ code, stream }, "an event stream ended early");
  } finally {
    writer.end();
  }
}

async function hasSeenTheEnd(
  { hub, stream, since, snapshot }: EventStreamOptions,
  until: (event: StoredEvent) => boolean,
): Promise<boolean> {
  if (since === 0) return false;
  const page = await hub.read(stream, since - 1, 1);
  if (since !== page.lastSeq) return false;
  const event = page.events[0];
  if (event !== undefined) return event.seq === since && until(event);
  // Its history has expired: what it came to says whether anything follows.
  const present = await snapshot();
  return present?.seq === since && present.isFinished;
}

/** Tells that history is missing, and from which number it goes on; undefined ends the stream. */
async function beginAgain(
  options: EventStreamOptions,
  writer: EventStreamWriter,
): Promise<number | undefined> {
  const { stream } = options;
  if (!(await writer.room())) return undefined;
  const snapshot = await options.snapshot();
  if (snapshot === undefined) return undefined;
  const { seq, data, isFinished } = snapshot;
  // Without its number: whoever loses the line before the snapshot is to get both again.
  writer.write({ type: "reset", text: JSON.stringify({ stream, seq }) });
  writer.write({ id: seq, type: "snapshot", text: JSON.stringify({ stream, seq, data }) });
  return isFinished && options.until !== undefined ? undefined : seq;
}
