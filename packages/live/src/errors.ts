import { databaseUnavailable } from "@millrace/database";
import { isMillraceError, MillraceError } from "@millrace/kernel";

/** For failures that pass and do not say when. */
const usualRetrySeconds = 2;

/** A failure as clients are told of it; the words of what is neither ours nor the database's stay here. */
export function toToldError(thrown: unknown): MillraceError {
  if (isMillraceError(thrown)) return thrown;
  return (
    databaseUnavailable(thrown) ??
    new MillraceError({
      code: "internal_error",
      kind: "internal",
      message: "Something went wrong here. Try again in a moment.",
      cause: thrown,
      retryable: true,
      retryAfterSeconds: 10,
    })
  );
}

/** When to try again what failed so; undefined when it would only fail again. */
export function retrySecondsOf(error: MillraceError): number | undefined {
  return error.retryable ? (error.retryAfterSeconds ?? usualRetrySeconds) : undefined;
}

/** For unknown topics and for those of others alike: nobody learns which ids exist. */
export function topicNotFound(topic: string): MillraceError {
  return new MillraceError({
    code: "not_found",
    kind: "not_found",
    message: "There is nothing to watch under this name. Check the id, or list what you may see first.",
    details: { topic },
  });
}

export function malformedFrame(): MillraceError {
  return new MillraceError({
    code: "malformed_frame",
    kind: "malformed",
    message:
      'Send JSON text such as {"op":"sub","topic":"document:<id>"}, {"op":"unsub",…} or {"op":"ping"}.',
  });
}

export function tooManyMessages(perSecond: number): MillraceError {
  return new MillraceError({
    code: "rate_limited",
    kind: "limited",
    message: `Send at most ${perSecond} messages a second on one socket. This one was dropped: send it again in a moment.`,
    retryable: true,
    retryAfterSeconds: 1,
  });
}

export function tooManySubscriptions(limit: number): MillraceError {
  return new MillraceError({
    code: "too_many_subscriptions",
    kind: "limited",
    message: `One socket watches at most ${limit} topics. Unsubscribe from one, or watch \`workspace\` instead.`,
  });
}

export function historyUnsettled(topic: string): MillraceError {
  return new MillraceError({
    code: "history_unavailable",
    kind: "unavailable",
    message: "The history of this topic can't be followed right now. Subscribe again in a moment.",
    details: { topic },
    retryable: true,
  });
}

export function authenticationTooSlow(): MillraceError {
  return new MillraceError({
    code: "authentication_timed_out",
    kind: "unavailable",
    message: "Nobody could check who you are in time. Connect again in a moment.",
    retryable: true,
  });
}

/** More was asked of the database than live updates may take of it. */
export function readsTooSlow(waitMs: number): MillraceError {
  return new MillraceError({
    code: "live_busy",
    kind: "unavailable",
    message: `Too many subscribe at once: this one was not looked at within ${waitMs / 1000} s. Subscribe again in a moment.`,
    retryable: true,
    retryAfterSeconds: 5,
  });
}

export function malformedSince(value: string): MillraceError {
  return new MillraceError({
    code: "malformed_since",
    kind: "malformed",
    message: "`since` and `Last-Event-ID` take the whole number of the last event seen, 0 for all.",
    details: { value: value.slice(0, 40) },
  });
}

export function unknownParameter(name: string): MillraceError {
  return new MillraceError({
    code: "unknown_field",
    kind: "invalid",
    message: `\`${name}\` is not a parameter here. Remove it.`,
    items: [{ pointer: name, code: "unknown_field", message: "Not a parameter of this path." }],
  });
}

export function malformedUntil(): MillraceError {
  return new MillraceError({
    code: "malformed_until",
    kind: "malformed",
    message: "`until` takes `finished`: the stream then ends with the work. Leave it out to keep watching.",
  });
}

export function upgradeRequired(): MillraceError {
  return new MillraceError({
    code: "upgrade_required",
    kind: "malformed",
    message: "This path speaks WebSocket. Connect with ws:// or wss://, or use the `/events` paths for SSE.",
  });
}

export function hubStopped(): MillraceError {
  return new MillraceError({
    code: "live_stopped",
    kind: "unavailable",
    message: "Live updates are not running in this process. Connect again in a moment.",
    retryable: true,
    retryAfterSeconds: 2,
  });
}
